#include "larder/lease.h"

#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "larder/checkpoint.h"
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

Test(lease, sweep_removes_files_of_free_leases_only)
{
    struct fixture *f = fixture_new(false);
    struct digest held = key_of("held"), freed = key_of("free");
    struct lease *l = take(f, &held);
    char **name, hex[DIGEST_HEX + 1];
    size_t n;

    cr_assert_eq(try(f, &freed), LEASE_TAKEN);
    cr_assert_eq(lease_sweep(f->st, NULL), 0);
    cr_assert_eq(fs_list(fixture_path(f, "store/leases"), &name, &n, NULL), 0);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(name[0], digest_hex(&held, hex));
    cr_assert_eq(try(f, &held), LEASE_BUSY, "still held");
    free(name);
    lease_release(l);
    fixture_free(f);
}

/* Four processes take, use and sweep one lease as fast as they can; a file that is made
 * with O_EXCL under the lease and removed shows that no two have it at once. */
Test(lease, sweeping_never_lets_two_in, .timeout = 60)
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
            if (lease_sweep(f->st, NULL) < 0)
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

Test(scratch, folders_are_fresh_and_of_the_key)
{
    struct fixture *f = fixture_new(false);
    struct digest key = key_of("one");
    struct buf a = { 0 }, b = { 0 };
    char hex[DIGEST_HEX + 1];

    cr_assert_eq(scratch_new(f->st, &key, &a, NULL), 0);
    cr_assert_eq(scratch_new(f->st, &key, &b, NULL), 0);
    cr_assert_str_neq(a.s, b.s);
    cr_assert(fs_is_dir(a.s) && fs_is_dir(b.s));
    cr_assert_not_null(strstr(a.s, digest_hex(&key, hex)));
    buf_release(&a);
    buf_release(&b);
    fixture_free(f);
}

Test(scratch, sweep_removes_what_no_lease_holds)
{
    struct fixture *f = fixture_new(false);
    struct digest live = key_of("live"), dead = key_of("dead");
    struct lease *l = take(f, &live);
    struct buf a = { 0 }, b = { 0 }, in = { 0 };
    struct object o = add_folder(f, "out");
    struct error err = { 0 };

    cr_assert_eq(scratch_new(f->st, &live, &a, NULL), 0);
    cr_assert_eq(scratch_new(f->st, &dead, &b, NULL), 0);
    fs_join(&in, b.s, "in"); /* read-only folders inside */
    cr_assert_eq(store_lend(f->st, &o, in.s, &err), 0, "%s", err.text);
    cr_assert_eq(scratch_sweep(f->st, &err), 0, "%s", err.text);
    cr_assert(fs_is_dir(a.s));
    cr_assert(!fs_exists(b.s));
    cr_assert_eq(store_check(f->st, &o, true, NULL, NULL), OBJECT_FINE);
    lease_release(l);
    cr_assert_eq(scratch_sweep(f->st, &err), 0);
    cr_assert(!fs_exists(a.s));
    buf_release(&a);
    buf_release(&b);
    buf_release(&in);
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
