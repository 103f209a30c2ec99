#include "room.h"

#include "store_fixture.h"

#include "child.h"
#include "larder/mem.h"
#include "stray.h"

/* A store, a lease and the rooms of one process. */
struct house {
    struct fixture *f;
    struct lease *lease;
    struct rooms rooms;
    struct room *room;
    char path[300]; /* of the last inside() */
};

static void take(struct house *h)
{
    struct error err = { 0 };

    cr_assert_eq(rooms_take(&h->rooms, &h->room, h->f->st, h->lease, &err), 0, "%s",
                 err.text);
}

static struct house *house_new(void)
{
    struct house *h = xcalloc(1, sizeof *h);
    struct digest key;

    h->f = fixture_new(false);
    digest_bytes(&key, "key", 3);
    cr_assert_eq(lease_try(&h->lease, h->f->st, &key, NULL), LEASE_TAKEN);
    take(h);
    return h;
}

static void house_free(struct house *h)
{
    rooms_give(&h->rooms, h->room, ROOM_AGAIN);
    rooms_release(&h->rooms);
    lease_release(h->lease);
    fixture_free(h->f);
    free(h);
}

static const char *inside(struct house *h, const char *name)
{
    snprintf(h->path, sizeof h->path, "%s/%s", room_path(h->room), name);
    return h->path;
}

/* Gives the room back and takes one: whether it is the same. */
static bool again(struct house *h)
{
    char *former = xstrdup(room_path(h->room));
    bool same;

    rooms_give(&h->rooms, h->room, ROOM_AGAIN);
    take(h);
    same = !strcmp(former, room_path(h->room));
    cr_assert(same || !fs_exists(former));
    free(former);
    return same;
}

static ino_t inode(const char *path)
{
    struct stat s;

    cr_assert_eq(lstat(path, &s), 0, "%s", path);
    return s.st_ino;
}

static void copy(struct house *h, const char *text)
{
    const char *from = fixture_path(h->f, "source");
    struct error err = { 0 };

    write_text(from, text);
    cr_assert_eq(room_copy(h->room, "a", from, strlen(text), &err), 0, "%s", err.text);
}

static void expect(const char *path, const char *text)
{
    char *found = read_text(path);

    cr_assert_str_eq(found, text);
    free(found);
}

static bool is_empty(const char *path)
{
    char **name;
    size_t n;

    cr_assert_eq(fs_list(path, &name, &n, NULL), 0);
    free(name);
    return n == 0;
}

Test(room, is_emptied_and_taken_again)
{
    struct house *h = house_new();

    write_text(inside(h, "log"), "");
    cr_assert_eq(chmod(inside(h, "log"), 0600), 0);
    write_text(inside(h, "home/.rc"), "x");
    write_text(inside(h, "tmp/x"), "x");
    write_text(inside(h, "step/core"), "x");
    write_text(inside(h, "step/out/left"), "x");
    write_text(inside(h, "step/in/added"), "x");
    write_text(inside(h, "beside"), "x");
    cr_assert_eq(mkdir(inside(h, "step/out/sub"), 0500), 0);
    cr_assert_eq(symlink("/", inside(h, "step/out/root")), 0);
    cr_assert(again(h));
    cr_assert(is_empty(inside(h, "home")) && is_empty(inside(h, "tmp")) &&
              is_empty(inside(h, "step/in")) && is_empty(inside(h, "step/out")));
    cr_assert(!fs_exists(inside(h, "step/core")) && !fs_exists(inside(h, "beside")));
    write_text(inside(h, "log"), "said something");
    cr_assert(again(h));
    cr_assert(!fs_exists(inside(h, "log")));
    house_free(h);
}

Test(room, whose_folders_are_not_what_they_were_is_given_up)
{
    struct house *h = house_new();

    cr_assert_eq(chmod(inside(h, "step/out"), 0700), 0);
    cr_assert(!again(h));
    cr_assert_eq(rmdir(inside(h, "home")), 0);
    cr_assert_eq(symlink("/tmp", inside(h, "home")), 0);
    cr_assert(!again(h));
    cr_assert_eq(rmdir(inside(h, "tmp")), 0);
    cr_assert(!again(h));
    house_free(h);
}

Test(room, small_copies_are_written_over)
{
    struct house *h = house_new();
    ino_t first;

    copy(h, "a longer text");
    first = inode(inside(h, "step/in/a"));
    cr_assert(again(h));
    copy(h, "short");
    expect(inside(h, "step/in/a"), "short");
    cr_assert_eq(inode(h->path), first);
    cr_assert_eq(access(h->path, W_OK) == 0, geteuid() == 0, "it may only be read");
    cr_assert(again(h));
    cr_assert_eq(room_free_name(h->room, "a", NULL), 0);
    cr_assert(is_empty(inside(h, "step/in")));
    house_free(h);
}

/* What a step made of its input may be an object by now, or another file of its own. */
Test(room, a_copy_that_a_step_touched_is_not_written_over)
{
    struct house *h = house_new();
    char kept[300];

    snprintf(kept, sizeof kept, "%s", fixture_path(h->f, "kept"));
    copy(h, "one");
    cr_assert_eq(link(inside(h, "step/in/a"), kept), 0);
    cr_assert(again(h));
    copy(h, "two");
    expect(kept, "one");
    expect(inside(h, "step/in/a"), "two");

    unlink(kept);
    cr_assert_eq(rename(inside(h, "step/in/a"), kept), 0);
    cr_assert(again(h));
    copy(h, "three");
    expect(kept, "two");
    expect(inside(h, "step/in/a"), "three");

    unlink(inside(h, "step/in/a"));
    cr_assert_eq(symlink(kept, inside(h, "step/in/a")), 0);
    cr_assert(again(h));
    copy(h, "four");
    expect(kept, "two");

    cr_assert_eq(chmod(inside(h, "step/in/a"), 0755), 0);
    cr_assert(again(h));
    cr_assert(is_empty(inside(h, "step/in")));
    house_free(h);
}

Test(room, can_be_removed_or_kept)
{
    struct house *h = house_new();
    char *removed = xstrdup(room_path(h->room)), *kept;

    rooms_give(&h->rooms, h->room, ROOM_REMOVE);
    cr_assert(!fs_exists(removed));
    take(h);
    kept = xstrdup(room_path(h->room));
    write_text(inside(h, "log"), "why it failed");
    rooms_give(&h->rooms, h->room, ROOM_KEEP);
    cr_assert(fs_exists(h->path));
    take(h);
    cr_assert_str_neq(room_path(h->room), kept);
    free(removed);
    free(kept);
    house_free(h);
}

/* Runs a shell as a step would run, and waits for its end; whether nothing goes on. */
static bool run_shell(struct house *h, struct strays *strays, char *text)
{
    char *const argv[] = { "sh", "-c", text, NULL };
    char *const env[] = { "PATH=/usr/bin:/bin", NULL };
    struct child_order order = { .path = "/bin/sh",
                                 .argv = argv,
                                 .env = env,
                                 .folder = room_path(h->room),
                                 .log = inside(h, "log"),
                                 .lease = h->lease };
    struct child_end end;
    struct child c;
    struct error err = { 0 };
    pid_t pid;

    cr_assert_eq(child_start(&c, &order, &err), 0, "%s", err.text);
    pid = c.pid;
    strays_expect(strays, pid, room_path(h->room));
    cr_assert_eq(child_wait(&c, &end, &err), 0, "%s", err.text);
    cr_assert_eq(end.status, 0);
    return strays_end(strays, pid);
}

/* A process that has nothing of the step's is not ended with it, and may be anywhere. */
Test(room, a_process_that_a_step_left_behind_is_seen)
{
    struct house *h = house_new();
    struct strays strays;
    struct error err = { 0 };

    cr_assert_eq(strays_open(&strays, &err), 0, "%s", err.text);
    cr_assert(run_shell(h, &strays, "exit 0"));
    cr_assert(run_shell(h, &strays, "setsid sleep 30 & sleep 0.3"), "this one is ended");
    cr_assert(
        !run_shell(h, &strays, "setsid env -i sleep 30 > /dev/null 2>&1 & sleep 0.3"));
    cr_assert(!run_shell(h, &strays, "exit 0"), "it still goes on");
    strays_close(&strays);
    house_free(h);
}
