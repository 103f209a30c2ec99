/*
 * adain - the two networks of style transfer by adaptive instance normalisation
 * (naoto0804/pytorch-AdaIN, net.py), which Stylized-ImageNet was made with: the start of
 * a normalised VGG-19, and a decoder that turns its features into a picture.
 */
#ifndef NN_ADAIN_H
#define NN_ADAIN_H

#include "nn/graph.h"

enum { ADAIN_CHANNELS = 512, ADAIN_LEAST = 9 };

/* Modules 0 to 30 of vgg_normalised.pth: RGB pictures, 0..1, of at least ADAIN_LEAST
 * pixels a side, to the features of relu4_1, the tap of that name. New: graph_free(). */
struct graph *adain_encoder(int H, int W);

/* decoder.pth: features, h x w x ADAIN_CHANNELS, to an RGB picture of 8 h x 8 w, about
 * 0..1, the tap "picture". h and w are at least 2. New: graph_free(). */
struct graph *adain_decoder(int h, int w);

#endif
