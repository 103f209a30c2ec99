#include "transfer/adaptive.h"

#include <math.h>

#include "larder/mem.h"
#include "nn/adain.h"

#include "larder/banned.h"

static const double eps = 1e-5;

struct moments {
    double mean, deviation;
};

static struct moments moments_of(const float *x, long places, int channels, int c)
{
    struct moments m = { 0 };
    double sum = 0;

    for (long i = 0; i < places; i++)
        m.mean += (double)x[i * channels + c];
    m.mean /= (double)places;
    for (long i = 0; i < places; i++)
        sum += pow((double)x[i * channels + c] - m.mean, 2);
    m.deviation = sqrt(sum / (double)(places > 1 ? places - 1 : 1) + eps);
    return m;
}

void adaptive_swap(float *features, long places, const float *style, long style_places,
                   int channels, double alpha)
{
    for (int c = 0; c < channels; c++) {
        struct moments own = moments_of(features, places, channels, c);
        struct moments wanted = moments_of(style, style_places, channels, c);

        for (long i = 0; i < places; i++) {
            float *f = &features[i * channels + c];
            double t = ((double)*f - own.mean) / own.deviation;

            t = t * wanted.deviation + wanted.mean;
            *f = (float)(alpha * t + (1 - alpha) * (double)*f);
        }
    }
}

static int open_net(struct net **net, const struct graph *g, const struct tensors *t,
                    const struct adaptive_use *use, struct error *err)
{
    const struct net_options o = { .batch = use->batch,
                                   .lanes = use->lanes,
                                   .threads = use->threads };
    int rc = net_open(net, g, &o, err);

    return rc < 0 ? rc : net_set_parameters(*net, t, err);
}

static int check_sides(int width, int height, const char *what, struct error *err)
{
    if (width >= ADAIN_LEAST && height >= ADAIN_LEAST)
        return 0;
    return error_set(err, E_INPUT,
                     "%s of %d x %d: style transfer needs %d pixels a side at least",
                     what, width, height, ADAIN_LEAST);
}

static int open_encoders(struct adaptive *a, const struct adaptive_use *use,
                         struct error *err)
{
    bool same = use->width == use->style_width && use->height == use->style_height;
    int rc;

    a->graph[0] = adain_encoder(use->height, use->width);
    rc = open_net(&a->content, a->graph[0], use->encoder, use, err);
    a->style = a->content;
    if (rc < 0 || same)
        return rc;
    a->style = NULL;
    a->graph[1] = adain_encoder(use->style_height, use->style_width);
    return open_net(&a->style, a->graph[1], use->encoder, use, err);
}

static int open_decoder(struct adaptive *a, const struct adaptive_use *use,
                        struct error *err)
{
    const struct graph_op *f = graph_tap(a->graph[0], "relu4_1"), *picture;

    a->h = f->H;
    a->w = f->W;
    a->graph[2] = adain_decoder(f->H, f->W);
    picture = graph_tap(a->graph[2], "picture");
    a->width = picture->W;
    a->height = picture->H;
    return open_net(&a->decoder, a->graph[2], use->decoder, use, err);
}

int adaptive_open(struct adaptive *a, const struct adaptive_use *use, struct error *err)
{
    const struct graph_op *f;
    int rc;

    *a = (struct adaptive){ .alpha = use->alpha };
    rc = check_sides(use->width, use->height, "a picture", err);
    if (rc == 0)
        rc = check_sides(use->style_width, use->style_height, "a style", err);
    if (rc == 0)
        rc = open_encoders(a, use, err);
    if (rc == 0)
        rc = open_decoder(a, use, err);
    if (rc < 0)
        return rc;
    f = graph_tap(a->graph[a->graph[1] != NULL ? 1 : 0], "relu4_1");
    a->style_places = f->H * f->W;
    a->features =
        xcalloc((size_t)use->batch * a->h * a->w * ADAIN_CHANNELS, sizeof *a->features);
    a->of_style = xcalloc((size_t)use->batch * a->style_places * ADAIN_CHANNELS,
                          sizeof *a->of_style);
    return 0;
}

void adaptive_close(struct adaptive *a)
{
    if (a->style != a->content)
        net_close(a->style);
    net_close(a->content);
    net_close(a->decoder);
    for (int i = 0; i < 3; i++)
        graph_free(a->graph[i]);
    free(a->features);
    free(a->of_style);
    *a = (struct adaptive){ 0 };
}

int adaptive_run(struct adaptive *a, const float *content, const float *style, int n,
                 float *picture, struct error *err)
{
    size_t own = (size_t)a->h * a->w * ADAIN_CHANNELS;
    size_t theirs = (size_t)a->style_places * ADAIN_CHANNELS;
    int rc;

    rc = net_forward(a->style, style, n, NULL, err);
    if (rc == 0)
        rc = net_tap(a->style, "relu4_1", a->of_style, err);
    if (rc == 0)
        rc = net_forward(a->content, content, n, NULL, err);
    if (rc == 0)
        rc = net_tap(a->content, "relu4_1", a->features, err);
    for (int i = 0; i < n && rc == 0; i++)
        adaptive_swap(a->features + i * own, (long)a->h * a->w, a->of_style + i * theirs,
                      a->style_places, ADAIN_CHANNELS, a->alpha);
    if (rc == 0)
        rc = net_forward(a->decoder, a->features, n, NULL, err);
    return rc < 0 ? rc : net_tap(a->decoder, "picture", picture, err);
}
