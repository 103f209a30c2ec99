/*
 * plan - the steps of a recipe, expanded and checked, in an order in which they can run.
 *
 * plan_build() reads nothing but the recipe, what programs describe of themselves and the
 * names that a pattern of `code:` finds: no source is opened, no key is known. Everything
 * it refuses is refused here, with file, line and column, before anything runs. A plan
 * owns one arena; steps have no free functions. It is a plain value, kept from run to run
 * as it stands in memory (image.h): whoever adds a pointer to one of these structs adds a
 * line to plancopy.c.
 */
#ifndef LARDER_PLAN_H
#define LARDER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "larder/error.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/record.h"
#include "pin.h"
#include "program.h"
#include "recipe.h"
#include "sandbox.h"

/* A file or folder of the user's that steps read: an import, a ./path, a `code:` file. */
struct source {
    size_t index;     /* in plan->source */
    const char *name; /* "import.val", "import.textures[pattern=slate]", "./plot.py" */
    struct pos pos;   /* where the recipe names it */
    enum object_kind kind; /* a tree where its paths end in / */
    const char **from;     /* candidates in order: absolute paths and URLs */
    size_t n_from;
    struct pin pin;      /* must be the content of what is found */
    const char *pins;    /* where that is less than a digest: as larder.lock has it; or
                            NULL */
    int locked;          /* the line of larder.lock that pin.digest is from, or 0 */
    bool is_tool;        /* a folder that is used where it is, and may hold links */
    bool is_code;        /* a folder of `code:`, in which no __pycache__ counts */
    bool is_import;      /* may be taken from the store by its digest alone */
    bool private_;       /* visibility: private */
    const char *license; /* or NULL */
    const char *missing; /* a variable that is not set, so that a candidate of `from`
                            fell out; or NULL */
    struct step **user;  /* the steps that read it; one may stand there twice */
    size_t n_users;
};

/* What a step runs on besides its program; in its key by its content. */
struct tool {
    const char *name;
    struct pos pos;
    struct source *source; /* its lock file, or its folder; NULL: its digest is given */
    struct digest digest;
    const char *path; /* of its folder, absolute, for the step to read; or NULL */
};

/* Whether a candidate is fetched: an http: or https: URL, and no path. */
bool source_is_url(const char *from);

/* One thing behind an input: a source or the output of other steps. */
struct item {
    const char **value;    /* one a column of the input; "" where it has no such axis */
    struct source *source; /* or NULL */
    struct step *step;     /* or NULL */
    int output;            /* of its objects, see step_object_name() */
    bool is_set;           /* the folder of what all steps of step->part[] made */
};

enum input_kind {
    INPUT_ONE,        /* one item */
    INPUT_LIST,       /* a selector: a manifest of items */
    INPUT_PROVENANCE, /* plan.provenance */
};

struct input {
    const char *name;
    struct pos pos;
    enum input_kind kind;
    struct item *item;
    size_t n_items;
    const char **column; /* of a list: names of the columns before `path` */
    size_t n_columns;
};

/* Numbers from low to high, both included; infinite where it is open. */
struct bounds {
    double low, high;
};

/* What is expected of an output, checked once it is made; in no key. NULL: not said. */
struct expect {
    struct pos pos;
    bool non_empty;
    const struct digest *sha256;
    const struct bounds *records, *lines;
    const char *columns; /* the header line, with tabs between */
};

enum compare_kind {
    COMPARE_BITWISE,
    COMPARE_NUMERIC,  /* a text, but for its numbers */
    COMPARE_TABLE,    /* a TSV, but for the numbers in its cells */
    COMPARE_INTERVAL, /* the same; a value may lie where the other's interval is */
    COMPARE_PICTURE,  /* the values of channels, of 255 */
    COMPARE_TENSORS,  /* the numbers of a safetensors file */
};

/* When two results of one key agree, although their bytes differ; in no key. Numbers may
 * differ by abs + rel times the larger one; of tensors, the largest of its tensor. */
struct comparator {
    struct pos pos;
    enum compare_kind kind;
    double abs, rel;
    double max, mean;               /* of a picture: of one value, and of all */
    const char *value, *low, *high; /* names of columns, of an interval */
    const char *except; /* columns that are not looked at, a tab before and behind each;
                           or NULL */
};

/* What is expected of the last value that a step tells of a metric. */
struct metric {
    const char *name;
    struct pos pos;
    struct bounds range;
};

struct output {
    const char *name;
    struct pos pos;
    const char *path; /* in the scratch folder, relative to out/ */
    enum object_kind kind;
    size_t n_shards; /* of a sharded set: its folders, 00, 01, ...; else 0 */
    bool temp;       /* keep: temp */
    int visibility;  /* -1 not said, 0 public, 1 private */
    bool private_; /* it must not leave this machine: said, or so is what it is made of */
    const struct expect *expect;      /* or NULL */
    const struct comparator *compare; /* NULL: bitwise */
};

/* An option of a program with its value in the canonical text of its type, or, for a
 * `run:` stage, nothing: those have argv. */
struct option_value {
    const char *name, *type, *text;
    struct pos pos; /* of the value in the recipe, or all-zero for a default */
};

enum word_kind { WORD_TEXT, WORD_IN, WORD_IN_EACH, WORD_OUT, WORD_TOOL };

/* A piece of an argv element of a `run:` stage, or of the text of `sh:`. */
struct word {
    enum word_kind kind;
    const char *text; /* the text; or the name of the input, output or tool */
};
struct arg {
    struct word *word;
    size_t n_words;
};

struct resources {
    int cpu;          /* slots, at least 1 */
    long long memory; /* bytes, 0: not said */
    int gpu, gpu_need;
    int gpu_part;   /* of its one GPU, in thousandths; 0: all of each */
    bool jobserver; /* its slots are passed on to a make in it */
    double time;    /* seconds, 0: no limit */
    double silence; /* seconds without a sign of life, 0: no limit */
    double takes;   /* seconds it is thought to take, or -1: not said */
    long long disk; /* bytes its outputs are thought to take, or -1: not said */
};

/* Why a step did not get to its end, where that is not its own fault. */
enum cause { CAUSE_TRANSIENT, CAUSE_PREEMPTED, CAUSE_OOM, N_CAUSES };

struct step {
    const char *name;  /* "train@arch=alexnet,kind=S", "blur@radius=2,shard=03" */
    const char *stage; /* "train" */
    struct pos pos;    /* of the stage */
    size_t index;      /* in plan->step */
    const char **axis, **value; /* matrix axes in order, and our values */
    size_t n_axes;
    struct step **part; /* of a stage with `map:`, the steps of all shards in their order,
                           the same list in each of them */
    size_t n_parts;     /* 0: no `map:` */
    size_t shard;       /* our own place in part[] */
    const struct program *program; /* NULL for a `run:` or `sh:` stage */
    const char *executable;        /* of a `run:` stage: absolute path of argv[0]; argv[0]
                                      itself where PATH has no such program; NULL where it
                                      is ./x with x, or a folder that holds it, in code_path */
    struct pos command; /* of a `run:` or `sh:` stage: where the recipe names that */
    struct arg *arg;    /* of a `run:` stage, argv[0] included */
    size_t n_args;
    bool shell; /* of `sh:`: arg[0] is the text, in which values are quoted words */
    struct source **code;   /* of a `run:` stage; code_path[i] in the scratch folder, */
    const char **code_path; /* with / at the end where it is a folder */
    size_t n_code;
    struct tool *tool; /* of a `run:` stage, sorted by name */
    size_t n_tools;
    struct option_value *option; /* sorted by name */
    size_t n_options;
    const char **env, **env_value; /* declared ones, sorted by name */
    size_t n_env;
    const char **passed; /* variables whose values are in no plan, key or record */
    size_t n_passed;
    bool has_seed;
    uint64_t seed;       /* LARDER_SEED */
    struct input *input; /* sorted by name */
    size_t n_inputs;
    struct output *output; /* sorted by name */
    size_t n_outputs;
    size_t n_objects;      /* its outputs, then the shards of each that has some */
    struct metric *metric; /* that are expected */
    size_t n_metrics;
    struct resources resources;
    unsigned char retry[N_CAUSES]; /* how many times, by cause */
    bool checkpoint;
    enum sandbox_mode sandbox; /* the strictest that it can stand */
    bool network;              /* it may open internet sockets */
    struct source **source;    /* what it reads of the user's: behind its inputs, `code:`
                                  and `tools:`; one may stand there twice */
    size_t n_sources;
    struct step **need; /* the steps it needs, each once, in plan order */
    size_t n_needs;
    struct step **user; /* the steps that need it, each once, in plan order */
    size_t n_users;
};

/* `get:` of a target: where an output is placed. */
struct placement {
    struct pos pos;
    struct item item; /* without values */
    const char *to;   /* relative to the project */
};

struct target {
    const char *name;
    struct pos pos;
    struct step **step; /* what it needs, without what those need */
    size_t n_steps;
    struct placement *get;
    size_t n_gets;
};

struct plan {
    struct arena arena;
    const char *project; /* absolute path of its folder */
    struct step **step;  /* every step comes after those it needs */
    size_t n_steps;
    struct source **source;
    size_t n_sources;
    struct target *target;
    size_t n_targets;
    const char *lock_path; /* of larder.lock, beside the recipe; */
    const char *lock_file; /* as a message names it */
    const char *standard;  /* what `default:` says to run: a name for plan_choose() */
    struct pos standard_pos;
    struct step **by_name; /* the steps, sorted by their names */
};

/* *plan is new: plan_free(). recipe and programs are borrowed for as long as the plan. */
int plan_build(struct plan **plan, const struct recipe *recipe, struct programs *programs,
               struct error *err);
void plan_free(struct plan *plan); /* NULL is fine */

/* The steps that a name on the command line means: a target, a step, `stage@a=b,c=d` in
 * which the stage and the values may be globs, or a glob over whole step names. Marks
 * them in chosen[plan->n_steps] (not what they need). E_USAGE with the nearest name when
 * nothing matches. targets[] likewise may be NULL. */
int plan_choose(const struct plan *plan, const char *name, bool *chosen, bool *targets,
                struct error *err);
/* Marks, with what is marked, everything it needs. */
void plan_close(const struct plan *plan, bool *chosen);
struct step *plan_find(const struct plan *plan, const char *name); /* exact, or NULL */
int step_output_index(const struct step *step, const char *name);  /* or -1 */
const struct tool *step_tool(const struct step *step, const char *name); /* or NULL */

bool step_output_is_private(const struct step *step, size_t i);
/* Whether an input is something private, and so is what the step prints. */
bool step_takes_private(const struct step *step);

/* The steps that must be done before an item is there: none behind a source. */
size_t item_n_steps(const struct item *item);
struct step *item_step(const struct item *item, size_t i);

enum { SHARDS_MAX = 10000 };
/* Appends the name of a shard's folder: "03" of up to 100, "003" of up to 1000. */
void shard_name(size_t shard, size_t n_shards, struct buf *to);
/* Appends the name of an object that a step makes: "set", or "set/03" of a shard. */
void step_object_name(const struct step *step, size_t i, struct buf *to);
/* The output that an object is, or is a shard of. */
size_t step_object_output(const struct step *step, size_t i);

#endif
