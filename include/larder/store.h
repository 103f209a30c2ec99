/*
 * store - where outputs live, named by the SHA-256 of their bytes.
 *
 * An object is a file or a folder (a tree) and never changes once it is in. A record says
 * which objects a step with a given key produced. Objects are published by rename, so a
 * reader sees a whole object or none, and two processes may add the same one at once.
 * There is no database: objects and records are immutable files and are the truth. A
 * store that may only be read serves all calls that only read.
 * A store belongs to the process that opened it: do not use it after fork.
 *
 *   larder-store                 "larder-store 2\n"
 *   cas/<2 hex>/<64 hex>         an object: the bytes of a file, or the text of a tree
 *   ac/<2 hex>/<key>             a record of that key; others in <key>.more/<digest>,
 *                                what others say of them in <key>.seen/
 *   uses/, pins/                 what is relied on, and what must stay (use.h, pins.h)
 *   locks                        an empty file, parts of which are locked
 *   scratch/                     where steps run, unless that is elsewhere (scratch.h)
 *   checkpoints/<key>/           kept between attempts of a step
 *   tmp/                         files being written
 */
#ifndef LARDER_STORE_H
#define LARDER_STORE_H

#include <stdbool.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/fs.h"
#include "larder/record.h"

struct store;

enum { STORE_HIT = 0, STORE_MISS = 1 };
enum { OBJECT_FINE = 0, OBJECT_ABSENT = 1, OBJECT_DAMAGED = 2 };

/* What the caller remembers about objects between runs, so that they need not be hashed
 * again: keyed by the digest, the state of its file when it was last known to be good.
 * Of the state, dev, ino, size, mtime_ns and mode are compared. For an object found
 * damaged, put() is called with an all-zero state, which no file has. */
struct store_memory {
    /* false when nothing is remembered. */
    bool (*get)(void *self, const struct digest *id, struct fs_state *st);
    void (*put)(void *self, const struct digest *id, const struct fs_state *st);
    void *self;
};

/* Opens the store at path, making it if need be. *st is new: give it to store_close().
 * memory is borrowed until then and may be NULL: then everything is hashed before use. */
int store_open(struct store **st, const char *path, const struct store_memory *memory,
               struct error *err);
/* Opens one that is there, and writes nothing in it, whatever we may: E_SYSTEM or E_INPUT
 * where there is none. */
int store_open_to_read(struct store **st, const char *path, struct error *err);
void store_set_memory(struct store *st, const struct store_memory *memory); /* instead */
void store_close(struct store *st);             /* NULL is fine */
const char *store_path(const struct store *st); /* borrowed, absolute */

/* Takes the file or folder at path into the store: a regular file moves in by rename, or
 * is copied when it is on another file system or has a second name; path is gone or
 * worthless afterwards. Links and special files inside are refused by name (E_STAGE). Of
 * a file nothing but its bytes is kept, and whether its owner may execute it: one asked
 * for as OBJECT_FILE may turn out to be OBJECT_EXEC. sync: the bytes are on the disk
 * before this returns, the names before the next store_record() with sync does. */
int store_add(struct store *st, const char *path, enum object_kind kind, bool sync,
              struct object *o, struct error *err);
/* The same, but path is only read: the bytes are reflinked or copied. */
int store_import(struct store *st, const char *path, enum object_kind kind, bool sync,
                 struct object *o, struct error *err);
/* Only names what store_add() would make of path; nothing is written. */
int store_name(const char *path, enum object_kind kind, struct object *o,
               struct error *err);
/* The same for bytes in memory, as a file. */
int store_add_bytes(struct store *st, const void *bytes, size_t n, bool sync,
                    struct object *o, struct error *err);

/* An entry of a folder. */
struct store_entry {
    const char *name;
    struct object object;
};

/* Adds the folder that is made of objects of the store; no program writes it. */
int store_add_folder(struct store *st, const struct store_entry *entry, size_t n,
                     struct object *o, struct error *err);
/* Only names it; nothing is written. */
int store_name_folder(const struct store_entry *entry, size_t n, struct object *o,
                      struct error *err);
/* The entries of a folder, sorted by name, in arena memory: OBJECT_FINE, OBJECT_ABSENT,
 * OBJECT_DAMAGED or an error. */
int store_list(struct store *st, const struct object *o, struct arena *arena,
               struct store_entry **entry, size_t *n, struct error *err);

/* OBJECT_FINE when the object, and for a tree everything below it, is there and its state
 * is the remembered one or its bytes hash to its name; OBJECT_ABSENT or OBJECT_DAMAGED
 * otherwise, the offending object's digest in *bad (may be NULL): the first that was met.
 * deep: hash in any case; a tree is then remembered too, once all below it is fine. */
int store_check(struct store *st, const struct object *o, bool deep, struct digest *bad,
                struct error *err);
/* The state of the file of an object, as store_memory compares it: FS_FOUND, FS_ABSENT or
 * an error. Cheaper than a stat() by path. */
int store_object_state(struct store *st, const struct digest *id, struct fs_state *state,
                       struct error *err);
/* A file of an object, or a folder of a tree: the text that says what is in it. */
struct store_file {
    const char *path; /* below the object, "" for itself; borrowed while it is told */
    struct digest id;
    long long size; /* of a folder: of all its files */
    bool exec, folder;
};
typedef int store_visit(void *self, const struct store_file *file, struct error *err);
/* Calls f for each of them, a folder before what is in it, until it answers other than 0.
 * What is not there, or is no tree, is E_CORRUPT. */
int store_each_file(struct store *st, const struct object *o, store_visit *f, void *self,
                    struct error *err);

/* Removes the file of a damaged object, so that it can be made anew. It is hashed first:
 * a whole one, which somebody else may just have made, stays. Absent is fine. */
int store_discard(struct store *st, const struct digest *id, struct error *err);

/* Makes everybody who remembers that an object is good look at it again: its file gets
 * another time. For one found damaged whose file looks as if it were not. Best effort. */
void store_suspect(struct store *st, const struct digest *id);

/* Appends the path of the file of an object. */
void store_object_path(const struct store *st, const struct digest *id, struct buf *path);

/* Makes a checked object appear at path, which must not exist, for reading only: a
 * read-only hard link; where that cannot be, and for what may be executed, a reflink or a
 * copy. A folder is a real folder, without permission to write in it. For scratch
 * folders: on failure the part that is there stays. */
int store_lend(struct store *st, const struct object *o, const char *path,
               struct error *err);
/* How a file is given to the user. */
enum give_how {
    GIVE_AUTO, /* a reflink, else a copy up to 16 MiB, else a link */
    GIVE_LINK, /* a read-only hard link, else a copy */
    GIVE_COPY, /* a reflink, else a copy */
};
enum give_over {
    GIVE_NEW,    /* something there is E_INPUT */
    GIVE_OVER,   /* in the place of what is there */
    GIVE_UNSEEN, /* new, and nobody looks before we have ended: half of it may be there */
};
struct given {
    bool linked;           /* it is the object itself */
    struct fs_state state; /* else: of the file at its place */
};
/* Makes a checked file appear at path, whole or not at all; folders above it are made.
 * What may be executed is never linked. It is not read again. */
int store_give(struct store *st, const struct store_file *file, const char *path,
               enum give_how how, enum give_over over, struct given *given,
               struct error *err);

/* Publishes a record; the objects it names must be in the store (else E_CORRUPT) and sync
 * as they were added. Sets rec->boot, which is NULL with sync, and rec->id. */
int store_record(struct store *st, struct record *rec, bool sync, struct error *err);

/* Keeps a record of another store as it is there, with its signature if it has one; the
 * objects of one without must be here (else E_CORRUPT). */
int store_keep_record(struct store *st, const struct record *rec, struct error *err);

/* The records of a key: STORE_HIT with *rec new (records_free()) and *n > 0, or
 * STORE_MISS, or an error. Sorted by digest. A file whose bytes are not whole is removed
 * and does not count; one of another key or format does not count. */
int store_find(struct store *st, const struct digest *key, struct record ***rec,
               size_t *n, struct error *err);
/* One record by its key and digest: STORE_HIT, STORE_MISS or an error. *rec is new. */
int store_find_record(struct store *st, const struct digest *key, const struct digest *id,
                      struct record **rec, struct error *err);

/* The state of a record's file, whose mtime says since when it is here: FS_FOUND,
 * FS_ABSENT or an error. */
int store_record_state(struct store *st, const struct record *rec, struct fs_state *state,
                       struct error *err);

/* Takes a record out of the store; absent is fine. Best effort where we may not. */
int store_drop_record(struct store *st, const struct digest *key, const struct digest *id,
                      struct error *err);

/* Tells everybody who remembers what is in the store to look again: something in it has
 * been found wrong that a look at objects does not show. Best effort. */
void store_doubt(struct store *st);
/* Appends the path of the file whose state changes with each store_doubt(). */
void store_doubt_path(const struct store *st, struct buf *path);

/* How many objects the store has, and what their files take. Nothing is read. */
int store_usage(struct store *st, size_t *objects, long long *bytes, struct error *err);

/* One finding of store_fsck(). */
struct store_finding {
    const char *what;    /* "absent", "damaged", "torn record", "false signature",
                            "torn attestation", "damaged pin", "stray file" */
    struct digest id;    /* of the object or record */
    const char *path;    /* relative to the store */
    const char *used_by; /* the step of a record that names the object, or NULL */
    bool repaired;
};

/* Reads every object and record, hashes them, and tells each finding, in a stable order.
 * Returns the number of findings, or an error. It changes nothing. */
int store_fsck(struct store *st, void (*tell)(void *self, const struct store_finding *f),
               void *self, struct error *err);
/* The same, and removes what is damaged or torn and the records made here that name
 * something that is lost; what is whole stays. E_SYSTEM when a run uses the store. */
int store_repair(struct store *st,
                 void (*tell)(void *self, const struct store_finding *f), void *self,
                 struct error *err);
/* The same, and before that brings into order what is there: what cannot be read for its
 * mode, objects and records that lie under other names, lists that are none. Told are
 * also "closed to us", "misplaced object", "misplaced record", "unreadable list". */
int store_rebuild(struct store *st,
                  void (*tell)(void *self, const struct store_finding *f), void *self,
                  struct error *err);
/* To be called before store_open(): writes the marker of a store that has lost it, or
 * part of it. A folder with anything strange in it is left alone. */
int store_rebuild_marker(const char *path, bool *written, struct error *err);

#endif
