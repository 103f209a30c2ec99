/*
 * pickle - a reader of Python pickles that runs nothing.
 *
 * A pickle is a program for a stack machine, some of whose orders import and call. This
 * machine knows the 36 opcodes that files of weights need, and a closed list of names
 * (weights/names.h); anything else ends the reading with the opcode and its offset. A
 * call becomes a node that says what was to be called with what.
 *
 * Bounds: every count is held against the bytes that are left, the memo against the
 * opcodes read, and the values of all pickles of a file against PICKLE_NODES, so that
 * time follows the size of the file and memory has an end. The machine does not recurse,
 * and nodes may refer to themselves: who walks them must count.
 *
 * Opcodes: the Python documentation of pickletools, and its source, Lib/pickletools.py.
 */
#ifndef WEIGHTS_PICKLE_H
#define WEIGHTS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"
#include "larder/mem.h"
#include "weights/names.h"

enum { PICKLE_NODES = 1 << 20 };

enum node_kind {
    NODE_NONE,
    NODE_BOOL,
    NODE_INT,
    NODE_BIG, /* an integer beyond 64 bits */
    NODE_REAL,
    NODE_TEXT,
    NODE_TUPLE,
    NODE_LIST,
    NODE_DICT, /* also an OrderedDict: key, value, key, value, ... */
    NODE_NAME,
    NODE_CALL,
    NODE_PERSISTENT, /* a thing that lies elsewhere in the file, by its id */
};

struct node {
    enum node_kind kind;
    size_t at; /* offset in the file of the opcode that made it */
    union {
        int64_t integer; /* also of a bool */
        double real;
        struct {
            const char *s; /* n bytes in the file, not NUL-terminated */
            size_t n;
        } text;
        struct {
            struct node **item;
            size_t n, cap;
        } list; /* of tuple, list and dict */
        struct {
            const char *module, *name;
            enum name is;
            enum dtype dtype;
        } name;
        struct {
            struct node *callee; /* a name or a call */
            struct node *args;   /* a tuple */
            struct node *state;  /* what BUILD gave it, or NULL */
        } call;
        struct node *id;
    };
};

/* The pickles of one file. All-zero is empty. */
struct pickle {
    bool foreign; /* names that are not on the list are read past, as inert ones are */
    struct arena arena;
    size_t n_nodes;
    struct node **persistent; /* every NODE_PERSISTENT so far */
    size_t n_persistent, cap;
};

/* Reads the pickle that begins at *at of the n bytes of a file and puts *at behind it.
 * *root is borrowed until pickle_release(). E_INPUT names the opcode and its offset. */
int pickle_read(struct pickle *p, const uint8_t *s, size_t n, size_t *at,
                struct node **root, struct error *err);
void pickle_release(struct pickle *p);

/* The value of a text key, borrowed, or NULL; the last one, as in Python. */
struct node *node_get(const struct node *dict, const char *key);
bool node_is_text(const struct node *x, const char *text);
/* Whether it is a call of this name. */
bool node_calls(const struct node *x, enum name name);
/* Item i of a tuple or list, or NULL. */
struct node *node_item(const struct node *x, size_t i);
/* "a number", "a call of os system": for messages. The result is in text. */
const char *node_describe(const struct node *x, char *text, size_t size);

#endif
