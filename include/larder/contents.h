/*
 * contents - what is in a bundle: the text that it begins with (docs/bundle.md).
 *
 * It names all that follows, with digests and sizes, in one order and one spelling: so
 * equal bundles have equal texts, and whoever reads one knows each entry before it comes.
 */
#ifndef LARDER_CONTENTS_H
#define LARDER_CONTENTS_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "larder/record.h"
#include "larder/sign.h"

enum {
    CONTENTS_MAX = 256 << 20, /* bytes of the text */
    BUNDLE_VOLUMES_MAX = 999,
    BUNDLE_FOLDERS_MAX = 64,        /* that a file of a folder lies in */
    BUNDLE_ATTESTATIONS_MAX = 1000, /* of one record */
};

/* Which objects go with the records of the targets and of all that they need. */
enum closure {
    CLOSURE_RECORDS, /* none but what records need to answer */
    CLOSURE_OUTPUTS, /* those of the targets themselves */
    CLOSURE_ALL,     /* those of all these records */
};
/* Their names, NULL behind the last. */
extern const char *const closure_name[];

/* What was asked for: an output of a step, or a file in one, or a cell of that. */
struct bundle_target {
    const char *step, *output;
    struct digest key;
    struct object object;  /* of the output */
    const char *path;      /* of the file below it, or NULL */
    struct digest *folder; /* that the file lies in, one in the other, below the object */
    size_t n_folders;
    struct object file;
    const char *cell;  /* how it is asked for, or NULL */
    const char *value; /* of it */
};

struct bundle_record {
    struct digest key;
    struct key_id by; /* who signed it */
    long long size;   /* of its envelope, */
    struct digest id; /* and the digest of that */
};

struct bundle_attestation {
    struct digest key, record; /* of what it is: the digest of the record's text */
    struct key_id by;          /* who signed it */
    long long size;            /* of its envelope, */
    struct digest id;          /* and the digest of that */
};

struct bundle_object {
    struct digest id;
    long long size;
};

/* All-zero is empty. Sorted: targets by step, output, path and cell; records by key and
 * signer; attestations by key, record and signer; objects by digest. */
struct contents {
    struct arena arena; /* owns all texts, and the folders */
    enum closure closure;
    int volume, n_volumes; /* from 1 */
    struct digest whole;   /* of several volumes: of the text of one with all of it */
    struct bundle_target *target;
    struct bundle_record *record;
    struct bundle_attestation *attestation;
    struct bundle_object *object;
    size_t n_targets, n_records, n_attestations, n_objects;
    size_t cap_targets, cap_records, cap_attestations, cap_objects;
};

void contents_release(struct contents *c);

/* What is pointed to is borrowed until contents_release(). */
void contents_add_target(struct contents *c, const struct bundle_target *t);
void contents_add_record(struct contents *c, const struct bundle_record *r);
void contents_add_attestation(struct contents *c, const struct bundle_attestation *a);
void contents_add_object(struct contents *c, const struct bundle_object *o);
/* Sorts all four, and drops what is there twice. */
void contents_sort(struct contents *c);
/* Bytes of all records, attestations and objects. */
long long contents_size(const struct contents *c);

/* Appends the text of sorted contents. */
void contents_write(const struct contents *c, struct buf *to);
/* Reads into empty contents. E_CORRUPT, with the line, for any text that contents_write()
 * would not have written. */
int contents_read(struct contents *c, const char *text, size_t n, struct error *err);

#endif
