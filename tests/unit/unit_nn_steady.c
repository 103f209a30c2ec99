/* The full networks, to 1e-4 of what PyTorch computes in double precision: evaluation,
 * gradients, and a step of training with dropout and auxiliary heads.
 *
 * A ReLU or a maximum that single precision decides otherwise changes gradients by
 * percents, and among millions some always are. So the biases here switch every channel
 * on or off for good, and weights of neighbouring channels are opposite, so that what is
 * on does not drown the rest; and the pictures are those in which no maximum is close
 * (tests/golden/make_network_vectors.py holds these margins). */
#include "nn_scene.h"

#include <criterion/parameterized.h>

static const struct nearness near = { 1e-4, 1e-4 };

static void switch_channels(struct tensor *bias, float level)
{
    for (size_t c = 0; c < bias->n; c++)
        bias->value[c] += c / 2 % 8 == 0 ? level : -level;
}

/* Weights, out x in x each, of inputs 2 i + 1 are those of 2 i, negated. */
static void oppose(struct tensor *x, size_t in)
{
    size_t out = (size_t)x->dim[0], each = x->n / out / in;

    for (size_t k = 0; k < out * in && in % 2 == 0; k += 2)
        for (size_t i = 0; i < each; i++)
            x->value[(k + 1) * each + i] = -x->value[k * each + i];
}

static void scale(struct tensor *x, float factor)
{
    for (size_t i = 0; i < x->n; i++)
        x->value[i] *= factor;
}

/* A tensor of a linear. */
static void steady_linear(struct tensor *x)
{
    if (ends_with(x->name, ".fc1.bias"))
        switch_channels(x, 64);
    else if (strcmp(x->name, "classifier.1.bias") == 0)
        switch_channels(x, 256);
    else if (strcmp(x->name, "classifier.4.bias") == 0)
        switch_channels(x, 2048);
    else if (strcmp(x->name, "classifier.1.weight") == 0)
        oppose(x, 256);
    else if (strncmp(x->name, "classifier.", 11) == 0 && ends_with(x->name, ".weight"))
        oppose(x, (size_t)x->dim[1]);
    if (strcmp(x->name, "classifier.6.weight") == 0)
        scale(x, 1 / 2048.f);
}

static void steady_parameters(const struct graph *g, struct tensors *t)
{
    bool alexnet = strncmp(g->name, "alexnet", 7) == 0;

    counted_parameters(g, t);
    for (size_t i = 0; i < t->n; i++) {
        struct tensor *x = &t->tensor[i];
        if (x->n_dims == 4)
            oppose(x, (size_t)x->dim[1]);
        if (x->n_dims == 4 && alexnet)
            scale(x, 2);
        else if (strncmp(x->name, "features.", 9) == 0)
            switch_channels(x, 32);
        else if (i + 1 < t->n && ends_with(t->tensor[i + 1].name, ".running_mean"))
            switch_channels(x, 8);
        else if (strstr(x->name, ".running_") != NULL)
            scale(x, 0);
        else
            steady_linear(x);
    }
}

struct steady_case {
    char arch[16], backend[8];
    uint32_t pictures; /* those with wide margins */
};

static struct steady_case cases[] = {
    { "resnet50", "plain", 209 },  { "resnet50", "onednn", 209 },
    { "googlenet", "plain", 249 }, { "googlenet", "onednn", 249 },
    { "alexnet", "plain", 207 },   { "alexnet", "onednn", 207 },
};

/* The reference takes a minute for them; its small networks are always judged. */
static void skip_slow(const struct steady_case *c)
{
    if (strcmp(c->backend, "plain") == 0 && getenv("LARDER_LONG") == NULL)
        cr_skip_test("set LARDER_LONG for it");
}

static void steady_open(struct scene *s, const struct steady_case *c)
{
    struct error err = { 0 };
    struct tensors t = { 0 };

    scene_open(s, c->arch, "full", c->backend, 2, true, true);
    steady_parameters(s->g, &t);
    must(net_set_parameters(s->net, &t, &err));
    tensors_release(&t);
    free(s->x);
    s->x = noise_pictures(s->g, 2, c->pictures);
    snprintf(s->what, sizeof s->what, "%s steady", c->arch);
}

/* A pass in training leaves a tenth of the batch's statistics in the running ones. */
static void take_statistics(struct scene *s)
{
    struct error err = { 0 };
    struct tensors t = { 0 };

    forward_training(s);
    must(net_get_parameters(s->net, &t, &err));
    for (size_t i = 0; i < t.n; i++)
        if (strstr(t.tensor[i].name, ".running_") != NULL)
            scale(&t.tensor[i], 10);
    must(net_set_parameters(s->net, &t, &err));
    tensors_release(&t);
}

ParameterizedTestParameters(nn_steady, evaluation_agrees_with_pytorch)
{
    return cr_make_param_array(struct steady_case, cases, 6);
}

ParameterizedTest(struct steady_case *c, nn_steady, evaluation_agrees_with_pytorch,
                  .timeout = 120)
{
    struct error err = { 0 };
    struct scene s;
    float *logits;

    skip_slow(c);
    logits = malloc(2 * 1000 * sizeof *logits);
    steady_open(&s, c);
    take_statistics(&s);
    must(net_forward(s.net, s.x, 2, logits, &err));
    check_logits(&s, logits, 1e-4);
    check_taps(&s, 1e-4);
    check_gradient(&s, near);
    free(logits);
    scene_close(&s);
}

ParameterizedTestParameters(nn_steady, training_agrees_with_pytorch)
{
    return cr_make_param_array(struct steady_case, cases, 6);
}

ParameterizedTest(struct steady_case *c, nn_steady, training_agrees_with_pytorch,
                  .timeout = 120)
{
    struct scene s;

    skip_slow(c);
    steady_open(&s, c);
    check_step(&s, near);
    scene_close(&s);
}
