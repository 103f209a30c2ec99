/*
 * tree - what is in a folder: names, kinds, sizes and digests, as a text.
 *
 * The text (docs/tree.md) is itself an object; a folder in a folder is a tree of its own,
 * so each folder has a digest. Equal folders give equal texts: owners, times and
 * permissions are not kept, only whether a file may be executed.
 */
#ifndef LARDER_TREE_H
#define LARDER_TREE_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/mem.h"

enum tree_kind { TREE_FILE, TREE_EXEC, TREE_TREE };

enum {
    TREE_DEPTH_MAX = 64,        /* folders within folders */
    TREE_ENTRIES_MAX = 1000000, /* of one folder */
    TREE_TEXT_MAX = 400 << 20,  /* bytes of a text */
    TREE_NAME_MAX = 255,        /* bytes of a name */
};

struct tree_entry {
    enum tree_kind kind;
    long long size; /* of a tree: of all its files */
    struct digest id;
    const char *name;
};

struct tree {
    struct arena arena;       /* owns the names */
    struct tree_entry *entry; /* sorted by the bytes of the names */
    size_t n, cap;
    long long size; /* of all entries together */
};

/* Adds an entry; the name is copied. E_STAGE when it cannot be kept: too many entries, or
 * sizes beyond what a number holds. */
int tree_add(struct tree *t, enum tree_kind kind, long long size, const struct digest *id,
             const char *name, struct error *err);
/* Sorts the entries and appends the text. */
void tree_write(struct tree *t, struct buf *to);
/* Reads into an empty tree. E_CORRUPT, with the line, for any text that tree_write()
 * would not have written. */
int tree_read(struct tree *t, const char *text, size_t n, struct error *err);
void tree_release(struct tree *t);

#endif
