/*
 * desk - the scratch folder of a step, laid out before it runs and emptied afterwards.
 *
 * It is laid out in a room (room.h), which outlasts it.
 *
 *   step/in/NAME        an input; of a list the manifest, its items in step/in/NAME.d/
 *                       (step/in is a link to in/, where the step cannot write)
 *   step/out/PATH       where an output is expected
 *   step/...            the files of `code:`
 *   home/ tmp/          HOME and TMPDIR
 *   log                 what the step prints
 *
 * The step starts in step/, so every path in its arguments is relative. Objects of the
 * store are lent; a file of the user's is cloned or copied up to 16 MiB, else linked to
 * by a symbolic link (a hard link would change its ctime, and let the step change the
 * file).
 */
#ifndef LARDER_DESK_H
#define LARDER_DESK_H

#include "larder/error.h"
#include "larder/mem.h"
#include "larder/record.h"
#include "room.h"
#include "session.h"
#include "work.h"

struct desk {
    struct arena arena;
    struct rooms *rooms; /* where the room goes afterwards */
    struct room *room;
    char *root;       /* absolute; NULL: none */
    char *step, *log; /* in root */
    char **argv, **env;
    const char *path;    /* of the executable; relative ones start in step */
    const char **linked; /* the user's files that inputs are links to */
    size_t n_linked, cap_linked;
};

/* What a step is given besides its inputs; texts may be NULL. */
struct allowance {
    const struct lease *lease; /* of its key */
    int threads;
    const char *gpus;       /* ids */
    const char *checkpoint; /* its folder */
    const char *makeflags;
};

/* Lays out the folder for a step whose key is known and whose lease we hold. */
int desk_open(struct desk *d, struct session *s, struct work *w,
              const struct allowance *given, struct error *err);
/* Moves the outputs into the store and into rec. E_STAGE names one that is missing or of
 * the wrong kind. */
int desk_collect(struct desk *d, struct session *s, const struct work *w, bool sync,
                 struct record *rec, struct error *err);
/* Moves what it printed into the store. */
int desk_keep_log(struct desk *d, struct session *s, bool sync, struct object *log,
                  struct error *err);
/* Gives the room back. */
void desk_close(struct desk *d, enum room_fate fate);

#endif
