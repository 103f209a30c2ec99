/* Network Dissection piece by piece (stages/dissect/). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "dissect/tally.h"
#include "dissect/threshold.h"
#include "image/png.h"
#include "larder/fs.h"
#include "nn/arch.h"

#include "own_folder.h"

TestSuite(dissect, .init = enter_folder, .fini = leave_folder);

enum { CHANNELS = 18 };

/* Of the last of many channels, which all have the same values. */
static double threshold_among(const float *v, int n)
{
    float *all = malloc((size_t)n * CHANNELS * sizeof *all), most;
    struct threshold t[CHANNELS];
    double value = 0;

    for (int i = 0; i < n * CHANNELS; i++)
        all[i] = v[i / CHANNELS];
    for (int k = 0; k < CHANNELS; k++)
        threshold_open(&t[k], (uint64_t)n);
    threshold_add(t, CHANNELS, all, n, CHANNELS);
    for (int k = 0; k < CHANNELS; k++) {
        double own = threshold_value(&t[k], &most);
        cr_assert(k == 0 || own == value);
        value = own;
        threshold_close(&t[k]);
    }
    free(all);
    return value;
}

static double threshold_of(const float *v, int n)
{
    struct threshold t;
    double value;
    float most;

    threshold_open(&t, (uint64_t)n);
    for (int i = 0; i < n; i += 700)
        threshold_add(&t, 1, v + i, n - i < 700 ? n - i : 700, 1);
    value = threshold_value(&t, &most);
    for (int i = 0; i < n; i++)
        cr_assert(le(flt, v[i], most));
    threshold_close(&t);
    return value;
}

/* Values 0 to 999 once each: q n - 0.5 = 994.494995, and five are above. */
Test(dissect, the_threshold_is_between_two_values)
{
    float v[1000];
    int above = 0;

    for (int i = 0; i < 1000; i++)
        v[i] = (float)((i * 617) % 1000);
    double t = threshold_of(v, 1000);
    for (int i = 0; i < 1000; i++)
        above += (double)v[i] > t;
    cr_assert(fabs(t - 994.4949949949950) < 1e-9, "%.12f", t);
    cr_assert(eq(int, above, 5));
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* What sorting gives, with ties, zeros of both signs and negative values. */
Test(dissect, the_threshold_is_that_of_the_sorted_list)
{
    enum { MOST = 3000 };
    static float v[MOST], sorted[MOST];

    srand(4);
    for (int round = 0; round < 60; round++) {
        int n = 1 + rand() % MOST, kind = round % 4;

        for (int i = 0; i < n; i++) {
            double u = rand() / (RAND_MAX + 1.);

            v[i] = kind == 0   ? (float)(u * 1000)
                   : kind == 1 ? (float)(rand() % 7)
                   : kind == 2 ? (float)(u - .7)
                               : (float)(rand() % 200 == 0 ? u : -0.0);
        }
        memcpy(sorted, v, (size_t)n * sizeof *v);
        qsort(sorted, (size_t)n, sizeof *sorted, by_value);
        double at = fmin(fmax(994. / 999 * n - .5, 0), n - 1);
        int i = (int)at, next = i + 1 < n ? i + 1 : i;
        double wanted =
            (double)sorted[i] + (at - i) * ((double)sorted[next] - (double)sorted[i]);

        cr_assert(eq(dbl, threshold_of(v, n), wanted), "round %d, n %d", round, n);
        cr_assert(eq(dbl, threshold_among(v, n), wanted), "round %d, n %d", round, n);
    }
}

static void enlarged(const float *map, int in, int out, double *to)
{
    struct enlarge e;

    enlarge_open(&e, ENLARGE_RESIZE, in, in, out, out, out, NULL);
    for (int x = 0; x < out; x++)
        to[x] = (double)enlarge_at(&e, map, 1, 0, x);
    enlarge_close(&e);
}

Test(dissect, maps_are_enlarged_from_the_middles_of_pixels)
{
    const float two[] = { 0, 1, 0, 1 }, three[] = { 3, 1, 2, 3, 1, 2, 3, 1, 2 };
    float constant[25];
    double to[64];

    enlarged(two, 2, 4, to);
    cr_assert(to[0] == 0 && to[1] == .25 && to[2] == .75 && to[3] == 1);
    enlarged(three, 3, 3, to);
    cr_assert(to[0] == 3 && to[1] == 1 && to[2] == 2);
    for (int i = 0; i < 25; i++)
        constant[i] = .7f;
    for (int out = 1; out <= 64; out += 3) {
        enlarged(constant, 5, out, to);
        for (int x = 0; x < out; x++)
            cr_assert(fabs(to[x] - .7) < 1e-6, "%d of %d", x, out);
    }
}

/* AlexNet at 224 pixels: size, start and jump of the five layers. */
Test(dissect, receptive_fields_are_those_of_the_geometry)
{
    static const struct {
        const char *tap;
        struct field f;
    } known[] = {
        { "conv1", { 11, -2, 4 } },    { "conv2", { 51, -18, 8 } },
        { "conv3", { 99, -34, 16 } },  { "conv4", { 131, -50, 16 } },
        { "conv5", { 163, -66, 16 } },
    };
    struct graph *g;

    cr_assert(eq(int, net_arch(&g, "alexnet", "full", 1000, NULL), 0));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct field f = field_of(g, known[i].tap);

        cr_assert(f.size == known[i].f.size && f.start == known[i].f.start &&
                      f.jump == known[i].f.jump,
                  "%s: %d %d %d", known[i].tap, f.size, f.start, f.jump);
    }
    /* The first NetDissect's places of conv5 on 112 labels: 7, 15, ..., 103. */
    struct field f = field_of(g, "conv5");
    struct enlarge e;
    float map[169];

    for (int i = 0; i < 169; i++)
        map[i] = (float)(i % 13);
    enlarge_open(&e, ENLARGE_FIELD, 13, 13, 112, 112, 224, &f);
    for (int k = 0; k < 13; k++)
        cr_assert(eq(flt, enlarge_at(&e, map, 1, 0, 7 + 8 * k), (float)k));
    cr_assert(eq(flt, enlarge_at(&e, map, 1, 0, 0), 0));
    cr_assert(eq(flt, enlarge_at(&e, map, 1, 0, 11), .5f));
    cr_assert(eq(flt, enlarge_at(&e, map, 1, 0, 111), 12));
    enlarge_close(&e);
    graph_free(g);
}

/* A Broden of 4 x 4 labels: c is an object, w a texture of whole pictures (number 300).
 */
enum { C = 1, D = 2, W = 300 };

static void put_labels(const char *name, const int label[16])
{
    struct image im;

    image_init(&im, 4, 4, 3);
    for (int i = 0; i < 16; i++) {
        im.pixel[3 * i] = (uint8_t)(label[i] % 256);
        im.pixel[3 * i + 1] = (uint8_t)(label[i] / 256);
    }
    cr_assert(eq(int, image_write_png(&im, name, NULL), 0));
    image_release(&im);
}

static void put_broden(void)
{
    const int top[16] = { C, C, C, C, C, C, C, C };
    const int corner[16] = { [12] = D };

    cr_assert(eq(int, fs_mkdirs("b/images", NULL), 0));
    put_labels("b/images/top.png", top);
    put_labels("b/images/corner.png", corner);
    put("b/index.csv", "image,split,ih,iw,sh,sw,object,texture\r\n"
                       "p.png,train,8,8,4,4,top.png,\r\n"
                       "p.png,train,8,8,4,4,,300\r\n"
                       "p.png,val,8,8,4,4,corner.png,\r\n");
    put("b/category.csv", "name,first,last,count,frequency\nobject,1,2,2,2\n"
                          "texture,300,300,1,1\n");
    put("b/label.csv", "number,name,category,frequency,coverage,syns\n"
                       "1,\"cat, tom\",object(1),1,.5,\n2,dog,object(1),1,.1,\n"
                       "300,dotted,texture(1);object(1),1,1,\n");
    put("b/c_object.csv", "code,number,name,frequency,coverage\n1,1,cat,1,.5\n"
                          "2,2,dog,1,.1\n3,300,dotted,1,1\n");
    put("b/c_texture.csv", "code,number,name,frequency,coverage\n1,300,dotted,1,1\n");
}

Test(dissect, a_broden_folder_is_read_as_published)
{
    struct broden b;
    struct segments s = { 0 };
    struct error err = { 0 };

    put_broden();
    cr_assert(eq(int, broden_open(&b, "b", &err), 0), "%s", err.text);
    cr_assert(eq(int, (int)broden_size(&b), 3));
    cr_assert(eq(int, b.n_labels, 301));
    cr_assert(eq(str, (char *)b.label_name[C], "cat, tom"));
    cr_assert(eq(int, b.primary[C], 0));
    cr_assert(eq(int, b.primary[W], 1)); /* as large in both: the later one */
    cr_assert(eq(int, broden_segments(&b, 0, &s, &err), 0), "%s", err.text);
    cr_assert(s.n_planes == 1 && s.n_whole == 0 && s.plane[7] == C && s.plane[8] == 0);
    cr_assert(eq(int, broden_segments(&b, 1, &s, &err), 0), "%s", err.text);
    cr_assert(s.n_planes == 0 && s.n_whole == 1 && s.whole[0] == W);
    segments_release(&s);
    broden_close(&b);
}

/* The three pictures with masks of 8, 2 and 3 pixels: I 4, T 8. */
static void toy(enum presence presence, double *cat, uint64_t *active)
{
    const double threshold[1] = { .5 };
    float map[3][16] = { 0 };
    uint64_t truth[301] = { 0 };
    double iou[301];
    struct broden b;
    struct tally t;
    struct tally_room room = { 0 };
    struct segments s = { 0 };
    struct enlarge e;

    for (int i = 0; i < 16; i++)
        map[0][i] = i % 4 < 2; /* the left half */
    map[1][0] = map[1][5] = 1;
    map[2][0] = map[2][1] = map[2][2] = 1;
    cr_assert(eq(int, broden_open(&b, "b", NULL), 0));
    tally_open(&t, &b, presence, 1, threshold);
    enlarge_open(&e, ENLARGE_RESIZE, 4, 4, 4, 4, 8, NULL);
    for (int i = 0; i < 3; i++) {
        cr_assert(eq(int, broden_segments(&b, i, &s, NULL), 0));
        tally_truth(&s, truth);
        tally_add(&t, 0, map[i], 1, &e, &s, &room);
    }
    tally_iou(&t, 0, truth, iou);
    cr_assert(eq(u64, truth[C], 8));
    cr_assert(eq(u64, truth[D], 1));
    cr_assert(eq(u64, truth[W], 16));
    cr_assert(eq(u32, t.both[C], 4));
    cr_assert(eq(u32, t.both[W], 2));
    cr_assert(fabs(iou[W] - 2. / (2 + 16 - 2)) < 1e-9);
    *cat = iou[C];
    *active = t.active[0];
    tally_room_release(&room);
    segments_release(&s);
    enlarge_close(&e);
    tally_close(&t);
    broden_close(&b);
}

/* What carries no label of the category counts where another label of it is elsewhere in
 * the picture only as the first NetDissect has it. */
Test(dissect, the_tally_is_netdissects)
{
    double cat;
    uint64_t active;

    put_broden();
    toy(PRESENCE_LITE, &cat, &active);
    cr_assert(eq(u64, active, 8));
    cr_assert(fabs(cat - 4. / 12) < 1e-9, "%.12f", cat);
    toy(PRESENCE_ORIGINAL, &cat, &active);
    cr_assert(eq(u64, active, 11));
    cr_assert(fabs(cat - 4. / 15) < 1e-9, "%.12f", cat);
}

static void refuse(const char *says)
{
    struct broden b = { 0 };
    struct segments s = { 0 };
    struct error err = { 0 };
    int rc = broden_open(&b, "b", &err);

    for (long i = 0; i < 3 && rc == 0; i++)
        rc = broden_segments(&b, i, &s, &err);
    cr_assert(lt(int, rc, 0));
    cr_assert(ne(ptr, strstr(err.text, says), NULL), "%s", err.text);
    segments_release(&s);
    broden_close(&b);
}

Test(dissect, a_broken_broden_is_refused)
{
    put_broden();
    put("b/c_texture.csv", "code,number,coverage\n1,x,1\n");
    refuse("c_texture.csv:2: number is \"x\"");
    put_broden();
    put("b/index.csv", "image,split,ih,iw,sh,sw,object\np.png,train,8,8,4,4\n");
    refuse("index.csv:2: 6 fields, the header has 7");
    put_broden();
    put("b/index.csv", "image,split,ih,iw,sh,sw,object\np.png,train,8,8,4,4,top.png\n"
                       "p.png,train,8,8,5,4,top.png\n");
    refuse("index.csv:3: top.png has 4 x 4 labels, not 4 x 5");
    put("b/index.csv", "image,split,ih,iw,sh,sw,object\np.png,train,8,8,4,4,299\n");
    refuse("index.csv:2: label 299 is not in label.csv");
    put("b/index.csv", "image,split,ih,iw,sh,sw,object\np.png,train,8,8,4,4,-2\n");
    refuse("label -2");
    put("b/index.csv", "image,split,ih,iw,sh,sw,object\np.png,train,8,8,4,4,none.png\n");
    refuse("none.png");
    put("b/index.csv", "image,split,ih,iw,sh,sw,object\n");
    refuse("names no picture");
    put("b/index.csv", "image,split,ih,iw,sh,object\np.png,train,8,8,4,top.png\n");
    refuse("no column sw");
}
