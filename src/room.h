/*
 * room - the folders in which one step after the other runs.
 *
 * A room is a scratch folder with step/, step/out/, in/, home/ and tmp/ in it, and a link
 * step/in to in/. To make and remove them costs more than a small step, so a room is
 * emptied after a step and taken again by another one. It is given up when it cannot be
 * emptied, when somebody changed what its folders are, or while a process that a step
 * left behind goes on.
 */
#ifndef LARDER_ROOM_H
#define LARDER_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/lease.h"
#include "larder/store.h"

struct room;

struct rooms { /* all-zero is empty */
    struct room **idle;
    size_t n_idle, cap;
};

/* An empty room; whoever has the lease holds it. It is borrowed until rooms_give(). */
int rooms_take(struct rooms *r, struct room **room, struct store *st,
               const struct lease *l, struct error *err);
enum room_fate {
    ROOM_AGAIN,  /* for another step */
    ROOM_REMOVE, /* somebody may still be in it */
    ROOM_KEEP,   /* as it is, until the next sweep */
};
/* The step has ended. NULL is fine. */
void rooms_give(struct rooms *r, struct room *room, enum room_fate fate);
void rooms_release(struct rooms *r);

const char *room_path(const struct room *room); /* borrowed, absolute */

/* Copies a file of the user's of the given size to in/NAME, for reading only. A
 * small one is written over the copy that a step before had at that name. */
int room_copy(struct room *room, const char *name, const char *from, size_t size,
              struct error *err);
/* Nothing is at in/NAME from now on. */
int room_free_name(struct room *room, const char *name, struct error *err);
/* Nothing is in in/ but what keep says is. */
int room_free_others(struct room *room, bool (*keep)(const void *self, const char *name),
                     const void *self, struct error *err);

#endif
