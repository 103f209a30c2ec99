/*
 * config - settings of the user: what suits a machine or a person and is no part of a
 * recipe.
 *
 * From the strongest: an option of the command line, a variable LARDER_NAME, and the
 * files .larder/config and larder.conf of the project, $XDG_CONFIG_HOME/larder/config
 * (else ~/.config/larder/config) and /etc/larder/config. A file has lines `name = value`;
 * empty lines and lines that begin with # do not count. Nothing here may enter a key.
 */
#ifndef LARDER_CONFIG_H
#define LARDER_CONFIG_H

#include "cli.h"
#include "larder/buf.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "sandbox.h"

enum config_name {
    CONFIG_EXECUTOR,
    CONFIG_GPUS,
    CONFIG_JOBS,
    CONFIG_KEY,
    CONFIG_LAB_STORE,
    CONFIG_LINK,
    CONFIG_QUOTA,
    CONFIG_SANDBOX,
    CONFIG_SCRATCH,
    CONFIG_SLURM_OPTIONS,
    N_CONFIG
};

enum link_mode {
    LINK_AUTO, /* reflink, else copy up to 16 MiB, else read-only hard link */
    LINK_HARD, /* read-only hard link, else copy */
    LINK_COPY, /* reflink, else copy */
};

struct config_value {
    const char *text;   /* never NULL */
    const char *origin; /* "FILE:LINE", "LARDER_JOBS", "--jobs" or "built-in" */
};

/* `remote.NAME = PLACE` */
struct config_remote {
    const char *name, *place, *origin;
    int line; /* of its file, and which file that is: */
    int file;
};

/* Borrowed until config_release(); all-zero is fine for that. */
struct config {
    struct arena arena;
    struct config_value value[N_CONFIG];
    struct config_remote *remote; /* in the order in which they are asked: the strongest
                                     file first, in a file as they stand there */
    size_t n_remotes, cap_remotes;
};

/* project: its absolute folder. E_INPUT names the file, the line and the column of what
 * is not understood; E_USAGE the variable. *c is made anew. */
int config_read(struct config *c, const char *project, const struct cli *cli,
                struct error *err);
void config_release(struct config *c);

const char *config_name(enum config_name name);
bool config_is_slurm(const struct config *c);             /* steps are jobs of Slurm */
const char *config_slurm_options(const struct config *c); /* words for sbatch, or "" */
int config_jobs(const struct config *c);                  /* 0: as many as we may use */
int config_gpus(const struct config *c);                  /* -1: those that are found */
const char *config_lab_store(const struct config *c);     /* an absolute path, or NULL */
const char *config_key(const struct config *c); /* NULL: the only one there is */
long long config_quota(const struct config *c); /* bytes; -1: no limit */
enum link_mode config_link(const struct config *c);
enum sandbox_mode config_sandbox(const struct config *c);
/* Appends the folder in which scratch folders are to be made, with the variables of this
 * machine; nothing: that of the cache. E_USAGE where one is not set. */
int config_scratch(const struct config *c, struct buf *path, struct error *err);

#endif
