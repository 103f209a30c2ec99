/*
 * scene - a folder with two stores, a remote and a place of the user's, in which one
 * thing is tried; and what can be said of it afterwards.
 */
#ifndef SCENE_H
#define SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/push.h"
#include "larder/remotes.h"
#include "larder/store.h"

#include "table.h"

/* All below dir: "store", "other" (of another lab), "remote", "home", "work". */
struct scene {
    const char *dir;
    struct arena arena;
    struct map memory; /* hex of an object → struct fs_state, as the engine keeps it */
    struct signer *signer;
    char *warning;            /* the last one, or NULL */
    struct object tree, file; /* what prepare() has put into a store, */
    struct digest record;     /* and the first record, for act() to ask for */
};

/* One thing that can be tried in a scene. */
struct scenario {
    const char *name;
    unsigned fs;
    /* What is there before, made with the system as it is. */
    void (*prepare)(struct scene *s);
    /* What is tried: 0 or another named value, or an error with its story. It closes all
     * that it opened, and may be done again after it has failed and after it has not. */
    int (*act)(struct scene *s, struct error *err);
    /* The same with "store" opened before and closed after it. */
    int (*with)(struct scene *s, struct store *st, struct error *err);
    /* Whether a file is not to be compared: it is another one each time. May be NULL. */
    bool (*varies)(const char *path);
    unsigned rules; /* of the bits below */
};
enum {
    LENIENT_MISS = 1,  /* what a remote cannot give counts as absent: another value */
    LENIENT_STATE = 2, /* a success may leave another state: the rest is done later */
    UNCHANGED = 4,     /* whatever happens, all is as it was before */
};

extern const struct scenario store_scenario[], work_scenario[], share_scenario[],
    carry_scenario[];
extern const size_t n_store_scenarios, n_work_scenarios, n_share_scenarios,
    n_carry_scenarios;

/* The folder dir is made anew. Aborts the program where that cannot be. */
void scene_open(struct scene *s, const char *dir);
void scene_close(struct scene *s);

/* A path in the scene; in its arena. */
const char *at(struct scene *s, const char *name);
/* Opens a store of it with the memory (that of "store") or none. */
int scene_store(struct scene *s, const char *name, struct store **st, struct error *err);

/* For prepare(): each aborts the program when it fails. */
void put(struct scene *s, const char *name, const char *text);
void put_bytes(struct scene *s, const char *name, size_t n, unsigned seed);
void put_mode(struct scene *s, const char *name, unsigned mode);
void put_folder(struct scene *s, const char *name);
void put_age(struct scene *s, const char *name, long seconds);
/* A folder with files, one executable, one empty folder, and one of two levels. */
void put_tree(struct scene *s, const char *name);
void cut(struct scene *s, const char *name, long n); /* n bytes from its end */
void flip(const char *path);                         /* a byte of a file */
/* Adds a text, or the folder that put_tree() makes, to a store. */
struct object added(struct scene *s, const char *store, const char *text);
struct object added_tree(struct scene *s, const char *store);
/* A record of key_text whose only output is o; in the store. wall tells two of one key
 * apart. */
struct digest recorded(struct scene *s, const char *store, const char *key_text,
                       const struct object *o, double wall);
/* The same not yet recorded; new. */
struct record *record_of(const char *key_text, const struct object *o, double wall);
/* Ends the program, with the text of errno. */
void die(const char *what) __attribute__((noreturn));
void insist(int rc, const struct error *err, const char *what);

/* The digest of all files below the scene but those that come and go. */
void scene_digest(struct scene *s, const struct scenario *of, struct digest *d);
/* The same as lines of path, mode and content, for people; appended. */
void scene_list(struct scene *s, const struct scenario *of, struct buf *to);
/* What is wrong with the stores: each finding of store_fsck(), and each record that is
 * found whose objects are not there or not whole. NULL, or a text in the arena. */
const char *scene_wrong(struct scene *s);
/* What a sweep leaves in tmp/ and scratch/. NULL, or a text in the arena. */
const char *scene_litter(struct scene *s);

int count_descriptors(void);

#define KEY_TEXT "larder-key 1\nprogram bake sha256:00\n"

#endif
