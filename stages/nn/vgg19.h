/*
 * vgg19 - the 16 convolutions of VGG-19, as Gatys' style transfer looks at pictures
 * (leongatys/PytorchNeuralStyleTransfer, NeuralStyleTransfer.ipynb, `vgg_conv.pth`).
 */
#ifndef NN_VGG19_H
#define NN_VGG19_H

#include "nn/graph.h"

/* Parameters conv1_1 to conv5_4, taps relu1_1 to relu5_4. A picture has its channels in
 * the order blue, green, red, 0..255, less their means: nothing is normalised inside. H
 * and W are at least 16. New: graph_free(). */
struct graph *vgg19(int H, int W);

#endif
