/*
 * member - what a job of Slurm and the larder that submitted it tell each other, in files
 * of the folder of their batch (docs/adr/0014).
 *
 *   members.tsv  N  key  step, a line each
 *   N.exit       how member N ended, one JSON object; it appears whole
 *   N.events     what it told on the way (events.h)
 *   N.err        what it printed besides
 */
#ifndef LARDER_MEMBER_H
#define LARDER_MEMBER_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/mem.h"

enum member_outcome {
    MEMBER_DONE,    /* there is a record */
    MEMBER_FAILED,  /* the step did */
    MEMBER_STOPPED, /* it was asked to end, and may go on later */
    MEMBER_ERROR,   /* it could not be run */
};

struct member_end {
    enum member_outcome outcome;
    bool ran;            /* of MEMBER_DONE: by this job */
    double seconds;      /* the step took */
    const char *message; /* of the others, or "" */
    bool out_of_memory;  /* of MEMBER_FAILED */
    bool has_log;
    struct digest log; /* of MEMBER_FAILED: an object of the store */
};

struct member {
    const char *step;
    struct digest key;
};

int member_write_list(const char *folder, const struct member *m, size_t n,
                      struct error *err);
/* *m in arena memory. E_INPUT for what is no such list. */
int member_read_list(const char *folder, struct member **m, size_t *n,
                     struct arena *arena, struct error *err);

int member_write_end(const char *folder, size_t n, const struct member_end *end,
                     struct error *err);
/* 1, 0 when it is not there yet, or an error. Texts in arena memory. */
int member_read_end(const char *folder, size_t n, struct member_end *end,
                    struct arena *arena, struct error *err);

#endif
