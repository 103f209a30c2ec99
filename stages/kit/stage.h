/*
 * stage - what every program of Larder shares: its table of arguments.
 *
 * One table declares inputs, outputs and typed options with ranges and help; from it come
 * the parsing of the command line, --help, --describe (JSON, docs/stage-protocol.md) and
 * the error line. A program is called as
 *
 *     program data=in/data model=out/model.safetensors --epochs=12 --lr=0.04
 *
 * and sees its arguments, its inputs, LARDER_SEED (1 to 16 hex digits), LARDER_THREADS,
 * LARDER_DEVICE and LARDER_CHECKPOINT, and nothing else. Its exit status is 0 when done,
 * 75 for "try again" (STAGE_AGAIN, or E_AGAIN with the one line), 2 for a wrong command
 * line, else 1.
 */
#ifndef KIT_STAGE_H
#define KIT_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/progress.h"
#include "larder/error.h"

enum stage_arg_kind {
    ARG_END,
    ARG_ABOUT,      /* one line: what the program does */
    ARG_IN,         /* const char *: path of an input */
    ARG_OUT,        /* const char *: path of an output */
    ARG_INT,        /* int */
    ARG_FLOAT,      /* double */
    ARG_BOOL,       /* bool: --x=true, --x=false */
    ARG_STRING,     /* const char * */
    ARG_CHOICE,     /* const char *: one of "a|b|c" */
    ARG_SEED,       /* uint64_t: the program uses LARDER_SEED */
    ARG_CHECKPOINT, /* const char *: the program can resume from LARDER_CHECKPOINT; NULL
                       when it is not set */
};

enum stage_arg_shape {
    SHAPE_FILE, /* a file */
    SHAPE_TREE, /* a folder */
    SHAPE_SET,  /* an image set: a folder (image/set.h) */
    SHAPE_LIST, /* a manifest: a TSV of axis columns, then `path` (kit/manifest.h) */
};

struct stage_arg {
    enum stage_arg_kind kind;
    enum stage_arg_shape shape; /* of ARG_IN and ARG_OUT */
    bool optional;              /* of ARG_IN: may be left out; *to stays NULL */
    const char *name;
    void *to;            /* where the value goes; what is there before is the default */
    double min, max;     /* of ARG_INT and ARG_FLOAT, both included */
    const char *choices; /* of ARG_CHOICE */
    const char *help;    /* one line */
};

#define STAGE_ABOUT(text)                 \
    {                                     \
        .kind = ARG_ABOUT, .help = (text) \
    }
#define STAGE_IN(n, p, h)                                                        \
    {                                                                            \
        .kind = ARG_IN, .shape = SHAPE_FILE, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_IN_TREE(n, p, h)                                                   \
    {                                                                            \
        .kind = ARG_IN, .shape = SHAPE_TREE, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_IN_SET(n, p, h)                                                   \
    {                                                                           \
        .kind = ARG_IN, .shape = SHAPE_SET, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_IN_LIST(n, p, h)                                                   \
    {                                                                            \
        .kind = ARG_IN, .shape = SHAPE_LIST, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_MAY_IN(n, p, h)                                                          \
    {                                                                                  \
        .kind = ARG_IN, .shape = SHAPE_FILE, .optional = true, .name = (n), .to = (p), \
        .help = (h)                                                                    \
    }
#define STAGE_MAY_IN_SET(n, p, h)                                                     \
    {                                                                                 \
        .kind = ARG_IN, .shape = SHAPE_SET, .optional = true, .name = (n), .to = (p), \
        .help = (h)                                                                   \
    }
#define STAGE_MAY_IN_TREE(n, p, h)                                                     \
    {                                                                                  \
        .kind = ARG_IN, .shape = SHAPE_TREE, .optional = true, .name = (n), .to = (p), \
        .help = (h)                                                                    \
    }
#define STAGE_MAY_IN_LIST(n, p, h)                                                     \
    {                                                                                  \
        .kind = ARG_IN, .shape = SHAPE_LIST, .optional = true, .name = (n), .to = (p), \
        .help = (h)                                                                    \
    }
#define STAGE_OUT(n, p, h)                                                        \
    {                                                                             \
        .kind = ARG_OUT, .shape = SHAPE_FILE, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_OUT_TREE(n, p, h)                                                   \
    {                                                                             \
        .kind = ARG_OUT, .shape = SHAPE_TREE, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_OUT_SET(n, p, h)                                                   \
    {                                                                            \
        .kind = ARG_OUT, .shape = SHAPE_SET, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_INT(n, p, lo, hi, h)                                                     \
    {                                                                                  \
        .kind = ARG_INT, .name = (n), .to = (p), .min = (lo), .max = (hi), .help = (h) \
    }
#define STAGE_FLOAT(n, p, lo, hi, h)                                                     \
    {                                                                                    \
        .kind = ARG_FLOAT, .name = (n), .to = (p), .min = (lo), .max = (hi), .help = (h) \
    }
#define STAGE_BOOL(n, p, h)                                   \
    {                                                         \
        .kind = ARG_BOOL, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_STRING(n, p, h)                                   \
    {                                                           \
        .kind = ARG_STRING, .name = (n), .to = (p), .help = (h) \
    }
#define STAGE_CHOICE(n, p, c, h)                                                \
    {                                                                           \
        .kind = ARG_CHOICE, .name = (n), .to = (p), .choices = (c), .help = (h) \
    }
#define STAGE_SEED(p)                                                      \
    {                                                                      \
        .kind = ARG_SEED, .name = "seed", .to = (p), .help = "LARDER_SEED" \
    }
#define STAGE_CHECKPOINT(p)                                      \
    {                                                            \
        .kind = ARG_CHECKPOINT, .name = "checkpoint", .to = (p), \
        .help = "LARDER_CHECKPOINT"                              \
    }
#define STAGE_END       \
    {                   \
        .kind = ARG_END \
    }

/* What the work returns, besides an error: done, or stopped early with a checkpoint. */
enum { STAGE_DONE = 0, STAGE_AGAIN = 75 };

/* The work: reads the options that the table filled in. */
typedef int stage_run(const void *options, struct error *err);

/* The exit status for what a program's run() gives, whose one line is written. */
int stage_status(int rc, const struct error *err);

/* Parses, runs, prints the one error line, and returns the exit status for main(). */
int stage_main(int argc, char **argv, const struct stage_arg *args, stage_run *run,
               const void *options);

/* Who the program is: in a file that the build makes for each program (a test that calls
 * stage_main() has its own). The identity is "sha256:" and the digest of its sources. */
extern const char larder_program_name[];
extern const char larder_program_identity[];

/* The threads granted (LARDER_THREADS, at least 1) and the device ("cpu"). */
int stage_threads(void);
const char *stage_device(void);

#endif
