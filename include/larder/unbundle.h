/*
 * unbundle - what is in a bundle, checked, and taken into a store.
 *
 * Nothing in a bundle is believed (docs/bundle.md): its entries must be what its contents
 * say, an object must hash to its name, and a record counts only with the signature of
 * somebody who is trusted with its stage; so does what others say of a record, which must
 * be in it. Nothing is written where a name in it says. Of a bundle that is damaged
 * somewhere no record and no attestation gets in; its objects do no harm.
 *
 *   unbundle_open(); unbundle_read() for each file; unbundle_finish(); unbundle_close();
 */
#ifndef LARDER_UNBUNDLE_H
#define LARDER_UNBUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/contents.h"
#include "larder/error.h"
#include "larder/moved.h"
#include "larder/store.h"
#include "larder/trust.h"

struct unbundle;

/* All is borrowed until unbundle_close(). */
struct unbundle_order {
    struct store *store; /* gets what is taken; NULL: nothing is written anywhere */
    const struct trust *trust;
    struct moved moved; /* told of what is read of the files */
};

/* Whose records and attestations were met. */
struct unbundle_signer {
    struct public_key key;
    size_t n_trusted, n_refused;      /* with these stages, or not with these */
    size_t n_attestations, n_ignored; /* all, and those of them that are not taken */
};

/* What is known of a target of a bundle. */
struct unbundle_target {
    const struct bundle_target *what;
    bool signed_;     /* a record of somebody who is trusted gives it, */
    struct key_id by; /* who that is, */
    bool proven;      /* and a file of it is in it, as the folders say */
    const char *text; /* of a file of which a cell is asked for; NULL: not in here */
    size_t size;      /* of that */
};

/* One file that was read. */
struct unbundle_volume {
    const char *path;
    struct contents contents;
    struct public_key signer; /* of the contents */
    long long size;           /* of the file */
};

struct unbundle_totals {
    size_t n_records, n_attestations, n_objects; /* in all files */
    long long bytes;                             /* of these objects */
    size_t n_trusted; /* records that are trusted: they are what is taken */
    size_t n_refused; /* those of others */
    size_t n_kept;    /* of stages that nothing is taken of (never-remote) */
    size_t n_ignored; /* attestations of what is not taken, or by others */
    size_t n_new;     /* objects that were not in the store */
    size_t n_missing; /* files that belong to these and were not given */
};

/* *u is new. */
void unbundle_open(struct unbundle **u, const struct unbundle_order *order);
void unbundle_close(struct unbundle *u); /* NULL is fine */

/* Reads a file of a bundle to its end. E_CORRUPT when anything in it is not as it should
 * be; E_TRUST, with a store, when it has records and nobody who is trusted has signed
 * one. */
int unbundle_read(struct unbundle *u, const char *path, struct error *err);
/* After the last one: what they say together is checked, and the records are taken. */
int unbundle_finish(struct unbundle *u, struct error *err);

size_t unbundle_n_volumes(const struct unbundle *u);
const struct unbundle_volume *unbundle_volume(const struct unbundle *u, size_t i);
size_t unbundle_n_signers(const struct unbundle *u);
const struct unbundle_signer *unbundle_signer(const struct unbundle *u, size_t i);
/* Each target once, of all files. Borrowed until unbundle_close(). */
size_t unbundle_n_targets(const struct unbundle *u);
const struct unbundle_target *unbundle_target(const struct unbundle *u, size_t i);
void unbundle_count_up(const struct unbundle *u, struct unbundle_totals *t);

#endif
