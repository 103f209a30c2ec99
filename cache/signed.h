/*
 * signed - a record as a store keeps it: its text, or the envelope in which it came.
 */
#ifndef LARDER_SIGNED_H
#define LARDER_SIGNED_H

#include <stdbool.h>

#include "larder/record.h"
#include "larder/store.h"

/* *rec is new, its `by` set where there is an envelope. The signature was checked before
 * it came in and is not again (but see record_signature_fits()). E_CORRUPT as
 * record_read(). */
int signed_read(struct record **rec, const char *text, size_t n, struct error *err);
/* As record_is_whole(), of what may be in an envelope. */
bool signed_is_whole(const char *text, size_t n);
/* Appends the text of a record, and sets *id to its digest. */
void signed_text(const struct record *rec, struct buf *to, struct digest *id);

/* Appends the record in its envelope, signed by s, or with the signature it came with. */
int signed_enclose(const struct record *rec, const struct signer *s, struct buf *to,
                   struct error *err);

/* Appends what a store keeps of a record: its text, or that in its envelope. */
int signed_whole(const struct record *rec, struct buf *to, struct error *err);

/* Keeps a record with the text under which signed_read() finds it: as the first of its
 * key, or beside others. */
int signed_keep(struct store *st, const struct record *rec, const void *text, size_t n,
                struct error *err);

#endif
