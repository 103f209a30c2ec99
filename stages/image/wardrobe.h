/*
 * wardrobe - the garments of Fashion-MNIST, by class.
 */
#ifndef IMAGE_WARDROBE_H
#define IMAGE_WARDROBE_H

#include "image/idx.h"
#include "image/world.h"

/* The garments of each class in the order of the file. All-zero is empty. */
struct wardrobe {
    struct idx images, labels;
    const char *path; /* borrowed: of the images */
    const uint8_t **garment[WORLD_CLASSES];
    long n[WORLD_CLASSES];
};

/* images: 28 x 28 (IDX, gzip); labels: their classes (IDX, gzip). Both paths are borrowed
 * until wardrobe_close(). */
int wardrobe_open(struct wardrobe *w, const char *images, const char *labels,
                  struct error *err);
void wardrobe_close(struct wardrobe *w);
/* 28 x 28 bytes, borrowed; NULL when the class has not so many. */
const uint8_t *wardrobe_garment(const struct wardrobe *w, int class, long number,
                                struct error *err);

#endif
