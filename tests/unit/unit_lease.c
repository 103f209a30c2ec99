#include "larder/lease.h"

#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "larder/checkpoint.h"
#include "larder/holder.h"
#include "larder/scratch.h"

/* All timeouts here are equal: with different ones Criterion 2.4.1 leaks, and the check
 * for leaks reads that as ours. */
static struct digest key_of(const char *text)
{
    struct digest d;

    digest_bytes(&d, text, strlen(text));
    return d;
}

static struct lease *take(struct fixture *f, const struct digest *key)
{
    struct lease *l = NULL;
    struct error err = { 0 };

    cr_assert_eq(lease_try(&l, f->st, key, &err), LEASE_TAKEN, "%s", err.text);
    return l;
}

static int try(struct fixture *f, const struct digest *key)
{
    struct lease *l = NULL;
    struct error err = { 0 };
    int rc = lease_try(&l, f->st, key, &err);

    cr_assert(rc >= 0, "%s", err.text);
    lease_release(l);
    return rc;
}

/* Starts `sleep` holding the lease, or not; it ends by itself after 30 s. */
static pid_t start_step(const struct lease *l, bool pass_on)
{
    pid_t pid = vfork();

    if (pid == 0) {
        if (pass_on)
            lease_pass_on(l);
        execlp("sleep", "sleep", "30", (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void end_step(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(lease, is_held_once_and_free_after_release)
{
    struct fixture *f = fixture_new(false);
    struct digest one = key_of("one"), two = key_of("two");
    struct lease *l = take(f, &one);

    cr_assert_eq(try(f, &one), LEASE_BUSY);
    cr_assert_eq(try(f, &two), LEASE_TAKEN);
    lease_release(l);
    cr_assert_eq(try(f, &one), LEASE_TAKEN);
    lease_release(NULL);
    fixture_free(f);
}

Test(lease, lasts_as_long_as_the_step_that_has_it)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    struct lease *l = take(f, &key);
    pid_t pid = start_step(l, true);

    lease_release(l);
    cr_assert_eq(try(f, &key), LEASE_BUSY);
    end_step(pid);
    cr_assert_eq(try(f, &key), LEASE_TAKEN);
    fixture_free(f);
}

Test(lease, is_not_passed_to_a_program_unasked, .timeout = 60)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    struct lease *l = take(f, &key), *again = NULL;
    pid_t pid = start_step(l, false);

    lease_release(l);
    /* Where vfork is fork, the child has the lease until it executes the program. */
    cr_assert_eq(lease_wait(&again, f->st, &key, NULL, NULL), LEASE_TAKEN);
    cr_assert_eq(kill(pid, 0), 0, "the program is running");
    lease_release(again);
    end_step(pid);
    fixture_free(f);
}

Test(lease, of_a_killed_process_is_free)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    struct lease *l = NULL;
    int told[2];
    char c;
    pid_t pid;

    cr_assert_eq(pipe(told), 0);
    pid = fork();
    if (pid == 0) {
        int rc = lease_try(&l, f->st, &key, NULL);

        if (write(told[1], rc == LEASE_TAKEN ? "y" : "n", 1) == 1)
            pause();
        _exit(0);
    }
    cr_assert_eq(read(told[0], &c, 1), 1);
    cr_assert_eq(c, 'y');
    cr_assert_eq(try(f, &key), LEASE_BUSY);
    end_step(pid);
    cr_assert_eq(try(f, &key), LEASE_TAKEN);
    fixture_free(f);
}

Test(lease, waiting_ends_when_it_is_free)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    struct lease *l = take(f, &key), *mine = NULL;
    struct timespec t = { .tv_nsec = 150 * 1000000 };
    pid_t pid = fork();

    if (pid == 0) { /* has the lease with us, for a while */
        nanosleep(&t, NULL);
        _exit(0);
    }
    lease_release(l);
    cr_assert_eq(lease_wait(&mine, f->st, &key, NULL, NULL), LEASE_TAKEN);
    cr_assert_eq(waitpid(pid, NULL, WNOHANG | 0) == pid || waitpid(pid, NULL, 0) == pid,
                 1);
    lease_release(mine);
    fixture_free(f);
}

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

Test(lease, waiting_ends_when_interrupted, .timeout = 60)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    struct lease *l = take(f, &key), *mine = NULL;
    struct sigaction act = { .sa_handler = stop };

    sigaction(SIGALRM, &act, NULL);
    alarm(1);
    cr_assert_eq(lease_wait(&mine, f->st, &key, &stopped, NULL), LEASE_INTERRUPTED);
    cr_assert_null(mine);
    lease_release(l);
    fixture_free(f);
}

/* Four processes take one lease, and sweep, as fast as they can; a file that is made with
 * O_EXCL under the lease and removed shows that no two have it at once. */
Test(lease, never_lets_two_in, .timeout = 60)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    const char *mark = fixture_path(f, "mark");
    pid_t pid[4];
    int status;

    for (int k = 0; k < 4; k++) {
        pid[k] = fork();
        if (pid[k])
            continue;
        for (int i = 0; i < 500; i++) {
            struct lease *l = NULL;
            int rc = lease_try(&l, f->st, &key, NULL), fd;

            if (rc < 0)
                _exit(2);
            if (rc == LEASE_TAKEN) {
                fd = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0600);
                if (fd < 0)
                    _exit(1);
                close(fd);
                unlink(mark);
            }
            lease_release(l);
            if (scratch_sweep(f->st, NULL) < 0)
                _exit(3);
        }
        _exit(0);
    }
    for (int k = 0; k < 4; k++) {
        cr_assert_eq(waitpid(pid[k], &status, 0), pid[k]);
        cr_assert_eq(status, 0);
    }
    fixture_free(f);
}

static struct scratch *open_scratch(struct fixture *f)
{
    struct scratch *sc = NULL;
    struct error err = { 0 };

    cr_assert_eq(scratch_open(&sc, f->st, &err), 0, "%s", err.text);
    return sc;
}

static void sweep(struct fixture *f)
{
    struct error err = { 0 };

    cr_assert_eq(scratch_sweep(f->st, &err), 0, "%s", err.text);
}

Test(scratch, folders_are_fresh_and_go_when_closed)
{
    struct fixture *f = fixture_new(false);
    struct scratch *a = open_scratch(f), *b = open_scratch(f);
    char *first = xstrdup(scratch_path(a)), *second = xstrdup(scratch_path(b));

    cr_assert_str_neq(first, second);
    cr_assert(fs_is_dir(first) && fs_is_dir(second));
    scratch_close(a, false);
    scratch_close(b, true);
    scratch_close(NULL, false);
    cr_assert(!fs_exists(first));
    cr_assert(fs_is_dir(second), "kept");
    sweep(f);
    cr_assert(!fs_exists(second), "until the next sweep");
    free(first);
    free(second);
    fixture_free(f);
}

/* A process that opens a scratch folder with a read-only folder in it and is killed. */
static void leave_scratch(struct fixture *f, char path[300])
{
    struct object o = add_folder(f, "out");
    int told[2], status;
    pid_t pid;

    cr_assert_eq(pipe(told), 0);
    pid = fork();
    if (pid == 0) {
        struct scratch *sc = NULL;
        struct buf in = { 0 };

        if (scratch_open(&sc, f->st, NULL) < 0)
            _exit(1);
        fs_join(&in, scratch_path(sc), "in");
        if (store_lend(f->st, &o, in.s, NULL) < 0)
            _exit(2);
        raise(write(told[1], scratch_path(sc), strlen(scratch_path(sc)) + 1) > 0
                  ? SIGKILL
                  : SIGTERM);
    }
    cr_assert(read(told[0], path, 300) > 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(WTERMSIG(status), SIGKILL);
    cr_assert_eq(store_check(f->st, &o, true, NULL, NULL), OBJECT_FINE);
}

Test(scratch, sweep_removes_what_nobody_holds)
{
    struct fixture *f = fixture_new(false);
    struct scratch *live = open_scratch(f);
    char dead[300];

    leave_scratch(f, dead);
    cr_assert(fs_is_dir(dead));
    sweep(f);
    cr_assert(!fs_exists(dead));
    cr_assert(fs_is_dir(scratch_path(live)));
    scratch_close(live, false);
    fixture_free(f);
}

Test(scratch, is_held_by_the_step_that_runs_in_it)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    struct scratch *sc = open_scratch(f);
    struct lease *l = take(f, &key);
    struct error err = { 0 };
    char *path = xstrdup(scratch_path(sc));
    pid_t pid;

    cr_assert_eq(scratch_share(sc, l, &err), 0, "%s", err.text);
    pid = start_step(l, true);
    lease_release(l);
    scratch_close(sc, true);
    sweep(f);
    cr_assert(fs_is_dir(path), "the step goes on");
    end_step(pid);
    sweep(f);
    cr_assert(!fs_exists(path));
    free(path);
    fixture_free(f);
}

Test(scratch, of_a_held_lease_can_be_found)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("key"), other = key_of("other");
    struct buf path = { 0 };
    struct scratch *sc;
    struct lease *l;
    pid_t step;

    sc = open_scratch(f);
    cr_expect_not(holder_scratch(f->st, &key, &path), "nobody holds it");
    l = take(f, &key);
    cr_expect_not(holder_scratch(f->st, &key, &path), "it is held, and nothing runs");
    cr_assert_eq(scratch_share(sc, l, NULL), 0);
    cr_expect(holder_scratch(f->st, &key, &path));
    cr_expect_str_eq(buf_str(&path), scratch_path(sc));
    step = start_step(l, true);
    lease_release(l);
    buf_reset(&path);
    cr_expect(holder_scratch(f->st, &key, &path), "the step has it");
    cr_expect_not(holder_scratch(f->st, &other, &path));
    end_step(step);
    cr_expect_not(holder_scratch(f->st, &key, &path));
    scratch_close(sc, false);
    buf_release(&path);
    fixture_free(f);
}

Test(scratch, sweep_removes_old_temporary_files_only)
{
    struct fixture *f = fixture_new(false);
    struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

    write_text(fixture_path(f, "store/tmp/new"), "x");
    write_text(fixture_path(f, "store/tmp/old"), "x");
    cr_assert_eq(utimensat(AT_FDCWD, f->path, old, 0), 0);
    cr_assert_eq(scratch_sweep(f->st, NULL), 0);
    cr_assert(!fs_exists(fixture_path(f, "store/tmp/old")));
    cr_assert(fs_exists(fixture_path(f, "store/tmp/new")));
    fixture_free(f);
}

Test(checkpoint, survives_sweeping_until_its_step_has_a_record)
{
    struct fixture *f = fixture_new(false);
    struct object o = add_text(f, "x");
    struct record *r = make_record("key\n", &o, 1);
    struct buf path = { 0 }, file = { 0 };
    bool found = true;

    cr_assert_eq(checkpoint_open(f->st, &r->key, &path, &found, NULL), 0);
    cr_assert(!found);
    fs_join(&file, path.s, "state");
    write_text(file.s, "epoch 3");
    cr_assert_eq(scratch_sweep(f->st, NULL), 0);
    buf_reset(&path);
    cr_assert_eq(checkpoint_open(f->st, &r->key, &path, &found, NULL), 0);
    cr_assert(found);
    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    cr_assert_eq(scratch_sweep(f->st, NULL), 0);
    cr_assert(!fs_exists(path.s));
    record_free(r);
    buf_release(&file);
    buf_release(&path);
    fixture_free(f);
}

Test(checkpoint, is_removed_after_a_month_or_when_cleared)
{
    struct fixture *f = fixture_new(false);
    struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    struct digest key = key_of("one");
    struct buf path = { 0 };

    cr_assert_eq(checkpoint_open(f->st, &key, &path, NULL, NULL), 0);
    cr_assert_eq(utimensat(AT_FDCWD, path.s, old, 0), 0);
    cr_assert_eq(scratch_sweep(f->st, NULL), 0);
    cr_assert(!fs_exists(path.s));
    buf_reset(&path);
    cr_assert_eq(checkpoint_open(f->st, &key, &path, NULL, NULL), 0);
    cr_assert_eq(checkpoint_clear(f->st, &key, NULL), 0);
    cr_assert(!fs_exists(path.s));
    cr_assert_eq(checkpoint_clear(f->st, &key, NULL), 0, "absent is fine");
    buf_release(&path);
    fixture_free(f);
}
