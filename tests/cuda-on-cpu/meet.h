/*
 * meet - where the ranks of a communicator meet: a file that all map, named by the unique
 * id, with a counter, a note and room for each. A rank holds a lock on its place in the
 * file while it lives, so that the others learn of its end.
 */
#ifndef CUDA_ON_CPU_MEET_H
#define CUDA_ON_CPU_MEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEET_RANKS = 16, MEET_ROOM = 1 << 20 };

/* What a rank is about to do; all must do the same. */
struct meet_note {
    int what, type, op, root;
    uint64_t count;
};

struct meet;

enum meet_outcome { MEET_ALL, MEET_NOT_YET, MEET_LOST };

/* Makes the file; name: at most n bytes with its end. False: it cannot be made. */
bool meet_make(char *name, size_t n);
/* New: give it to meet_leave(). NULL: there is no such file, or the place is taken. */
struct meet *meet_join(const char *name, int rank, int ranks, int gpu);
void meet_leave(struct meet *m);
/* When all have joined nobody needs the name any more. */
void meet_forget(const char *name);

/* Goes one step on: to be followed by meet_look() until all have done as many. */
void meet_step(struct meet *m);
/* *lost: the rank that is gone, when one is. */
enum meet_outcome meet_look(const struct meet *m, int *lost);

/* Whether the ranks of other processes leave as this one does, or are gone. */
bool meet_all_leave(struct meet *m);

struct meet_note *meet_note(const struct meet *m, int rank);
void *meet_room(const struct meet *m, int rank); /* MEET_ROOM bytes */
int meet_gpu(const struct meet *m, int rank);
int meet_ranks(const struct meet *m);
int meet_rank(const struct meet *m);

#endif
