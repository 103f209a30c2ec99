/*
 * bundle - results as files that can be carried: records, what others say of them,
 * signed, and objects, in a tar.zst (docs/bundle.md).
 *
 * Equal results give equal bytes, whoever's host and folder it is: entries are sorted,
 * and nothing in them tells of who packed them but the signature. What goes in is hashed
 * on the way; the files get their names when all of them are whole.
 *
 *   bundle_new(); bundle_add_...(); bundle_write(); bundle_free();
 */
#ifndef LARDER_BUNDLE_H
#define LARDER_BUNDLE_H

#include <stddef.h>

#include "larder/contents.h"
#include "larder/error.h"
#include "larder/moved.h"
#include "larder/record.h"
#include "larder/sign.h"
#include "larder/store.h"

struct bundle;

/* All is borrowed until bundle_free(). */
struct bundle_order {
    struct store *store;
    const struct signer *signer;
    enum closure closure; /* is only told */
    long long max_size;   /* bytes of a file, or 0: one file */
    /* Told of each object of ours that is found damaged or absent, with the story. */
    void (*damage)(void *self, const char *step, const struct error *story);
    void *self;
    struct moved moved; /* told of what is packed, before it is compressed */
};

struct bundle_totals {
    size_t n_records, n_attestations, n_objects, n_volumes;
    long long bytes;   /* of these objects, */
    long long written; /* and of all files */
};

/* *b is new. */
void bundle_new(struct bundle **b, const struct bundle_order *order);
void bundle_free(struct bundle *b); /* NULL is fine */

/* The step that what is added from here on belongs to; borrowed until bundle_free(). */
void bundle_for(struct bundle *b, const char *step);
/* Of a file in a folder, t->object and t->path are given; the rest of t is found, and the
 * file is added with the folders that lead to it. E_USAGE when there is no such file. */
int bundle_find_file(struct bundle *b, struct bundle_target *t, struct error *err);
/* What was asked for; its texts are copied. */
void bundle_add_target(struct bundle *b, const struct bundle_target *t);
/* The record, signed by us, or with the signature it came with, and the attestations that
 * the store has of it. */
int bundle_add_record(struct bundle *b, const struct record *rec, struct error *err);
/* An object, and for a tree all below it. What is damaged or absent is told, and then
 * bundle_write() fails. */
int bundle_add_object(struct bundle *b, const struct object *o, struct error *err);

/* Writes path, or, where all is more than max_size, NAME.001.tar.zst and so on for
 * NAME.tar.zst; what is there is replaced. E_CORRUPT when something was damaged, E_USAGE
 * when an object is larger than max_size; nothing is written then. */
int bundle_write(struct bundle *b, const char *path, struct error *err);
/* The i-th file that was written; borrowed. */
const char *bundle_file(const struct bundle *b, size_t i);
void bundle_count_up(const struct bundle *b, struct bundle_totals *t);

#endif
