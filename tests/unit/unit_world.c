#include "image/world.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "image/idx.h"
#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/fs.h"

static char list[] = "/tmp/unit-world-XXXXXX";

static void make_file(void)
{
    close(mkstemp(list));
}

static void remove_file(void)
{
    unlink(list);
}

TestSuite(world, .init = make_file, .fini = remove_file);

/* Debian 12 and 13 keep GIMP's patterns in different folders. */
static const char *pattern_folder(void)
{
    static char folder[64];
    glob_t found;

    if (glob("/usr/share/gimp/*/patterns", 0, NULL, &found) != 0)
        return NULL;
    snprintf(folder, sizeof folder, "%s", found.gl_pathv[0]);
    globfree(&found);
    return folder;
}

/* Writes the manifest of the project's textures but for the one left out. */
static void write_list(const char *without)
{
    struct tsv t = { 0 };
    struct buf text = { 0 };
    struct error err = { 0 };
    const char *folder = pattern_folder();

    cr_assert_not_null(folder);
    cr_assert_eq(tsv_read(&t, LARDER_SOURCE "/recipes/textures.tsv", &err), 0, "%s",
                 err.text);
    cr_assert_eq(t.n_rows, 22);
    buf_adds(&text, "pattern\tpath\n");
    for (size_t i = 0; i < t.n_rows; i++)
        if (without == NULL || strcmp(tsv_get(&t, i, 0), without) != 0)
            buf_printf(&text, "%s\t%s/%s\n", tsv_get(&t, i, 0), folder,
                       tsv_get(&t, i, 1));
    cr_assert_eq(tsv_write(list, &text, NULL), 0);
    buf_release(&text);
    tsv_release(&t);
}

static int open_world(struct world *w, const struct world_constants *c, struct error *err)
{
    struct manifest m = { 0 };
    int rc;

    cr_assert_eq(manifest_read(&m, list, NULL), 0);
    rc = world_open(w, c, &m, err);
    manifest_release(&m);
    return rc;
}

static void open_documented_world(struct world *w)
{
    struct error err = { 0 };

    if (pattern_folder() == NULL)
        cr_skip_test("gimp-data is not installed");
    write_list(NULL);
    cr_assert_eq(open_world(w, &world_defaults, &err), 0, "%s", err.text);
}

/* A frame with a grey step: nearly the whole square is cloth. */
static void fill_garment(uint8_t garment[784])
{
    for (int y = 0; y < 28; y++)
        for (int x = 0; x < 28; x++)
            garment[y * 28 + x] = y < 2 || y > 25 || x < 2 || x > 25 ? 0
                                  : x < 14                           ? 90
                                                                     : 200;
}

struct painting {
    struct image picture, mask;
};

static struct painting paint(const struct world *w, const uint8_t *garment, int texture,
                             const char *item, uint64_t seed)
{
    struct painting p;
    struct draws d;

    draws_init(&d, "compose", "", item, seed);
    image_init(&p.picture, WORLD_SIDE, WORLD_SIDE, 3);
    image_init(&p.mask, WORLD_SIDE, WORLD_SIDE, 1);
    world_paint(w, garment, texture, &d, &p.picture, &p.mask);
    return p;
}

static void painting_release(struct painting *p)
{
    image_release(&p->picture);
    image_release(&p->mask);
}

static bool same(const struct image *a, const struct image *b)
{
    return memcmp(a->pixel, b->pixel, image_bytes(a)) == 0;
}

Test(world, a_missing_texture_is_named)
{
    struct world w;
    struct error err = { 0 };

    if (pattern_folder() == NULL)
        cr_skip_test("gimp-data is not installed");
    write_list("parque3");
    cr_assert_eq(open_world(&w, &world_defaults, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "no pattern \"parque3\""), "%s", err.text);
}

Test(world, a_list_without_the_axis_is_refused)
{
    struct world w;
    struct buf text = { 0 };
    struct error err = { 0 };

    buf_adds(&text, "file\tpath\nleopard\tx\n");
    cr_assert_eq(tsv_write(list, &text, NULL), 0);
    cr_assert_eq(open_world(&w, &world_defaults, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "\"pattern\""), "%s", err.text);
    buf_release(&text);
}

Test(world, a_file_that_is_no_pattern_is_refused_with_its_role)
{
    struct world w;
    struct buf text = { 0 };
    struct error err = { 0 };

    buf_printf(&text, "pattern\tpath\nleopard\t%s\n", list);
    cr_assert_eq(tsv_write(list, &text, NULL), 0);
    cr_assert_eq(open_world(&w, &world_defaults, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "pattern leopard: "), "%s", err.text);
    buf_release(&text);
}

Test(world, a_picture_depends_on_its_item_and_seed_alone)
{
    struct world w;
    uint8_t garment[784];
    struct painting a, b, c, d;

    open_documented_world(&w);
    fill_garment(garment);
    a = paint(&w, garment, 0, "train/7", 5);
    c = paint(&w, garment, 0, "train/8", 5);
    d = paint(&w, garment, 0, "train/7", 6);
    b = paint(&w, garment, 0, "train/7", 5);
    cr_assert(same(&a.picture, &b.picture));
    cr_assert(same(&a.mask, &b.mask));
    cr_assert_not(same(&a.picture, &c.picture));
    cr_assert_not(same(&a.picture, &d.picture));
    painting_release(&a);
    painting_release(&b);
    painting_release(&c);
    painting_release(&d);
    world_close(&w);
}

Test(world, the_texture_changes_the_object_and_nothing_else)
{
    struct world w;
    uint8_t garment[784];
    struct painting a, b;
    int changed = 0;

    open_documented_world(&w);
    fill_garment(garment);
    a = paint(&w, garment, 0, "train/3", 0);
    b = paint(&w, garment, 8, "train/3", 0);
    cr_assert(same(&a.mask, &b.mask));
    for (int i = 0; i < 32 * 32; i++) {
        bool differs = memcmp(a.picture.pixel + 3 * i, b.picture.pixel + 3 * i, 3) != 0;

        if (a.mask.pixel[i] == 0)
            cr_assert_not(differs, "pixel %d of the background", i);
        changed += differs;
    }
    cr_assert(changed > 300, "%d pixels", changed);
    painting_release(&a);
    painting_release(&b);
    world_close(&w);
}

/* Without pose a mask is the garment's, in the middle; without relief, shading, tint and
 * clutter a picture has two levels, the contrast apart. */
Test(world, constants_mean_what_they_say)
{
    struct world_constants c = { .scale_low = 1,
                                 .scale_high = 1,
                                 .fine = 1,
                                 .texture_scale_low = 1,
                                 .texture_scale_high = 1,
                                 .contrast_low = 0.2,
                                 .contrast_high = 0.2 };
    struct world w;
    uint8_t garment[784];
    struct painting p;

    open_documented_world(&w);
    w.constants = c;
    fill_garment(garment);
    p = paint(&w, garment, 0, "train/0", 0);
    for (int y = 0; y < 32; y++) {
        for (int x = 0; x < 32; x++) {
            bool cloth = y >= 4 && y < 28 && x >= 4 && x < 28;
            int level = p.picture.pixel[3 * (y * 32 + x)];

            cr_assert_eq(p.mask.pixel[y * 32 + x], cloth ? 255 : 0, "%d,%d", x, y);
            cr_assert_eq(level,
                         p.picture.pixel[0] > 128 ? (cloth ? 102 : 153)
                                                  : (cloth ? 153 : 102),
                         "%d,%d: %d", x, y, level);
        }
    }
    painting_release(&p);
    world_close(&w);
}

Test(world, a_garment_without_cloth_is_all_background)
{
    struct world w;
    uint8_t garment[784];
    struct painting p;

    open_documented_world(&w);
    memset(garment, 8, sizeof garment);
    p = paint(&w, garment, 4, "train/0", 0);
    for (int i = 0; i < 32 * 32; i++)
        cr_assert_eq(p.mask.pixel[i], 0);
    painting_release(&p);
    world_close(&w);
}

struct golden {
    char images[16], item[16];
    int garment, texture; /* position in the file; class of the texture */
    char picture[17], mask[17];
};

ParameterizedTestParameters(world, golden_pictures)
{
    static struct golden cases[] = {
        { "train", "train/0", 1, 0, "8bb7a874477b2cac", "5c0802058b6d7758" },
        { "train", "train/25", 0, 5, "950b6bb99c46cd51", "70e312be2b6723c9" },
        { "t10k", "test/7", 9, 7, "8d8fcf50cbb8315f", "14c3058d108a2636" },
        { "t10k", "conflict/11", 3, 3, "7d9b833466e8dfe3", "f4cfbf8f5e2344c9" },
    };

    return cr_make_param_array(struct golden, cases, sizeof cases / sizeof cases[0]);
}

static void short_digest(const struct image *im, char hex[DIGEST_HEX + 1])
{
    struct digest id;

    digest_bytes(&id, im->pixel, image_bytes(im));
    digest_hex(&id, hex);
    hex[16] = '\0';
}

/* Pictures of real garments under real textures, by the first 16 digits of the SHA-256 of
 * their pixels. */
ParameterizedTest(struct golden *g, world, golden_pictures)
{
    struct world w;
    struct idx images;
    struct buf path = { 0 };
    struct painting p;
    char picture[DIGEST_HEX + 1], mask[DIGEST_HEX + 1];

    buf_printf(&path, "/usr/share/datasets/fashion-mnist/%s-images-idx3-ubyte.gz",
               g->images);
    if (!fs_exists(buf_str(&path)))
        cr_skip_test("dataset-fashion-mnist is not installed");
    open_documented_world(&w);
    cr_assert_eq(idx_read(&images, buf_str(&path), 3, NULL), 0);
    p = paint(&w, images.bytes + 784 * g->garment, g->texture, g->item, 0);
    short_digest(&p.picture, picture);
    short_digest(&p.mask, mask);
    cr_assert(strcmp(picture, g->picture) == 0 && strcmp(mask, g->mask) == 0,
              "%s is %s, its mask %s", g->item, picture, mask);
    painting_release(&p);
    idx_release(&images);
    buf_release(&path);
    world_close(&w);
}
