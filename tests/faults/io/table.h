/*
 * table - a table of larder/io.h that counts the calls and makes one of them fail, on a
 * file system that may lack this or that.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum fault {
    FAULT_EIO,    /* or what comes nearest: no lock, no memory */
    FAULT_ENOSPC, /* only what makes something or waits for the disk */
    FAULT_EINTR,  /* only where POSIX, or Linux beyond it, allows it */
    FAULT_EMFILE, /* only what makes a descriptor */
    FAULT_SHORT,  /* half of the bytes are read or written, if there are two */
    N_FAULTS
};
extern const char *const fault_name[N_FAULTS];

/* What the file system is like. */
enum {
    FS_NO_UNNAMED = 1, /* no O_TMPFILE */
    FS_NO_LINKS = 2,
    FS_CLONES = 4, /* reflinks, as far as one can see: the bytes are copied */
};

/* A call that was made: its name, what it was about, and a bit for each fault that it may
 * meet. */
struct call {
    const char *name;
    char *path;
    unsigned faults;
};

/* All calls of a run, in order; all-zero: none yet. */
struct calls {
    struct call *call;
    size_t n, cap;
};
void calls_release(struct calls *c);

/* What fails: the call of that number, counted from 1 (0: none), and if the fault stays,
 * each one after it that can meet it. */
struct failure {
    size_t at;
    enum fault fault;
    bool stays;
};

/* From here on calls go through the table. log, unless NULL, gets all of them. */
void table_begin(unsigned fs, struct calls *log, struct failure failure);
/* And from here on to the system again. */
void table_end(void);

/* Of what was last begun: whether the fault was met, by which call, on what. */
bool table_fired(void);
const char *table_call(void);
const char *table_path(void);

#endif
