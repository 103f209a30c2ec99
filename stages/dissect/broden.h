/*
 * broden - the Broadly and Densely Labeled Dataset (Bau et al. 2017), as published:
 * pictures, and for each what is where in it (CSAILVision/NetDissect, src/joinseg.py).
 *
 *   index.csv       image,split,ih,iw,sh,sw, then a column for each category: empty, or
 *                   items joined by ';', a number (a label of the whole picture) or the
 *                   name of a PNG of sh x sw labels, red + 256 green, 0: none
 *   label.csv       number,name,category,frequency,coverage,syns; from 1
 *   category.csv    name,first,last,count,frequency
 *   c_CATEGORY.csv  code,number,name,frequency,coverage: the labels of a category
 *   images/         pictures and PNGs
 *
 * A label may belong to several categories; its primary one is that in which its coverage
 * is largest, of equal ones the later in category.csv.
 */
#ifndef DISSECT_BRODEN_H
#define DISSECT_BRODEN_H

#include <stdint.h>

#include "dissect/csv.h"
#include "image/image.h"

enum { BRODEN_CATEGORIES = 16, BRODEN_LABELS = 65536 };

/* All-zero is empty. */
struct broden {
    char *images; /* the folder */
    struct csv index, category, label, codes[BRODEN_CATEGORIES];
    int n_categories;
    const char *category_name[BRODEN_CATEGORIES]; /* in the order of category.csv */
    int column[BRODEN_CATEGORIES];                /* in index.csv; -1: it has none */
    int image, sh, sw;                            /* columns of index.csv */
    int n_labels;                                 /* labels are 1 to n_labels - 1 */
    const char **label_name;                      /* NULL: no label has this number */
    int *primary;                                 /* category of each label, or -1 */
};

int broden_open(struct broden *b, const char *folder, struct error *err);
void broden_close(struct broden *b);
long broden_size(const struct broden *b); /* pictures */
/* *rgb is new. */
int broden_picture(const struct broden *b, long i, struct image *rgb, struct error *err);

/* What is where in a picture. All-zero is empty; use one again and again. */
struct segments {
    int sh, sw;
    int n_planes;
    uint16_t *plane; /* n_planes x sh x sw: a label, or 0 */
    int n_whole;
    uint16_t *whole; /* labels of the whole picture */
    size_t planes_room, whole_room;
};

/* E_INPUT with the line of index.csv for a PNG that is missing or of another size, and
 * for a label that label.csv does not have. */
int broden_segments(const struct broden *b, long i, struct segments *s,
                    struct error *err);
void segments_release(struct segments *s);

#endif
