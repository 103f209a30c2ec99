/*
 * layout - where things are in a store (docs/store-format.md).
 */
#ifndef LARDER_LAYOUT_H
#define LARDER_LAYOUT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "larder/buf.h"
#include "larder/store.h"

enum { OBJECT_MODE = 0444 };

struct store {
    char *path;                 /* absolute */
    char *scratch;              /* where scratch folders are made */
    struct store_memory memory; /* without get: nothing is remembered */
    int dir;                    /* the same, to start from: it is long, they are many */
    dev_t dev;                  /* the file system it is on */
    bool named_temps; /* a file cannot be written first and named then (tempfile) */
    bool by_proc;     /* it is named by way of /proc */
    bool named_places, no_clones; /* the same where the user's files are (give.c) */
    bool dirty[256]; /* cas/<2 hex> holds names that may not be on the disk yet */
    struct use *use; /* what we rely on is noted there; NULL: nowhere (use.h); borrowed */
    int guard;       /* a descriptor of the lock file, one more than it is; 0: not open */
    bool only_read;  /* it is somebody else's: not even what is torn goes */
    bool guarded;    /* what we rely on could not be noted: nothing goes while we live */
    int folder[256]; /* descriptors of cas/<2 hex>, one more than they are; 0: not open */
};

/* The part of an absolute path that is below st->dir. */
const char *layout_below(const struct store *st, const struct buf *path);

/* The folder that an object is in, opened once; -1 with errno where it is not there. */
int layout_folder(struct store *st, const struct digest *id);

/* Each appends a path. */
void layout_object(const struct store *st, const struct digest *id, struct buf *path);
/* The first record of a key, and the folder of those that differ from it. */
void layout_record(const struct store *st, const struct digest *key, struct buf *path);
void layout_more_records(const struct store *st, const struct digest *key,
                         struct buf *path);
void layout_checkpoint(const struct store *st, const struct digest *key,
                       struct buf *path);

/* The folder of what others say of the records of a key. */
void layout_seen(const struct store *st, const struct digest *key, struct buf *path);

/* True when name is 64 lower-case hex digits; they are then in *d. */
bool layout_is_digest(const char *name, struct digest *d);
/* The same of a name that ends with .more, or with .seen. */
bool layout_is_more(const char *name, struct digest *d);
bool layout_is_seen(const char *name, struct digest *d);
/* True when name is the two hex digits with which d begins, or d is NULL and it is any.
 */
bool layout_is_prefix(const char *name, const struct digest *d);

/* Between these two nothing goes (use.h); for moments. */
void store_guard(struct store *st);
void store_unguard(struct store *st);

/* Puts the names of all objects added with sync so far on the disk. */
int layout_sync(struct store *st, struct error *err);

/* Fills buf with n random bytes as 2 n hex digits. */
void layout_random(struct buf *to, int n);

#endif
