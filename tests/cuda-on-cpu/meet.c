#define _GNU_SOURCE
#include "meet.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "told.h"

struct place {
    _Atomic uint64_t steps;
    _Atomic bool leaves;
    pid_t process;
    int gpu;
    struct meet_note note;
};

struct ground {
    struct place place[MEET_RANKS];
    _Alignas(4096) unsigned char room[MEET_RANKS][MEET_ROOM];
};

struct meet {
    int file, rank, ranks;
    uint64_t steps;
    struct ground *ground;
};

/* Of the names that this process made, those that nobody has used up. */
static char made[16][80];
static int n_made;
static pid_t maker;

/* Under TMPDIR, whose owner takes away what a process that was killed leaves; else in
 * memory. */
static const char *folder(void)
{
    const char *set = getenv("TMPDIR");

    if (set != NULL)
        return set;
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

bool meet_make(char *name, size_t n)
{
    int file;

    snprintf(name, n, "%s/cuda-on-cpu.XXXXXX", folder());
    file = mkstemp(name);
    if (file < 0)
        return false;
    if (ftruncate(file, sizeof(struct ground)) < 0)
        return false;
    close(file);
    maker = getpid();
    if (n_made < 16)
        snprintf(made[n_made++], sizeof made[0], "%s", name);
    return true;
}

void meet_forget(const char *name)
{
    unlink(name);
}

static __attribute__((destructor)) void forget_all(void)
{
    for (int i = 0; i < n_made && maker == getpid(); i++)
        unlink(made[i]);
}

/* A lock on one byte, which ends with the file descriptor or its process. */
static int lock(int file, int rank, int command, short type)
{
    struct flock l = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = rank, .l_len = 1
    };

    if (fcntl(file, command, &l) < 0)
        return -1;
    return l.l_type;
}

struct meet *meet_join(const char *name, int rank, int ranks, int gpu)
{
    struct meet *m = calloc(1, sizeof *m);

    *m = (struct meet){ .file = open(name, O_RDWR | O_CLOEXEC),
                        .rank = rank,
                        .ranks = ranks,
                        .ground = MAP_FAILED };
    if (m->file >= 0 && lock(m->file, rank, F_OFD_SETLK, F_WRLCK) >= 0)
        m->ground =
            mmap(NULL, sizeof *m->ground, PROT_READ | PROT_WRITE, MAP_SHARED, m->file, 0);
    if (m->ground == MAP_FAILED) {
        meet_leave(m);
        return NULL;
    }
    m->ground->place[rank].gpu = gpu;
    m->ground->place[rank].process = getpid();
    return m;
}

void meet_leave(struct meet *m)
{
    if (m->ground != MAP_FAILED)
        munmap(m->ground, sizeof *m->ground);
    if (m->file >= 0)
        close(m->file);
    free(m);
}

void meet_step(struct meet *m)
{
    atomic_store(&m->ground->place[m->rank].steps, ++m->steps);
}

enum meet_outcome meet_look(const struct meet *m, int *lost)
{
    enum meet_outcome outcome = MEET_ALL;

    for (int r = 0; r < m->ranks; r++) {
        uint64_t steps = atomic_load(&m->ground->place[r].steps);
        if (steps >= m->steps)
            continue;
        outcome = MEET_NOT_YET;
        /* It may have gone after its step; one that never came is only late. */
        if (steps == 0 || lock(m->file, r, F_OFD_GETLK, F_WRLCK) != F_UNLCK ||
            atomic_load(&m->ground->place[r].steps) >= m->steps)
            continue;
        *lost = r;
        return MEET_LOST;
    }
    return outcome;
}

bool meet_all_leave(struct meet *m)
{
    atomic_store(&m->ground->place[m->rank].leaves, true);
    for (int r = 0; r < m->ranks; r++) {
        struct place *p = &m->ground->place[r];

        if (p->process != getpid() && !atomic_load(&p->leaves) &&
            lock(m->file, r, F_OFD_GETLK, F_WRLCK) != F_UNLCK)
            return false;
    }
    return true;
}

struct meet_note *meet_note(const struct meet *m, int rank)
{
    return &m->ground->place[rank].note;
}

void *meet_room(const struct meet *m, int rank)
{
    return m->ground->room[rank];
}

int meet_gpu(const struct meet *m, int rank)
{
    return m->ground->place[rank].gpu;
}

int meet_ranks(const struct meet *m)
{
    return m->ranks;
}

int meet_rank(const struct meet *m)
{
    return m->rank;
}
