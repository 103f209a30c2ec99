/*
 * arch - the networks that this version knows, by name.
 */
#ifndef NN_ARCH_H
#define NN_ARCH_H

#include "larder/error.h"
#include "nn/graph.h"

/* arch: "alexnet". size: "mini" (32 x 32 pictures) or "full" (as published). *g is new:
 * graph_free(). E_INPUT names the nearest known network. */
int net_arch(struct graph **g, const char *arch, const char *size, int classes,
             struct error *err);

/* For the options of programs: "alexnet", and "mini|full". */
#define ARCH_NAMES "alexnet"
#define ARCH_SIZES "mini|full"

#endif
