#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "larder/fs.h"
#include "learn/checkpoint.h"

static char dir[] = "/tmp/larder-checkpoint-XXXXXX";
static struct error err;

static void make_dir(void)
{
    cr_assert(ne(ptr, mkdtemp(dir), NULL));
}

static void remove_dir(void)
{
    fs_remove_tree(dir, NULL);
}

TestSuite(checkpoint, .init = make_dir, .fini = remove_dir);

static void write_file(const struct checkpoint *c, const char *name, const char *text)
{
    char *path = checkpoint_path(c, name);

    cr_assert(eq(int, fs_write(path, text, strlen(text), false, &err), 0), "%s",
              err.text);
    free(path);
}

static void add(struct checkpoint *c, const char *name, const char *text)
{
    write_file(c, name, text);
    cr_assert(eq(int, checkpoint_add(c, name, &err), 0), "%s", err.text);
}

/* A checkpoint of two files, made by somebody who is gone. */
static void make_checkpoint(void)
{
    struct checkpoint c;

    cr_assert(eq(int, checkpoint_open(&c, dir, &err), CHECKPOINT_NONE));
    cr_assert(eq(str, err.text, ""));
    add(&c, "epoch-01", "one");
    add(&c, "momentum-01", "m");
    cr_assert(eq(int, checkpoint_commit(&c, &err), 0), "%s", err.text);
    checkpoint_release(&c);
}

Test(checkpoint, what_was_committed_is_found)
{
    struct checkpoint c;

    make_checkpoint();
    cr_assert(eq(int, checkpoint_open(&c, dir, &err), CHECKPOINT_FOUND), "%s", err.text);
    cr_expect(eq(sz, checkpoint_count(&c, "epoch-"), 1));
    cr_expect(eq(sz, c.n, 2));
    checkpoint_release(&c);
}

Test(checkpoint, what_was_written_but_not_committed_does_not_count)
{
    struct checkpoint c;

    make_checkpoint();
    cr_assert(eq(int, checkpoint_open(&c, dir, &err), CHECKPOINT_FOUND));
    add(&c, "epoch-02", "two");
    checkpoint_release(&c);
    cr_assert(eq(int, checkpoint_open(&c, dir, &err), CHECKPOINT_FOUND));
    cr_expect(eq(sz, checkpoint_count(&c, "epoch-"), 1));
    checkpoint_release(&c);
}

Test(checkpoint, the_next_one_removes_what_it_does_not_name)
{
    struct checkpoint c;
    char *path;

    make_checkpoint();
    cr_assert(eq(int, checkpoint_open(&c, dir, &err), CHECKPOINT_FOUND));
    add(&c, "epoch-02", "two");
    checkpoint_drop(&c, "momentum-01");
    path = checkpoint_path(&c, "momentum-01");
    cr_expect(fs_exists(path));
    cr_assert(eq(int, checkpoint_commit(&c, &err), 0));
    cr_expect(not(fs_exists(path)));
    free(path);
    checkpoint_release(&c);
    cr_assert(eq(int, checkpoint_open(&c, dir, &err), CHECKPOINT_FOUND));
    cr_expect(eq(sz, checkpoint_count(&c, "epoch-"), 2));
    checkpoint_release(&c);
}

Test(checkpoint, a_changed_file_makes_it_worthless_and_is_named)
{
    struct checkpoint c;

    make_checkpoint();
    c = (struct checkpoint){ .dir = dir };
    write_file(&c, "epoch-01", "onf");
    cr_expect(eq(int, checkpoint_open(&c, dir, &err), CHECKPOINT_NONE));
    cr_expect(strstr(err.text, "epoch-01: its content has changed") != NULL, "%s",
              err.text);
    cr_expect(eq(sz, c.n, 0));
    checkpoint_release(&c);
}

Test(checkpoint, without_a_folder_nothing_happens)
{
    struct checkpoint c;

    cr_expect(eq(int, checkpoint_open(&c, NULL, &err), CHECKPOINT_NONE));
    cr_expect(eq(int, checkpoint_add(&c, "x", &err), 0));
    cr_expect(eq(int, checkpoint_commit(&c, &err), 0));
    checkpoint_release(&c);
}
