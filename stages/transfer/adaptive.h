/*
 * adaptive - style transfer by adaptive instance normalisation (Huang and Belongie 2017),
 * as Stylized-ImageNet was made (rgeirhos/Stylized-ImageNet, code/adain.py).
 *
 * The features of the content are given, channel by channel, the mean and the standard
 * deviation of the features of the style; a decoder makes a picture of them.
 */
#ifndef TRANSFER_ADAPTIVE_H
#define TRANSFER_ADAPTIVE_H

#include "nn/net.h"
#include "nn/tensors.h"

struct adaptive_use {
    const struct tensors *encoder, *decoder; /* nn/adain.h; borrowed while opening */
    int width, height;                       /* of contents */
    int style_width, style_height;
    int batch, lanes, threads; /* as in net_options */
    double alpha;              /* 1: the style alone; 0: the content's own statistics */
};

/* All-zero is empty. */
struct adaptive {
    struct graph *graph[3];
    struct net *content, *style, *decoder; /* style may be content */
    int width, height;                     /* of the pictures made */
    int h, w, style_places;                /* of features */
    double alpha;
    float *features, *of_style; /* of a batch */
};

/* E_INPUT for weights of another network, and for sides below ADAIN_LEAST. */
int adaptive_open(struct adaptive *a, const struct adaptive_use *use, struct error *err);
void adaptive_close(struct adaptive *a);

/* content, style: n <= batch RGB pictures, 0..1; picture: n x height x width x 3, about
 * 0..1. The numbers stand on the features (adaptive_swap()). */
int adaptive_run(struct adaptive *a, const float *content, const float *style, int n,
                 float *picture, struct error *err);

/* Moves the features of one picture, places x channels, to the statistics of a style:
 * means, and roots of variances over places - 1 plus 1e-5. */
void adaptive_swap(float *features, long places, const float *style, long style_places,
                   int channels, double alpha);

#endif
