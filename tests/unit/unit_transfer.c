/* Style transfer against the specification's vectors of pytorch-AdaIN's net.py, and
 * against PyTorch (tests/golden/make_transfer_vectors.py). */
#include "made_picture.h"
#include "nn_fixture.h"

#include "image/resize.h"
#include "kit/draws.h"
#include "kit/mt19937.h"
#include "larder/mem.h"
#include "nn/adain.h"
#include "nn/arch.h"
#include "nn/vgg19.h"
#include "transfer/adaptive.h"
#include "transfer/gatys.h"
#include "transfer/lbfgs.h"

static struct vectors want(const char *what)
{
    return vectors_in("transfer-vectors.tsv", what);
}

struct summary {
    double mean, std, least, most;
};

static struct summary summary_of(const float *x, size_t n)
{
    struct summary s = { .least = (double)x[0], .most = (double)x[0] };

    for (size_t i = 0; i < n; i++) {
        s.mean += (double)x[i] / (double)n;
        s.least = fmin(s.least, (double)x[i]);
        s.most = fmax(s.most, (double)x[i]);
    }
    for (size_t i = 0; i < n; i++)
        s.std += pow((double)x[i] - s.mean, 2) / (double)n;
    s.std = sqrt(s.std);
    return s;
}

/* Convolution n of both networks: weights sqrt(2 / fan in) N(stream n, index), biases 0.
 */
static void drawn_parameters(const struct graph *g, uint32_t first, struct tensors *t)
{
    const struct draws d = { 0, 0 };

    graph_tensors(g, t);
    for (size_t i = 0; i < t->n; i += 2, first++) {
        struct tensor *w = &t->tensor[i];
        double scale = sqrt(2.0 / (double)(w->n / (size_t)w->dim[0]));

        for (size_t k = 0; k < w->n; k++)
            w->value[k] = (float)(draws_normal(&d, first, k) * scale);
    }
}

/* A part of the made picture, after Resize(256) and CenterCrop(224), 0..1; new. */
static float *part(int x, int y, int width, int height)
{
    float *v = xcalloc((size_t)width * height * 3, sizeof *v);
    struct image whole, fitted, im;

    make_picture(&whole);
    image_fit(&fitted, &whole, 256, 224);
    image_crop(&im, &fitted, x, y, width, height);
    for (size_t i = 0; i < image_bytes(&im); i++)
        v[i] = (float)im.pixel[i] / 255.f;
    image_release(&im);
    image_release(&fitted);
    image_release(&whole);
    return v;
}

#define NEAR(have, wanted) \
    cr_assert(epsilon_eq(dbl, (have), (wanted), 1e-4 * fabs(wanted) + 1e-6))

Test(transfer, adain_gives_the_vectors_of_the_specification, .timeout = 60)
{
    float *content = part(0, 0, 64, 72), *style = part(80, 100, 88, 64);
    float *picture = xcalloc(72 * 64 * 3, sizeof *picture);
    struct graph *e = adain_encoder(72, 64), *d = adain_decoder(9, 8);
    struct tensors encoder = { 0 }, decoder = { 0 };
    struct error err = { 0 };
    struct adaptive a;
    struct summary s;

    drawn_parameters(e, 0, &encoder);
    drawn_parameters(d, 10, &decoder);
    must(adaptive_open(&a,
                       &(struct adaptive_use){ .encoder = &encoder,
                                               .decoder = &decoder,
                                               .width = 64,
                                               .height = 72,
                                               .style_width = 88,
                                               .style_height = 64,
                                               .batch = 1,
                                               .lanes = 1,
                                               .threads = 1,
                                               .alpha = 1 },
                       &err));
    must(adaptive_run(&a, content, style, 1, picture, &err));
    s = summary_of(a.of_style, 512 * 8 * 11);
    NEAR(s.mean, .384374);
    NEAR(s.std, .563048);
    s = summary_of(a.features, 512 * 9 * 8); /* after the swap */
    NEAR(s.std, .562846);
    NEAR(s.least, -.376411);
    s = summary_of(picture, 72 * 64 * 3);
    NEAR(s.mean, -.407677);
    NEAR(s.std, .296805);
    NEAR(s.least, -1.41221);
    NEAR(s.most, .348331);
    NEAR((double)picture[(10 * 64 + 20) * 3 + 1], -.872603);
    must(net_forward(a.content, content, 1, NULL, &err));
    must(net_tap(a.content, "relu4_1", a.features, &err));
    s = summary_of(a.features, 512 * 9 * 8);
    NEAR(s.mean, .302437);
    NEAR(s.std, .453100);
    NEAR(s.most, 4.06756);
    adaptive_close(&a);
    tensors_release(&encoder);
    tensors_release(&decoder);
    graph_free(e);
    graph_free(d);
    free(picture);
    free(content);
    free(style);
}

static void check(const char *what, const float *have, int C, int H, int W, double scale)
{
    struct vectors v = want(what);

    for (int i = 0; i < v.n; i++)
        cr_assert(epsilon_eq(dbl, (double)have[nhwc((size_t)v.index[i], C, H, W)],
                             v.value[i], 1e-3 * scale),
                  "%s %ld", what, v.index[i]);
}

static float *noise(int H, int W, uint32_t k)
{
    float *x = xcalloc((size_t)H * W * 3, sizeof *x);

    for (uint32_t i = 0; i < (uint32_t)(H * W * 3); i++)
        x[nhwc(i, 3, H, W)] = (float)(counter(i, k) % 256) / 255.f;
    return x;
}

Test(transfer, adain_agrees_with_pytorch_at_full_size, .timeout = 60)
{
    enum { SIDE = 224 };
    float *content = noise(SIDE, SIDE, 31), *style = noise(SIDE, SIDE, 32);
    float *picture = xcalloc((size_t)SIDE * SIDE * 3, sizeof *picture);
    struct graph *e = adain_encoder(SIDE, SIDE), *d = adain_decoder(28, 28);
    struct tensors encoder = { 0 }, decoder = { 0 };
    struct error err = { 0 };
    struct adaptive a;

    counted_parameters(e, &encoder);
    counted_parameters(d, &decoder);
    must(adaptive_open(&a,
                       &(struct adaptive_use){ .encoder = &encoder,
                                               .decoder = &decoder,
                                               .width = SIDE,
                                               .height = SIDE,
                                               .style_width = SIDE,
                                               .style_height = SIDE,
                                               .batch = 1,
                                               .lanes = 1,
                                               .threads = 1,
                                               .alpha = 1 },
                       &err));
    must(adaptive_run(&a, content, style, 1, picture, &err));
    check("adain style", a.of_style, 512, 28, 28, 1);
    check("adain picture", picture, 3, SIDE, SIDE, want("adain picture std").value[0]);
    adaptive_close(&a);
    tensors_release(&encoder);
    tensors_release(&decoder);
    graph_free(e);
    graph_free(d);
    free(picture);
    free(content);
    free(style);
}

Test(transfer, statistics_of_content_are_replaced)
{
    float f[] = { 0, 5, 2, 5, 4, 5 }, style[] = { 10, 1, 14, 3 };

    adaptive_swap(f, 3, style, 2, 2, 1);
    cr_assert(epsilon_eq(dbl, (double)(f[0] + f[2] + f[4]) / 3, 12, 1e-5));
    cr_assert(epsilon_eq(dbl, (double)(f[4] - f[0]) / 2, sqrt(8), 1e-4)); /* n - 1 */
    cr_assert(epsilon_eq(dbl, (double)f[1], 2, 1e-5)); /* no variance: the mean alone */
}

/* The waves of make_transfer_vectors.py. */
static float *smooth(int H, int W, int k)
{
    float *v = xcalloc((size_t)H * W * 3, sizeof *v);

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++)
                v[(y * W + x) * 3 + c] =
                    (float)(floor((.5 + .3 * sin(x * (c + 1) / (3. + k) + k) *
                                            cos(y * (k + 1) / (5. + c))) *
                                      255 +
                                  .5) /
                            255);
    return v;
}

/* The loss of the last of so many evaluations. */
static double gatys_loss(const struct tensors *weights, int H, int W, int evaluations)
{
    struct gatys_use use = { .weights = weights,
                             .width = W,
                             .height = H,
                             .batch = 1,
                             .lanes = 1,
                             .threads = 1,
                             .evaluations = evaluations,
                             .style_weight = 1000,
                             .lbfgs = lbfgs_defaults };
    float *content = smooth(H, W, 1), *style = smooth(H, W, 2);
    float *picture = xcalloc((size_t)H * W * 3, sizeof *picture);
    struct error err = { 0 };
    struct gatys *g;
    double loss;

    must(gatys_open(&g, &use, &err));
    must(gatys_run(g, content, style, 1, picture, &loss, &err));
    gatys_close(g);
    free(content);
    free(style);
    free(picture);
    return loss;
}

Test(transfer, gatys_takes_the_steps_of_pytorch, .timeout = 120)
{
    struct vectors vgg = want("gatys vgg19 loss"), alexnet = want("gatys alexnet loss");
    struct graph *g = vgg19(32, 48);
    struct tensors t = { 0 };
    struct error err = { 0 };

    counted_parameters(g, &t);
    for (int i = 0; i < vgg.n; i++)
        cr_assert(epsilon_eq(dbl, gatys_loss(&t, 32, 48, i + 1) / vgg.value[i], 1, 1e-3),
                  "VGG-19, evaluation %d", i + 1);
    tensors_release(&t);
    graph_free(g);
    must(net_arch(&g, "alexnet", "mini", 10, &err));
    counted_parameters(g, &t);
    for (int i = 0; i < alexnet.n; i++)
        cr_assert(
            epsilon_eq(dbl, gatys_loss(&t, 32, 32, i + 1) / alexnet.value[i], 1, 1e-3),
            "AlexNet, evaluation %d", i + 1);
    cr_assert(epsilon_eq(
        dbl,
        gatys_loss(&t, 32, 32, (int)want("gatys alexnet evaluations").value[0]) /
            want("gatys alexnet end").value[0],
        1, .02));
    tensors_release(&t);
    graph_free(g);
}

/* The function of make_transfer_vectors.py. */
static double valley(const float *x, float *gradient, int n)
{
    double value = 0;

    memset(gradient, 0, (size_t)n * sizeof *gradient);
    for (int i = 0; i + 1 < n; i++) {
        double a = (double)x[i], bent = (double)x[i + 1] - a * a, k = 100. / 64;

        value += k * bent * bent + (1 - a) * (1 - a);
        gradient[i + 1] += (float)(2 * k * bent);
        gradient[i] += (float)(-4 * k * bent * a - 2 * (1 - a));
    }
    return value;
}

Test(transfer, lbfgs_takes_the_steps_of_pytorch)
{
    struct vectors v = want("lbfgs loss");
    struct lbfgs *l = lbfgs_new(10, &lbfgs_defaults);
    float x[10], gradient[10];

    for (int i = 0; i < 10; i++)
        x[i] = (float)(-1 + 2. / 9 * i);
    for (int i = 0; i < v.n; i++) {
        double value = valley(x, gradient, 10);

        cr_assert(epsilon_eq(dbl, value, v.value[i], 1e-3 * v.value[i] + 1e-5), "%d", i);
        if (!lbfgs_step(l, x, value, gradient))
            break;
    }
    for (int i = 0; i < 10; i++)
        cr_assert(epsilon_eq(flt, x[i], 1, 1e-2f));
    lbfgs_free(l);
}

/* The first and last styles of Stylized-ImageNet's 50,000 validation pictures. */
Test(transfer, styles_are_drawn_as_stylized_imagenet_drew_them)
{
    static const uint32_t first[] = { 75686, 79149, 64876, 10784,
                                      49078, 48016, 36527, 42163 };
    static const uint32_t last[] = { 40957, 13259, 3486 };
    struct mt19937 m;

    mt19937_init(&m, 49809);
    for (int i = 0; i < 50000; i++) {
        uint32_t style = mt19937_below(&m, 79395);

        if (i < 8)
            cr_assert(eq(u32, style, first[i]));
        if (i >= 49997)
            cr_assert(eq(u32, style, last[i - 49997]));
    }
}
