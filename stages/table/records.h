/*
 * records - the records behind a list, one a network.
 *
 * A file holds one record, or those of several networks one after another: it then begins
 * with columns named `axis:NAME`, and rows with the same values there are one record
 * (classify writes such a file). Each record has the axes of its item in the list and
 * those of its own file.
 */
#ifndef TABLE_RECORDS_H
#define TABLE_RECORDS_H

#include "kit/manifest.h"
#include "larder/digest.h"

/* What the name of a column begins with that tells records of one file apart. */
#define RECORDS_AXIS "axis:"

struct record {
    struct tsv tsv;       /* its rows; borrowed from the file: never released */
    struct digest digest; /* of the file */
};

/* All-zero is empty. */
struct records {
    struct manifest manifest; /* one item a record: axes, and the path of its file */
    struct record *record;
    size_t n;
    struct manifest list; /* as it was given */
    struct tsv *file;     /* one an item of list */
};

/* Reads a list and all that it names. E_INPUT when a file cannot be read, is no table or
 * has an axis that its item in the list has, too. */
int records_read(struct records *r, const char *list, struct error *err);
void records_release(struct records *r);

/* The rows of the first record with this word on an axis, or NULL. */
const struct tsv *records_with(const struct records *r, const char *axis,
                               const char *word);

#endif
