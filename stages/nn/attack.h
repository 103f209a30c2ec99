/*
 * attack - L2 projected gradient ascent on the pixels, as MadryLab/robustness does it
 * (robustness/attacker.py, attack_steps.py).
 */
#ifndef NN_ATTACK_H
#define NN_ATTACK_H

#include "nn/net.h"

struct attack {
    double radius, step; /* L2, pixel values in 0..1 */
    int steps;
    bool keep_best;     /* return the iterate of the highest loss, the start included */
    const float *start; /* where to begin, as many pictures; NULL: where they are */
};

/* Moves n pictures (n x H x W x C) to adversarial ones; loss (n, may be NULL) is that of
 * what is returned. The net must have input gradients, and is in evaluation afterwards.
 * pixels and adversarial differ. */
int attack_l2(struct net *net, const struct attack *a, const float *pixels,
              const int32_t *label, int n, float *adversarial, float *loss,
              struct error *err);

/* The parts of an attack in a step of training (nn/step.c), in the lane's memory: how far
 * it goes, then from the pictures that lane_take() has put there to the best it finds. */
struct lane;
int attack_reach(struct lane *lane, const struct attack *a, struct error *err);
int attack_at(struct lane *lane, const struct graph *graph, const struct attack *a,
              struct error *err);

#endif
