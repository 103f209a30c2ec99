/*
 * choice - which of many styles a picture gets.
 */
#ifndef TRANSFER_CHOICE_H
#define TRANSFER_CHOICE_H

#include <stdint.h>

#include "image/set.h"

/* For an option. picture: drawn for each picture by its name. sin: as Stylized-ImageNet
 * was drawn (rgeirhos/Stylized-ImageNet, preprocess_imagenet.py): one after the other
 * from NumPy's generator with the seed 49809, over the pictures by class, then name;
 * true only of a whole set of ImageNet's validation pictures. */
#define CHOICES "picture|sin"

/* *style is new (free()): of each picture of the set in the order of names, a number
 * below n. params: what the draws are for (image sets' stage `stylized`). */
int choose_styles(uint32_t **style, const struct imageset *set, const char *how,
                  const char *params, uint64_t seed, uint32_t n, struct error *err);

#endif
