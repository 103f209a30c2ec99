/*
 * Stops adding and recording at each change of the disk in turn - by a kill, a failed
 * call or a full disk - and then reads: a record that is found names whole objects only,
 * nothing is torn, and the same work done again succeeds.
 *
 * Which call fails is counted from the start of a process, so each attempt and each
 * reading is a process of its own and the test itself changes no disk through fs.h.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "larder/checkpoint.h"
#include "larder/io.h"
#include "larder/lease.h"
#include "larder/scratch.h"
#include "larder/store.h"
#include "layout.h"

enum { DONE = 0, FAILED = 10 }; /* exit statuses of an attempt; others are mistakes */

struct place {
    char dir[64], store[100], work[100];
};

static const char key_text[] = "larder-key 1\nprogram bake sha256:00\n";

/* ---- which call was made to fail, and what it would have changed ---------------------
 */

static struct {
    char call[16], path[400];
} * failed_call; /* shared with the processes that attempt */
static const struct io_calls *calls;

static int seen(int rc, const char *call, int dir, const char *path)
{
    int why = errno;
    char link[40];
    ssize_t n;

    if (rc < 0 && (why == EIO || why == ENOSPC)) {
        snprintf(failed_call->call, sizeof failed_call->call, "%s", call);
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        n = path && dir == AT_FDCWD
                ? 0
                : readlink(link, failed_call->path, sizeof failed_call->path - 100);
        snprintf(failed_call->path + (n < 0 ? 0 : n), 100, "/%s", path ? path : "");
    }
    errno = why;
    return rc;
}

static int seen_openat(int dir, const char *path, int flags, mode_t mode)
{
    return seen(calls->openat(dir, path, flags, mode), "openat", dir, path);
}

static int seen_mkostemp(char *name, int flags)
{
    return seen(calls->mkostemp(name, flags), "mkostemp", AT_FDCWD, name);
}

static ssize_t seen_write(int fd, const void *from, size_t n)
{
    return seen((int)calls->write(fd, from, n), "write", fd, NULL);
}

static ssize_t seen_pwrite(int fd, const void *from, size_t n, off_t at)
{
    return seen((int)calls->pwrite(fd, from, n, at), "pwrite", fd, NULL);
}

static int seen_fsync(int fd)
{
    return seen(calls->fsync(fd), "fsync", fd, NULL);
}

static int seen_fdatasync(int fd)
{
    return seen(calls->fdatasync(fd), "fdatasync", fd, NULL);
}

static int seen_clone(int to, int from)
{
    return seen(calls->clone(to, from), "clone", to, NULL);
}

static int seen_lock(int fd, struct flock *lock)
{
    return seen(calls->lock(fd, lock), "lock", fd, NULL);
}

static int seen_fchmod(int fd, mode_t mode)
{
    return seen(calls->fchmod(fd, mode), "fchmod", fd, NULL);
}

static int seen_utimensat(int dir, const char *path, const struct timespec times[2],
                          int flags)
{
    return seen(calls->utimensat(dir, path, times, flags), "utimensat", dir, path);
}

static int seen_mkdirat(int dir, const char *path, mode_t mode)
{
    return seen(calls->mkdirat(dir, path, mode), "mkdirat", dir, path);
}

static int seen_linkat(int from_dir, const char *from, int dir, const char *to, int flags)
{
    return seen(calls->linkat(from_dir, from, dir, to, flags), "linkat", dir, to);
}

static int seen_renameat2(int from_dir, const char *from, int dir, const char *to,
                          unsigned flags)
{
    return seen(calls->renameat2(from_dir, from, dir, to, flags), "renameat2", dir, to);
}

static int seen_unlinkat(int dir, const char *path, int flags)
{
    return seen(calls->unlinkat(dir, path, flags), "unlinkat", dir, path);
}

static void watch_calls(void)
{
    static struct io_calls own;

    calls = io_now;
    own = *calls;
    own.openat = seen_openat;
    own.mkostemp = seen_mkostemp;
    own.write = seen_write;
    own.pwrite = seen_pwrite;
    own.fsync = seen_fsync;
    own.fdatasync = seen_fdatasync;
    own.clone = seen_clone;
    own.lock = seen_lock;
    own.fchmod = seen_fchmod;
    own.utimensat = seen_utimensat;
    own.mkdirat = seen_mkdirat;
    own.linkat = seen_linkat;
    own.renameat2 = seen_renameat2;
    own.unlinkat = seen_unlinkat;
    io_now = &own;
}

/* What has another way, is litter, or guards against a gc at the same time, which then
 * does nothing. Anything else that fails is told. */
static bool may_fail_unseen(void)
{
    static const char *const may[][2] = {
        { "clone", "*" },                    /* it is copied */
        { "openat", "*/store/tmp" },         /* without a name; it gets one at once */
        { "unlinkat", "*/store/tmp/*" },     /* litter, */
        { "unlinkat", "*/store/scratch/*" }, /* which the next run sweeps, */
        { "unlinkat", "*/home/.*" },         /* or the next that is placed there */
        { "lock", "*/store/locks/" },        /* then nothing goes while we live */
        { "utimensat", "*/store/cas/*" },
    };

    for (size_t i = 0; i < sizeof may / sizeof *may; i++)
        if (fnmatch(may[i][0], failed_call->call, 0) == 0 &&
            fnmatch(may[i][1], failed_call->path, 0) == 0)
            return true;
    return false;
}

/* ---- the work, and its attempts ------------------------------------------------------
 */

static void write_text(const char *dir, const char *name, const char *text)
{
    char path[400];
    FILE *to;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    to = fopen(path, "wb");
    if (!to || fputs(text, to) < 0 || fclose(to) != 0)
        _exit(90);
}

static void make_dir(const char *path)
{
    if (mkdir(path, 0755) < 0)
        _exit(91);
}

/* What a step would leave: a file, and a folder with a folder, an executable and a file
 * of two names. */
static void bake(const char *work)
{
    char path[300], other[320];

    make_dir(work);
    write_text(work, "file", "one output\n");
    snprintf(path, sizeof path, "%s/tree", work);
    make_dir(path);
    write_text(path, "run.sh", "#!/bin/sh\n");
    snprintf(other, sizeof other, "%s/run.sh", path);
    if (chmod(other, 0755) < 0)
        _exit(92);
    snprintf(path, sizeof path, "%s/tree/sub", work);
    make_dir(path);
    write_text(path, "a", "two names\n");
    snprintf(path, sizeof path, "%s/tree/sub/a", work);
    snprintf(other, sizeof other, "%s/tree/b", work);
    if (link(path, other) < 0)
        _exit(93);
}

static int add_and_record(struct store *st, const char *work, bool sync,
                          struct error *err)
{
    struct record *r = record_new();
    struct record_output out[2] = { { .name = "file" }, { .name = "tree" } };
    char path[300];
    int rc;

    r->key_text = key_text;
    digest_bytes(&r->key, key_text, strlen(key_text));
    r->step = r->program = "bake";
    r->segments = 1;
    r->output = out;
    r->n_outputs = 2;
    snprintf(path, sizeof path, "%s/file", work);
    rc = store_add(st, path, OBJECT_FILE, sync, &out[0].object, err);
    snprintf(path, sizeof path, "%s/tree", work);
    if (rc == 0)
        rc = store_add(st, path, OBJECT_TREE, sync, &out[1].object, err);
    if (rc == 0)
        rc = store_add_bytes(st, "the log\n", 8, sync, &r->log, err);
    if (rc == 0)
        rc = store_record(st, r, sync, err);
    record_free(r);
    return rc;
}

/* Places an output for the user: new as a link and as a copy, then over both. */
static int give_all(struct store *st, const struct place *p, struct error *err)
{
    struct store_file file = { .path = "" };
    char at[2][100];
    struct given g;
    int rc = 0;

    digest_bytes(&file.id, "one output\n", 11);
    file.size = 11;
    for (int i = 0; i < 2; i++)
        snprintf(at[i], sizeof at[i], "%s/home/%s", p->dir, i ? "link" : "copy");
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = store_give(st, &file, at[i % 2], i % 2 ? GIVE_LINK : GIVE_COPY, GIVE_OVER,
                        &g, err);
    return rc;
}

/* As on a file system where a file cannot be written before it has a name. */
static bool named_temps;

/* Opens the store, sweeps, takes the lease, works, as an executor does. */
static int attempt(const struct place *p, bool sync)
{
    struct store *st = NULL;
    struct lease *lease = NULL;
    struct scratch *scratch = NULL;
    struct error err = { 0 };
    struct digest key;
    int rc;

    digest_bytes(&key, key_text, strlen(key_text));
    rc = store_open(&st, p->store, NULL, &err);
    if (rc == 0 && named_temps)
        st->named_temps = st->named_places = true;
    if (rc == 0)
        rc = scratch_sweep(st, &err);
    if (rc == 0)
        rc = lease_try(&lease, st, &key, &err);
    if (rc == LEASE_BUSY)
        _exit(94);
    if (rc == 0)
        rc = scratch_open(&scratch, st, &err);
    if (rc == 0)
        rc = scratch_share(scratch, lease, &err);
    if (rc == 0)
        rc = add_and_record(st, p->work, sync, &err);
    if (rc == 0)
        rc = give_all(st, p, &err);
    scratch_close(scratch, false);
    lease_release(lease);
    store_close(st);
    if (rc < 0 && (rc != err.code || !err.text[0]))
        _exit(95); /* a failure tells its story */
    return rc < 0 ? FAILED : DONE;
}

static void hear(void *self, const struct store_finding *f)
{
    int *bad = self;

    /* The marker was being written: "larder-store.XXXXXX" is litter, not damage. */
    if (strcmp(f->what, "stray file") == 0 && strncmp(f->path, "larder-store.", 13) == 0)
        return;
    fprintf(stderr, "%s %s\n", f->what, f->path);
    ++*bad;
}

/* Whether what was placed is whole, or absent. */
static bool is_whole_or_absent(const struct place *p, const char *name)
{
    struct buf text = { 0 };
    char path[120];
    bool good = true;

    snprintf(path, sizeof path, "%s/home/%s", p->dir, name);
    if (fs_exists(path))
        good = fs_read(path, &text, NULL) == 0 && !strcmp(buf_str(&text), "one output\n");
    buf_release(&text);
    return good;
}

/* The exit status tells what is wrong. must_find: there must be a record. */
static int read_all(const struct place *p, bool must_find)
{
    struct store *st = NULL;
    struct record **rec;
    struct error err = { 0 };
    struct digest key;
    size_t n;
    int bad = 0, rc;

    if (!is_whole_or_absent(p, "link") || !is_whole_or_absent(p, "copy"))
        return 85;
    digest_bytes(&key, key_text, strlen(key_text));
    if (store_open(&st, p->store, NULL, &err) < 0)
        return 80;
    rc = store_find(st, &key, &rec, &n, &err);
    if (rc < 0 || (must_find && rc != STORE_HIT))
        return 81;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rec[i]->n_outputs; k++)
            if (store_check(st, &rec[i]->output[k].object, true, NULL, &err) !=
                OBJECT_FINE)
                return 82;
        if (store_check(st, &rec[i]->log, true, NULL, &err) != OBJECT_FINE)
            return 83;
    }
    records_free(rec, n);
    if (store_fsck(st, hear, &bad, &err) < 0 || bad)
        return 84;
    store_close(st);
    return 0;
}

enum what { BAKE, ATTEMPT, READ, READ_FOUND, CLEAN, CLEAN_WORK };

/* Runs one thing in a process of its own; its exit status, or 128 + the signal. */
static int in_child(const struct place *p, enum what what, const char *fault, bool sync)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (fault) {
            setenv("LARDER_FS_FAULT", fault, 1);
            watch_calls();
        }
        switch (what) {
        case BAKE:
            bake(p->work);
            _exit(0);
        case ATTEMPT:
            _exit(attempt(p, sync));
        case READ:
        case READ_FOUND:
            _exit(read_all(p, what == READ_FOUND));
        case CLEAN:
        case CLEAN_WORK:
            _exit(fs_remove_tree(what == CLEAN ? p->dir : p->work, NULL) < 0);
        }
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void place_new(struct place *p)
{
    /* In memory where that can be: waiting for a disk would be most of the time. */
    snprintf(p->dir, sizeof p->dir, "%s/larder-test-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    cr_assert_not_null(mkdtemp(p->dir));
    snprintf(p->store, sizeof p->store, "%s/store", p->dir);
    snprintf(p->work, sizeof p->work, "%s/work", p->dir);
}

/* One attempt with a fault in a fresh store, what is then read, and the repetition. The
 * exit status of the attempt. */
static int try_fault(const char *fault, bool sync)
{
    struct place p;
    int first;

    place_new(&p);
    cr_assert_eq(in_child(&p, BAKE, NULL, sync), 0);
    first = in_child(&p, ATTEMPT, fault, sync);
    cr_assert(first == DONE || first == FAILED || first == 128 + SIGKILL, "%s: status %d",
              fault, first);
    cr_assert_eq(in_child(&p, first == DONE ? READ_FOUND : READ, NULL, sync), 0, "%s",
                 fault);
    cr_assert_eq(in_child(&p, CLEAN_WORK, NULL, sync), 0);
    cr_assert_eq(in_child(&p, BAKE, NULL, sync), 0);
    cr_assert_eq(in_child(&p, ATTEMPT, NULL, sync), DONE, "%s: again", fault);
    cr_assert_eq(in_child(&p, READ_FOUND, NULL, sync), 0, "%s: again", fault);
    cr_assert_eq(in_child(&p, CLEAN, NULL, sync), 0);
    return first;
}

/* True when an attempt in a fresh store makes at least n changes. */
static bool makes_changes(int n, bool sync)
{
    struct place p;
    char fault[32];
    int status;

    snprintf(fault, sizeof fault, "%d:kill", n);
    place_new(&p);
    cr_assert_eq(in_child(&p, BAKE, NULL, sync), 0);
    status = in_child(&p, ATTEMPT, fault, sync);
    cr_assert_eq(in_child(&p, CLEAN, NULL, sync), 0);
    return status != DONE;
}

/* How many changes of the disk an attempt in a fresh store makes. */
static int count_changes(bool sync)
{
    int some = 0, over = 256;

    cr_assert(!makes_changes(over, sync));
    while (over - some > 1) {
        int n = (some + over) / 2;

        if (makes_changes(n, sync))
            some = n;
        else
            over = n;
    }
    return some;
}

static void fail_at_each(const char *action, bool sync)
{
    char fault[32];
    int changes;

    failed_call = mmap(NULL, sizeof *failed_call, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(failed_call, MAP_FAILED);
    changes = count_changes(sync);
    cr_assert(changes > 30, "%d", changes);
    for (int n = 1; n <= changes; n++) {
        snprintf(fault, sizeof fault, "%d:%s", n, action);
        if (try_fault(fault, sync) == DONE)
            cr_expect(may_fail_unseen(), "%s: %s of %s fails unseen", fault,
                      failed_call->call, failed_call->path);
    }
}

Test(faults, killed_at_any_change_of_the_disk, .timeout = 300)
{
    fail_at_each("kill", false);
}

Test(faults, killed_at_any_change_of_the_disk_when_synced, .timeout = 300)
{
    fail_at_each("kill", true);
}

Test(faults, any_change_of_the_disk_fails, .timeout = 300)
{
    fail_at_each("eio", false);
}

Test(faults, any_change_of_the_disk_fails_when_synced, .timeout = 300)
{
    fail_at_each("eio", true);
}

Test(faults, disk_is_full_at_any_change, .timeout = 300)
{
    fail_at_each("enospc", false);
}

Test(faults, killed_at_any_change_where_files_are_born_with_names, .timeout = 300)
{
    named_temps = true;
    fail_at_each("kill", true);
}

Test(faults, any_change_fails_where_files_are_born_with_names, .timeout = 300)
{
    named_temps = true;
    fail_at_each("enospc", false);
}
