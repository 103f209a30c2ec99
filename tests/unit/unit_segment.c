/* DeepLab against PyTorch (tests/golden/make_transfer_vectors.py) and its input against
 * OpenCV's numbers. */
#include "made_picture.h"
#include "nn_fixture.h"

#include "larder/mem.h"
#include "nn/deeplab.h"
#include "segment/input.h"
#include "segment/overlap.h"
#include "segment/scales.h"

static struct vectors want(const char *what, const char *end)
{
    char text[64];

    snprintf(text, sizeof text, "%s %s", what, end);
    return vectors_in("transfer-vectors.tsv", text);
}

/* cv2.resize of the made picture, read as blue, green, red. */
Test(segment, input_is_scaled_as_by_opencv)
{
    struct image im, to;
    long sum = 0;

    make_picture(&im);
    input_scale(&to, &im, 513);
    cr_assert(eq(int, to.width, 513));
    cr_assert(eq(int, to.height, 442));
    for (size_t i = 0; i < image_bytes(&to); i++)
        sum += to.pixel[i];
    cr_assert(le(long, labs(sum - 85645584), 400), "%ld", sum);
    const uint8_t *p = to.pixel + (100 * 513 + 200) * 3;
    cr_assert(eq(u8, p[0], 214));
    cr_assert(eq(u8, p[1], 215));
    cr_assert(eq(u8, p[2], 230));
    image_release(&to);
    image_release(&im);
}

Test(segment, orientation_is_read_from_exif)
{
    uint8_t big[] = { 0xff, 0xd8, 0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0,    0, 'M',
                      'M',  0,    42,   0,    0, 0,  8,   0,   1,   1,   0x12, 0, 3,
                      0,    0,    0,    1,    0, 6,  0,   0,   0,   0,   0,    0 };
    uint8_t little[] = { 0xff, 0xd8, 0xff, 0xe0, 0,   4, 1,    2,   0xff, 0xe1, 0,
                         34,   'E',  'x',  'i',  'f', 0, 0,    'I', 'I',  42,   0,
                         8,    0,    0,    0,    1,   0, 0x12, 1,   3,    0,    1,
                         0,    0,    0,    3,    0,   0, 0,    0,   0,    0,    0 };

    cr_assert(eq(int, input_orientation(big, sizeof big), 6));
    cr_assert(eq(int, input_orientation(little, sizeof little), 3));
    for (size_t n = 0; n < sizeof big; n++) { /* cut anywhere, nothing is read behind */
        uint8_t *part = xcalloc(n + 1, 1);
        memcpy(part, big, n);
        cr_assert(ge(int, input_orientation(part, n), 1));
        free(part);
    }
}

static float *noise(int H, int W, uint32_t k, int n)
{
    float *x = xcalloc((size_t)n * H * W * 3, sizeof *x);

    for (uint32_t i = 0; i < (uint32_t)(n * H * W * 3); i++)
        x[nhwc(i, 3, H, W)] = (float)(counter(i, k) % 256);
    return x;
}

static void check_logits(const char *what, const char *end, const float *have, int h,
                         int w)
{
    struct vectors v = want(what, end);
    double std = want(what, "whole std").value[0];

    for (int i = 0; i < v.n; i++)
        cr_assert(epsilon_eq(dbl, (double)have[nhwc((size_t)v.index[i], 182, h, w)],
                             v.value[i], 1e-3 * std),
                  "%s %s %ld", what, end, v.index[i]);
}

static void check_deeplab(int H, int W)
{
    static const struct {
        const char *end;
        bool several, by_factor;
    } ways[] = { { "whole", false, false },
                 { "factor", true, true },
                 { "ratio", true, false } };
    struct graph *g = deeplab_full(182, H, W);
    struct tensors t = { 0 };
    struct error err = { 0 };
    float *x = noise(H, W, 41, 1);
    int *label = xcalloc((size_t)H * W, sizeof *label);
    char what[32];

    counted_parameters(g, &t);
    snprintf(what, sizeof what, "deeplab %dx%d", W, H);
    for (int k = 0; k < 3; k++) {
        struct scales_use use = { .weights = &t,
                                  .batch = 1,
                                  .lanes = 1,
                                  .threads = 1,
                                  .several = ways[k].several,
                                  .by_factor = ways[k].by_factor };
        struct scales *s;
        const float *logits;
        int h, w;

        must(scales_open(&s, &use, &err));
        cr_assert(eq(int, scales_labels(s), 182));
        must(scales_run(s, x, 1, H, W, label, &err));
        logits = scales_logits(s, &h, &w);
        check_logits(what, ways[k].end, logits, h, w);
        scales_close(s);
    }
    struct vectors v = want(what, "label");
    for (int i = 0; i < v.n; i++)
        cr_assert(eq(int, label[v.index[i]], (int)v.value[i]), "label %ld", v.index[i]);
    tensors_release(&t);
    graph_free(g);
    free(x);
    free(label);
}

Test(segment, deeplab_agrees_with_pytorch, .timeout = 120)
{
    check_deeplab(97, 129);
}

/* The size of its published use: some minutes with sanitizers. */
Test(segment, deeplab_agrees_with_pytorch_at_513_pixels, .timeout = 900)
{
    if (getenv("LARDER_LONG") == NULL)
        cr_skip_test("set LARDER_LONG for it");
    check_deeplab(385, 513);
}

Test(segment, a_label_for_each_place_is_learnt_as_by_pytorch)
{
    struct vectors v = want("deeplab mini", "train loss");
    struct graph *g = deeplab_mini(11, 32, 32);
    struct net *net = open_net(g, "onednn", 2, 1, 1, true, false);
    float *x = noise(32, 32, 51, 2), loss[2];
    int32_t label[2 * 256];
    struct tensors t = { 0 };
    struct error err = { 0 };
    const struct sgd sgd = { .lr = .05, .momentum = .9, .weight_decay = 5e-4 };

    counted_parameters(g, &t);
    must(net_set_parameters(net, &t, &err));
    for (uint32_t i = 0; i < 2 * 256; i++)
        label[i] = (int32_t)(counter(i, 52) % 12) - 1;
    for (int i = 0; i < v.n; i++) {
        must(net_forward_training(net, x, 2, NULL, NULL, &err));
        must(net_loss(net, label, loss, &err));
        cr_assert(epsilon_eq(dbl, (double)(loss[0] + loss[1]) / 2 / v.value[i], 1, 1e-3),
                  "step %d", i);
        must(net_backward_weights(net, &err));
        must(net_update(net, &sgd, &err));
    }
    label[3] = 11;
    cr_assert(lt(int, net_loss(net, label, loss, &err), 0));
    net_close(net);
    graph_free(g);
    tensors_release(&t);
    free(x);
}

Test(segment, pixels_without_an_exact_label_do_not_count)
{
    static const int found[] = { 0, 0, 1, 1 }, exact[] = { 0, 1, 1, -1 };
    struct overlap o[3] = { 0 };

    overlap_add(o, 3, found, exact, 4);
    for (int k = 0; k < 3; k++) {
        static const long want[3][3] = { { 2, 1, 1 }, { 1, 2, 1 }, { 0, 0, 0 } };

        cr_assert(eq(long, o[k].found, want[k][0]));
        cr_assert(eq(long, o[k].exact, want[k][1]));
        cr_assert(eq(long, o[k].both, want[k][2]));
    }
}
