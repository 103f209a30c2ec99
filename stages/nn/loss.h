/*
 * loss - softmax cross-entropy of one picture, natural logarithm.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

/* -log softmax(logits)[label]; gradient[k] becomes scale times its derivative. */
float loss_cross_entropy(const float *logits, int classes, int label, float scale,
                         float *gradient);

#endif
