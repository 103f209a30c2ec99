/*
 * guard - the fence around one try to run a step, and the eye on what it looks at.
 *
 * The fence permits what the step was given. The step is watched too when it must be
 * known what it looks at.
 */
#ifndef LARDER_GUARD_H
#define LARDER_GUARD_H

#include <stdbool.h>

#include "desk.h"
#include "larder/error.h"
#include "sandbox.h"
#include "session.h"
#include "trace.h"
#include "work.h"

struct guard {
    enum sandbox_mode mode;
    struct fence fence;
    struct trace *trace; /* NULL: not watched */
};

/* The mode of a step: the looser of the recipe's and the user's. */
enum sandbox_mode guard_mode(const struct session *s, const struct step *step);

/* For the step on the desk. watch: also where nothing else asks for it. *g is new:
 * guard_close(). */
int guard_open(struct guard *g, struct session *s, const struct work *w,
               const struct desk *d, const struct allowance *given, bool watch,
               struct error *err);
/* A fence around one of Larder's own programs that is no step: it may read what is below
 * root, and write in step/, home/ and tmp/ there. */
void guard_program(struct fence *f, struct session *s, const struct program *program,
                   const char *root);
/* For child_start(): NULL where there is none. */
struct fence *guard_fence(struct guard *g);
void guard_close(struct guard *g); /* all-zero is fine */

#endif
