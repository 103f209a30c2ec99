/*
 * arch - the networks that this version knows, by name.
 */
#ifndef NN_ARCH_H
#define NN_ARCH_H

#include "larder/error.h"
#include "nn/graph.h"

/* arch: "alexnet", "googlenet", "resnet50", and those of ARCH_OTHERS. size: "mini" (32 x
 * 32 pictures), "full" (as published), or, of GoogLeNet, "headless" (full without the
 * heads that only train). Of networks that read pictures of any size it is the graph for
 * one size; classes are the labels of deeplab. *g is new: graph_free(). E_INPUT names the
 * nearest known network. */
int net_arch(struct graph **g, const char *arch, const char *size, int classes,
             struct error *err);

/* Takes GoogLeNet's transform_input away (nn/googlenet.h). E_INPUT for a network that has
 * none: all but GoogLeNet as published. */
int net_plain_input(struct graph *g, struct error *err);

/* For the options of programs, and the sizes that a file of weights may have. */
#define ARCH_NAMES "alexnet|googlenet|resnet50"
/* Networks that do not classify: nn/vgg19.h, nn/adain.h, nn/deeplab.h. */
#define ARCH_OTHERS "vgg19|adain-encoder|adain-decoder|deeplab"
#define ARCH_SIZES "mini|full"
#define ARCH_SIZES_READ "mini|full|headless"

#endif
