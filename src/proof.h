/*
 * proof - what a run looked at when it found, or made, all steps done.
 *
 * For each step its key, record and outputs; for each file behind them its state:
 * sources, executables, stored objects, placed files. As long as a file has its state it
 * need not be read, and a step none of whose files has changed, behind steps with the
 * same outputs as then, has the key and the outputs it had. Where every file has its
 * state, nothing is to be done at all. A proof belongs to one image of a plan and one
 * choice of steps. Like that image it costs time and no result to lose.
 */
#ifndef LARDER_PROOF_H
#define LARDER_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/record.h"
#include "larder/store.h"

struct places;
struct proof;
struct session;

enum { PROOF_FOUND = 0, PROOF_ABSENT = 1 };

/* PROOF_FOUND with *p new (proof_close()), or PROOF_ABSENT: there is none for this image
 * and question, it is damaged, or the machine was started since (store-format.md: what
 * was not synced must then be read). */
int proof_open(struct proof **p, const char *path, const char *question, uint64_t image);
void proof_close(struct proof *p); /* NULL is fine */

/* Looks at the state of every file. To be called before the calls below, and in the
 * folder of the project. */
void proof_check(struct proof *p, struct store *st, const char *project);
/* The state of the file of the image when it was found whole. */
const struct fs_state *proof_image_state(const struct proof *p);
/* Whether all wanted steps were done and every file has its state; *n_wanted of them. */
bool proof_stands(const struct proof *p, size_t *n_wanted);
/* The same whatever there is of the placed files. */
bool proof_stands_but_for_places(const struct proof *p);

/* What is known of a step, borrowed. */
struct proof_step {
    struct digest key, record;
    const struct object *output; /* in the order of step->output */
    bool here;
};
/* False when nothing is known, or one of its objects or an executable has changed. */
bool proof_step(struct proof *p, size_t index, struct proof_step *step);
/* Whether the files of a source have the states they had. */
bool proof_source_stands(const struct proof *p, size_t index);
/* Whether the outputs are those that the proof has of that step, changed files or not. */
bool proof_has_outputs(struct proof *p, size_t index, const struct object *output,
                       size_t n);

/* Writes the proof of what the session knows now, to path; old is what it began with. */
int proof_write(struct session *s, const char *path, const char *question, uint64_t image,
                struct error *err);

#endif
