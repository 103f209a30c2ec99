/*
 * record - what a step with a certain key gave, and at what cost.
 *
 * The text of a record is fixed (docs/record.md): `larder-record 1`, one field a line,
 * then the key document, then a checksum line. It says nothing of who or where, except in
 * the fields that describe the platform.
 */
#ifndef LARDER_RECORD_H
#define LARDER_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "larder/segments.h"
#include "larder/sign.h"

enum object_kind {
    OBJECT_FILE,
    OBJECT_TREE,
    OBJECT_EXEC, /* a file that its owner may execute */
};

/* An object's name: its kind, digest, and size in bytes (of a tree: of all its files). */
struct object {
    enum object_kind kind;
    struct digest id;
    long long size;
};

struct record_output {
    const char *name; /* of the program's output */
    struct object object;
    bool temp; /* wanted only until others have taken it: it may be absent */
};

/* Who vouches for a record that came from a remote. */
struct record_signer {
    struct key_id id;
    struct public_key key;
    struct signature signature; /* over the record's text */
};

struct record {
    struct arena arena; /* owns every string below */
    struct digest id;   /* SHA-256 of the text; set by record_write() and record_read() */
    struct digest key;
    const char *step;    /* "train@arch=alexnet,kind=S" in the project that made it */
    const char *program; /* its name, or "run" */
    struct record_output *output; /* in the order of their names */
    size_t n_outputs;
    struct object log;        /* what the program printed; a file */
    bool watched;             /* of a foreign program: what it loaded was found out */
    struct object discovered; /* the list of it (docs/discovered.md); all-zero: nothing */
    double wall, cpu;         /* seconds */
    long long rss;            /* bytes, the largest process */
    long long made;           /* when it ended, seconds since 1970, UTC */
    const char *boot; /* the boot id under which unsynced outputs were written, or NULL */
    const char
        *platform; /* "x86_64 onednn 2.6.3 avx512_core": what last bits may depend on */
    long segments; /* 1, or more when resumed from checkpoints */
    struct segments starts; /* all of them, or none where that is not known; ours */
    const char
        *key_text; /* the key document, whose SHA-256 is key; ends with a newline */
    const struct record_signer *by; /* NULL: it was made here; set by store_find() */
    bool elsewhere; /* it is in another store of ours: set by who found it there */
};

struct record *record_new(void);
void record_free(struct record *r); /* NULL is fine */
void records_free(struct record **r, size_t n);
/* Appends the text and sets r->id. Sorts the outputs by name; names are not empty and
 * differ. step, program and key_text must be set, seconds finite, no number negative. Of
 * the log and of discovered an all-zero digest, of boot and platform NULL means none. */
void record_write(struct record *r, struct buf *to);
/* *r is new. E_CORRUPT with the line where the text is not a whole record. */
int record_read(struct record **r, const char *text, size_t n, struct error *err);
/* Of one that came from a remote (`by` is set): whether who is said to have signed it has
 * signed exactly this. It is checked before a record comes in, so looking again finds
 * only what changed since then. */
bool record_signature_fits(const struct record *r);
/* Whether the checksum line fits the bytes before it: of any format that has one. */
bool record_is_whole(const char *text, size_t n);
/* The object of an output of a record that was written or read, or NULL. Borrowed from r.
 */
const struct object *record_output(const struct record *r, const char *name);

#endif
