/*
 * sandbox - what a step may read, write and reach, held by the kernel.
 *
 * A step may read and run what is installed on the machine and what it was given, and
 * write in its own folders; internet sockets are refused unless the recipe asks for them.
 * Landlock holds the files, a filter of system calls the sockets; both need no privileges
 * and bind the step and all that it starts. The rules are made by us; between vfork and
 * exec the child only enters the fence.
 *
 * sandbox is what is the same for all steps of a run, fence that of one step.
 */
#ifndef LARDER_SANDBOX_H
#define LARDER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "larder/error.h"
#include "larder/fs.h"
#include "larder/mem.h"

/* From the loosest. */
enum sandbox_mode {
    SANDBOX_OFF,
    SANDBOX_WARN, /* nothing is refused; what would be is told */
    SANDBOX_ENFORCE,
    N_SANDBOX
};

enum permit_access {
    PERMIT_READ = 1, /* and run */
    PERMIT_WRITE = 2,
    PERMIT_DEVICE = 4, /* a device: its own controls too */
};

/* A file, or a folder with all that is below it. */
struct permit {
    const char *path; /* as given; it may pass through symbolic links */
    char *real;       /* its real path; NULL: not asked for yet, or absent */
    unsigned access;
    int fd;    /* of a system folder, else -1 */
    dev_t dev; /* what was there when it was permitted */
    ino_t ino;
};

/* A ruleset that was made before, for the permits that key spells out. Making one costs a
 * tenth of a small step, and most steps are permitted what one before them was. */
struct sandbox_ruleset {
    char *key;
    int fd;
};
enum { SANDBOX_RULESETS = 64 };

struct sandbox {
    int abi; /* of Landlock; 0: this kernel has none */
    struct sandbox_ruleset made[SANDBOX_RULESETS];
    size_t n_made; /* ever; the oldest makes room */
    struct permit *system;
    size_t n_system, cap_system;
};

/* Opens the system folders. */
void sandbox_open(struct sandbox *s);
void sandbox_close(struct sandbox *s); /* all-zero is fine */

struct fence {
    struct sandbox *sandbox;
    struct arena arena;
    struct permit *own;
    size_t n_own, cap_own;
    int ruleset; /* the sandbox's; -1: none */
    bool enforce, network;
};

/* A fence that permits the system folders only; s is borrowed. enforce: else it only
 * knows what it would permit. network: internet sockets too. *f is new: fence_release().
 */
void fence_open(struct fence *f, struct sandbox *s, bool enforce, bool network);
void fence_release(struct fence *f); /* all-zero is fine */
/* Permits path too; an absent one is passed over. */
void fence_permit(struct fence *f, const char *path, unsigned access);
/* After the last permit: makes it what fence_enter() will hold the child to. */
int fence_close(struct fence *f, struct error *err);
/* Whether what is at path, a real path, may be used in this way. */
bool fence_allows(struct fence *f, const char *path, unsigned access);
/* Whether path, of a file in state st (all-zero where there is none), is one of those
 * that were permitted by fence_permit(), or is below one; or whether one of them is, or
 * is below, path. */
bool fence_gave(const struct fence *f, const char *path, const struct fs_state *st);
bool fence_leads(const struct fence *f, const char *path);

/* In the child: from here on the fence holds, for files and then for sockets. False with
 * errno when the kernel refuses. They only make system calls. */
bool fence_enter(const struct fence *f);
bool fence_refuse_sockets(const struct fence *f);

/* "off", "warn", "enforce"; N_SANDBOX for any other text. */
enum sandbox_mode sandbox_mode_of(const char *text);

#endif
