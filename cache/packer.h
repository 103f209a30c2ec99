/*
 * packer - the side of a push that puts small objects and records into packs
 * (docs/adr/0015): they are collected, and every 32 MiB become packs, an index and a
 * root.
 */
#ifndef LARDER_PACKER_H
#define LARDER_PACKER_H

#include "larder/sign.h"
#include "packs.h"

struct packer;

/* All is borrowed. What our key has put there before is learnt. */
int packer_open(struct packer **k, struct peer *peer, struct store *store,
                struct packs *packs, const struct signer *signer, struct error *err);
void packer_close(struct packer *k); /* NULL is fine; what is not flushed is not given */
/* What is not flushed; all is 0 where there is no packer. */
void packer_count_waiting(const struct packer *k, size_t *objects, size_t *records,
                          long long *bytes);

/* The bytes of an object, at most PACKED_MAX, and right. */
int packer_add_object(struct packer *k, const struct digest *id, const struct buf *bytes,
                      struct error *err);
/* A record in its envelope; its objects have been added, or are there. */
int packer_add_record(struct packer *k, const struct digest *key, const struct key_id *by,
                      const struct buf *envelope, struct error *err);
/* Gives what was collected. E_REMOTE when that fails: what was given before stays. */
int packer_flush(struct packer *k, struct error *err);

#endif
