/*
 * uses - the lists of use.h, read.
 */
#ifndef LARDER_USES_H
#define LARDER_USES_H

#include <stddef.h>

#include "larder/use.h"

/* Release with use_list_close(), also after a failure. */
struct use_list {
    int fd;                     /* -1: none */
    char id[USE_NAME_SIZE + 1]; /* of the process that began it: which list it is, */
    long long since;            /* and when; ns, as the store's file system has it */
    long long used;             /* when what it names was used last; ns */
    size_t at; /* bytes that were read; may be set before the next read */
};

extern const char *const use_word[]; /* by kind */

typedef void use_list_visit(void *self, enum use_kind kind, const struct digest *id);

enum { USE_LIST_EMPTY = 1, USE_LIST_NONE = 2 };
/* 0; USE_LIST_EMPTY of one that is only begun; USE_LIST_NONE of what does not begin as
 * one; or -1 with errno. */
int use_list_open(struct use_list *l, const char *path);
/* Tells the lines behind `at`, and moves it behind the last whole one: 0, or -1 with
 * errno.
 */
int use_list_read(struct use_list *l, use_list_visit *f, void *self);
void use_list_close(struct use_list *l);

#endif
