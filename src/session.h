/*
 * session - what a command works on: the project, its recipe and plan, the store, and
 * what is remembered.
 *
 * The project is the current folder, or the one of -C. A session is all-zero before it is
 * opened; one that was opened half may be closed.
 */
#ifndef LARDER_SESSION_H
#define LARDER_SESSION_H

#include <stdbool.h>

#include "cli.h"
#include "config.h"
#include "facts.h"
#include "image.h"
#include "larder/error.h"
#include "larder/store.h"
#include "plan.h"
#include "program.h"
#include "proof.h"
#include "queue.h"
#include "recipe.h"
#include "room.h"
#include "sandbox.h"
#include "say.h"
#include "state.h"
#include "witness.h"
#include "work.h"

struct remotes;
struct trust;
struct use;

/* What a look at the plan would fetch, were it a run. */
struct would_fetch {
    bool only_counted;
    size_t n;
    long long bytes;
    struct map seen; /* digests in hex */
};

struct session {
    const struct cli *cli;
    struct say say;
    struct arena arena;
    const char *project; /* absolute */
    const char *own;     /* its .larder */
    const char *cache;   /* folder of the store */
    struct config config;
    struct state *state;
    struct witness witness;    /* of what the plan was made from, unless it was kept */
    struct programs *programs; /* NULL when the plan was kept, */
    struct recipe *recipe;     /* and so is this */
    struct image *image;       /* the kept plan, or NULL */
    bool member;  /* a job of Slurm: one step is run, and nothing else is tidied up or
                     kept;  to be set once entered */
    bool fetches; /* what the recipe includes from elsewhere; to be set once entered */
    const char *recipe_path, *image_path, *question;
    const struct plan *plan;
    struct plan *built;  /* plan, where it is not that of the image */
    struct proof *proof; /* what the last run with these words found, or NULL */
    const char *proof_path, *proof_question;
    struct places *places; /* of a command that places outputs, or NULL; borrowed */
    bool *chosen; /* [n_steps] by the words of the command line or the default target */
    bool *target; /* [n_targets] likewise */
    bool *wanted; /* [n_steps] chosen, and what those need */
    struct store *store;
    struct use *use; /* what we rely on of it (session_use()); NULL: it is read only */
    bool uses;       /* that was asked for */
    struct fs_state doubt; /* of the store, when the proof was held against it */
    struct store *lab;     /* another one of ours, that is only read (lab.h), or NULL */
    struct facts *facts;
    struct rooms rooms;     /* that no step runs in */
    struct sandbox sandbox; /* opened by the first step that runs */
    struct work *work;
    struct queue recalled;   /* steps that lookup_step() has recalled, to be taken out */
    struct trust *trust;     /* NULL until sharing_trust() */
    struct remotes *remotes; /* NULL: none is asked; see sharing_open() */
    struct would_fetch would_fetch;
    struct map discovered;    /* lists that were looked at (discovered.c), by digest */
    struct map looked;        /* and their lines, by their text */
    struct buf placed;        /* lines to be told */
    const struct error *lack; /* the last of lookup_lacks(): many steps lack the same */
    bool doubted;             /* see lookup_remember() */
    bool again; /* what runs is held against its record and takes no other's place: see
                   rerun.h */
    const char *const *again_env; /* "NAME=VALUE", which it is given besides */
    size_t n_again_env;
    struct map lost; /* objects that were told to be lost: "DIGEST STEP" */
};

/* These return 0, a negative E_ code, or EXIT_NO_PROJECT, with the story in *err. Call
 * session_close() in any case. */

/* To the folder of -C. */
int session_go(const struct cli *cli, struct error *err);
/* The project: goes to its folder. */
int session_enter(struct session *s, const struct cli *cli, struct error *err);
/* The project, its recipe and plan. */
int session_open(struct session *s, const struct cli *cli, struct error *err);
/* words choose targets, stages and steps; none: the default target, else everything. */
int session_choose(struct session *s, const char *const *word, size_t n_words,
                   struct error *err);
/* The store, and room for what will be known of the chosen steps. */
int session_connect(struct session *s, struct error *err);
/* All three. */
int session_begin(struct session *s, const struct cli *cli, const char *const *word,
                  size_t n_words, struct error *err);
/* Behind session_begin(), for commands that only look: where no run had these words, what
 * the last run without words found is as good for each step that it has. */
void session_borrow_proof(struct session *s);
/* Between session_enter() and session_begin(), with the same words: true when nothing is
 * to be done for them since all is as it was when it was done last. *n_wanted: how many
 * steps that is. */
bool session_stands(struct session *s, const char *const *word, size_t n_words,
                    size_t *n_wanted);
/* Keeps the plan, and what this session found out of it, for the next. */
void session_keep(struct session *s);
/* The store alone, of a session that was entered. */
int session_open_store(struct session *s, struct error *err);
/* Only the store: no project is needed. */
int session_open_cache(struct session *s, const struct cli *cli, struct error *err);

/* One of Larder's own programs, borrowed, whether the plan was kept or not. */
int session_program(struct session *s, const char *name, const struct program **program,
                    struct error *err);
/* From here on gc keeps off what this session finds in the store. */
int session_use(struct session *s, struct error *err);
/* Behind session_stands(): what the last run used is used again. False when it is not
 * known any more: then a run has to write it down again. */
bool session_use_again(struct session *s, const char *const *word, size_t n_words);
/* At the end of a run for these words: what it used is kept. whole: of all its steps. */
void session_keep_use(struct session *s, bool whole);

/* Removes what killed processes have left in .larder/ more than an hour ago. */
void session_sweep(const struct session *s);
/* Saves what was learnt; a state that cannot be written is told and costs only time. */
void session_close(struct session *s);

/* Appends the folder of the cache: $LARDER_CACHE, $XDG_CACHE_HOME/larder or
 * ~/.cache/larder. */
int cache_folder(struct buf *path, struct error *err);

#endif
