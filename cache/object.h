/*
 * object - one file of the store: the bytes of an output, or the text of a tree.
 */
#ifndef LARDER_OBJECT_H
#define LARDER_OBJECT_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/store.h"

enum take {
    TAKE_MOVE, /* by rename where that is possible, else by copy */
    TAKE_COPY,
    TAKE_NAME, /* writes nothing; there need be no store */
};

struct intake {
    struct store *st;
    enum take how;
    bool sync;
};

/* What became of a file that was taken. */
struct taken {
    struct digest id;
    long long size;
    bool exec; /* its owner could execute it */
};

/* Takes one regular file. E_STAGE when it is no such thing or changes meanwhile. */
int object_take(const struct intake *in, const char *path, struct taken *t,
                struct error *err);
int object_take_bytes(const struct intake *in, const void *bytes, size_t n,
                      struct digest *id, struct error *err);

/* OBJECT_FINE, OBJECT_ABSENT, OBJECT_DAMAGED or an error; of the one file. size -1: any.
 * An object whose bytes are right is made read-only again if it was not. */
int object_check(struct store *st, const struct digest *id, long long size, bool deep,
                 struct error *err);
/* Somebody is about to rely on an object that no record may name yet: gc leaves it alone
 * for the length of its grace, and while what was begun before goes on. To be called
 * before it is looked whether the object is right; false when there is none. */
bool object_hold(struct store *st, const struct digest *id);
/* The state of its file, which is known to be good. */
void object_remember(struct store *st, const struct digest *id,
                     const struct fs_state *state);
/* That of an object, a damaged one, whose file is at path. Other projects remember it
 * too: with another time its state is none that is known to be good, also where somebody
 * has put that of the right bytes back. */
void object_doubt(struct store *st, const struct digest *id, const char *path);
/* Appends the bytes, at most max, verified; the same outcomes. */
int object_read(struct store *st, const struct digest *id, size_t max, struct buf *to,
                struct error *err);

#endif
