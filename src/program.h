/*
 * program - what Larder's own programs say of themselves.
 *
 * A program is an executable in the folder `programs` beside `larder`, in
 * ../libexec/larder, or in $LARDER_PROGRAMS (searched first). It is asked once with
 * --describe (docs/stage-protocol.md); the answer is kept with the state of its file.
 */
#ifndef LARDER_PROGRAM_H
#define LARDER_PROGRAM_H

#include <stdbool.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/record.h"
#include "witness.h"

enum option_type { OPTION_INT, OPTION_FLOAT, OPTION_BOOL, OPTION_STRING, OPTION_CHOICE };

struct program_option {
    const char *name, *help;
    enum option_type type;
    double min, max;     /* of int and float */
    const char **choice; /* of choice */
    size_t n_choices;
    const char *standard; /* the default, canonical text */
};

struct program_port { /* an input or an output */
    const char *name, *help;
    bool list;             /* of an input: takes a manifest */
    bool optional;         /* of an input */
    enum object_kind kind; /* of an output; of an input what an item must be */
    bool set;              /* an image set: a tree that may be sharded */
};

struct program {
    const char *name, *about;
    const char *path;              /* of the executable, absolute */
    struct digest identity;        /* of its source closure */
    struct program_option *option; /* sorted by name */
    size_t n_options;
    struct program_port *input, *output; /* sorted by name */
    size_t n_inputs, n_outputs;
    bool seed, checkpoint;
};

/* What is remembered about executables between runs; may be NULL. get returns the answer
 * to --describe kept for this path and state, or NULL (borrowed). */
struct program_memory {
    const char *(*get)(void *self, const char *path);
    void (*put)(void *self, const char *path, const char *description);
    void *self;
};

struct programs;

/* *p is new. beside: the folder of the larder executable. memory and
 * witness are borrowed and may be NULL. */
int programs_open(struct programs **p, const char *beside,
                  const struct program_memory *memory, struct witness *witness,
                  struct error *err);
void programs_close(struct programs *p);
/* The program, borrowed until programs_close(); E_INPUT when there is none of that name,
 * with the nearest one. */
int programs_find(struct programs *p, const char *name, const struct program **program,
                  struct error *err);

/* Canonical text of a value of an option's type, in arena memory; E_INPUT when the text
 * is not of the type, out of range, or no choice: the message says what is allowed. */
int program_value(const struct program_option *o, const char *text, struct arena *arena,
                  const char **canonical, struct error *err);

#endif
