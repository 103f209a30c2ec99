#include "nn/arch.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/map.h"
#include "nn/adain.h"
#include "nn/alexnet.h"
#include "nn/deeplab.h"
#include "nn/googlenet.h"
#include "nn/resnet50.h"
#include "nn/vgg19.h"

enum { SIDE = 224 }; /* of what reads any size */

static struct graph *any_vgg19(int classes)
{
    (void)classes;
    return vgg19(SIDE, SIDE);
}

static struct graph *any_encoder(int classes)
{
    (void)classes;
    return adain_encoder(SIDE, SIDE);
}

static struct graph *any_decoder(int classes)
{
    (void)classes;
    return adain_decoder(SIDE / 8, SIDE / 8);
}

static struct graph *any_deeplab(int labels)
{
    return deeplab_full(labels, SIDE, SIDE);
}

static struct graph *small_deeplab(int labels)
{
    return deeplab_mini(labels, 32, 32);
}

static const struct {
    const char *arch, *size;
    struct graph *(*build)(int classes);
} known[] = {
    { "alexnet", "mini", alexnet_mini },
    { "alexnet", "full", alexnet_full },
    { "googlenet", "mini", googlenet_mini },
    { "googlenet", "full", googlenet_full },
    { "googlenet", "headless", googlenet_headless },
    { "resnet50", "mini", resnet50_mini },
    { "resnet50", "full", resnet50_full },
    { "vgg19", "full", any_vgg19 },
    { "adain-encoder", "full", any_encoder },
    { "adain-decoder", "full", any_decoder },
    { "deeplab", "mini", small_deeplab },
    { "deeplab", "full", any_deeplab },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

int net_plain_input(struct graph *g, struct error *err)
{
    if (strcmp(g->name, "googlenet-full") != 0 &&
        strcmp(g->name, "googlenet-headless") != 0)
        return error_set(err, E_INPUT,
                         "the network %s has no transform_input to be switched off",
                         g->name);
    googlenet_transform_input(g, false);
    return 0;
}

int net_arch(struct graph **g, const char *arch, const char *size, int classes,
             struct error *err)
{
    const char *names[N_KNOWN], *near;

    if (classes < 1 || classes > 1 << 20)
        return error_set(err, E_INPUT, "a network with %d classes", classes);
    for (int i = 0; i < N_KNOWN; i++) {
        names[i] = known[i].arch;
        if (strcmp(known[i].arch, arch) == 0 && strcmp(known[i].size, size) == 0) {
            *g = known[i].build(classes);
            return 0;
        }
    }
    near = nearest_name(arch, names, N_KNOWN);
    return error_set(
        err, E_INPUT, "network %s of size %s is not supported by this version%s%s", arch,
        size, near != NULL ? "; the nearest is " : "", near != NULL ? near : "");
}
