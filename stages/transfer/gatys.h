/*
 * gatys - style transfer by optimisation (Gatys et al. 2016;
 * leongatys/PytorchNeuralStyleTransfer, NeuralStyleTransfer.ipynb).
 *
 * From the content on, a picture is changed by L-BFGS until the products of channels at
 * some layers of a network are those of the style, while one layer still sees the
 * content. The loss is
 *
 *     the sum over the style layers of  1000 / C^2  mean (G - G of the style)^2
 *     + mean (F - F of the content)^2
 *
 * with F the activations after the ReLU, G their products (nn/graph.h, GRAPH_GRAM).
 */
#ifndef TRANSFER_GATYS_H
#define TRANSFER_GATYS_H

#include "nn/net.h"
#include "nn/tensors.h"
#include "transfer/lbfgs.h"

enum { GATYS_LAYERS = 5 };

struct gatys_use {
    const struct tensors *weights; /* VGG-19's, or of a network that arch.h knows */
    int width, height;             /* of pictures, contents and styles alike */
    int batch, lanes, threads;     /* as in net_options */
    int evaluations;               /* of the loss: 520 in the original */
    double style_weight;           /* 1000 */
    struct lbfgs_options lbfgs;
};

struct gatys;

/* Of VGG-19 the layers are relu1_1, 2_1, 3_1, 4_1, 5_1 and, for the content, relu4_2; of
 * AlexNet conv1 to conv5 and conv4. E_INPUT for other networks and for sides that the
 * network does not read. *g is new: gatys_close(). */
int gatys_open(struct gatys **g, const struct gatys_use *use, struct error *err);
void gatys_close(struct gatys *g); /* NULL is fine */

/* content, style: n <= batch RGB pictures, 0..1; picture: likewise, but not cut to 0..1.
 * loss: n values, of the last evaluation; or NULL. */
int gatys_run(struct gatys *g, const float *content, const float *style, int n,
              float *picture, double *loss, struct error *err);

#endif
