/*
 * evidence - the numbers that claims are judged by: cells of tables, columns of data.
 *
 *   [TABLE/ROW/COLUMN]               cells of a table (table/table.h), by their names
 *   [TABLE/ROW/COLUMN/n]             another field of theirs
 *   [DATA:COLUMN]                    a column of a TSV, each row a number
 *   [DATA:COLUMN where A=b, C=d]     of those rows alone
 *
 * `*` in a name stands for anything, as in a shell, and then there may be several
 * numbers, in the order of the file. TABLE and DATA are called as on a page
 * (page/items.h): `table-1`, `kernel-tv@arch=alexnet,net=R`; a `*` in the name of data
 * joins several files. A cell brings its interval along, a column its `low` and `high`
 * where it is `value` and they are there.
 */
#ifndef CLAIM_EVIDENCE_H
#define CLAIM_EVIDENCE_H

#include <stdbool.h>

#include "claim/formula.h"
#include "kit/tsv.h"
#include "page/items.h"

/* One kind of files. */
struct evidence_files {
    struct items items;
    struct tsv *tsv; /* one an item */
    bool *used;      /* since evidence_forget() */
};

/* All-zero is empty. */
struct evidence {
    struct evidence_files tables, data;
    /* NULL, or: for the word from, as the last one of a column's name or as the value of
     * an axis, read to. */
    const char *from, *to;
    bool swapped; /* some name held the word, since evidence_forget() */
};

/* Lists (kit/manifest.h) of tables and data, either may be NULL. */
int evidence_read(struct evidence *e, const char *tables, const char *data,
                  struct error *err);
void evidence_release(struct evidence *e);
void evidence_forget(struct evidence *e);

/* A formula_lookup; self is the evidence. FORMULA_ABSENT when there is no such file or no
 * such cell, as in a run of fewer sets; E_INPUT when a file lacks the column. */
int evidence_find(void *self, const char *name, struct numbers *to, struct error *err);
/* The digests of the files that were used, joined by commas. */
void evidence_add_used(const struct evidence *e, struct buf *to);

#endif
