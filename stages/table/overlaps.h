/*
 * overlaps - the measure `overlap`: how well predicted labels lie over exact ones
 * (segment/overlap.h), with intervals that draw pictures again (table/bootstrap.h).
 */
#ifndef TABLE_OVERLAPS_H
#define TABLE_OVERLAPS_H

#include "table/measure.h"

/* The parts mean-iou and pixels, in percent; n: pictures. */
int overlaps_read(struct measured *m, const struct tsv *record, struct error *err);

#endif
