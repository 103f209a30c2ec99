/*
 * overlaps - the measure `overlap`: how well predicted labels lie over exact ones, with
 * intervals that draw pictures again (table/bootstrap.h).
 *
 * Of a label: intersection over union, both counted over all pixels of all pictures;
 * their mean over the labels that occur is the mean IoU (Pascal VOC's, Everingham et al.
 * 2015).
 */
#ifndef TABLE_OVERLAPS_H
#define TABLE_OVERLAPS_H

#include "table/measure.h"

/* The parts mean-iou and pixels, in percent; n: pictures. */
int overlaps_read(struct measured *m, const struct tsv *record, struct error *err);

#endif
