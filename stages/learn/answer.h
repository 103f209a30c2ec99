/*
 * answer - what a network says of a picture: probabilities, and the class it picks.
 */
#ifndef LEARN_ANSWER_H
#define LEARN_ANSWER_H

/* p = softmax(logits), both `classes` long. */
void softmax(const float *logits, int classes, double *p);
/* The index of the largest value; the first on a tie. */
int largest(const double *p, int n);
int largest_logit(const float *logits, int classes);

#endif
