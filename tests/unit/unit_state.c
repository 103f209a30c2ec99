#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flatfile.h"
#include "larder/fs.h"
#include "state.h"

static char dir[] = "/tmp/unit_state.XXXXXX";
static char path[64], source[64];

static void enter(void)
{
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/state", dir);
    snprintf(source, sizeof source, "%s/a.txt", dir);
}

static void leave(void)
{
    fs_remove_tree(dir, NULL);
}

TestSuite(state, .init = enter, .fini = leave);
TestSuite(flatfile, .init = enter, .fini = leave);

static struct flatfile *opened(unsigned today)
{
    struct flatfile *f = NULL;

    cr_assert(flatfile_open(&f, path, today, NULL) == 0);
    return f;
}

static void saved(struct flatfile *f)
{
    struct error err = { 0 };

    cr_assert(flatfile_save(f, &err) == 0, "%s", err.text);
    flatfile_close(f);
}

static bool holds(struct flatfile *f, const char *name, const char *value)
{
    size_t n = 0;
    const void *found = flatfile_get(f, name, &n);

    return found && n == strlen(value) && !memcmp(found, value, n);
}

static void write_numbers(unsigned today, int n)
{
    struct flatfile *f = opened(today);
    char name[16];

    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "n%d", i * 7919 % n);
        flatfile_put(f, name, name, strlen(name));
    }
    saved(f);
}

Test(flatfile, what_is_put_is_found_in_the_next_process)
{
    struct flatfile *f;
    char name[16];

    write_numbers(1, 1000);
    f = opened(1);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        cr_assert(holds(f, name, name), "%s", name);
    }
    cr_assert(!holds(f, "n1000", "n1000"));
    cr_assert(!holds(f, "", ""));
    flatfile_close(f);
}

Test(flatfile, a_change_takes_the_place_of_the_former_value)
{
    struct flatfile *f;

    write_numbers(1, 10);
    f = opened(1);
    flatfile_put(f, "n3", "other", 5);
    cr_assert(holds(f, "n3", "other"));
    saved(f);
    f = opened(1);
    cr_assert(holds(f, "n3", "other"));
    cr_assert(holds(f, "n4", "n4"));
    flatfile_close(f);
}

Test(flatfile, nothing_is_written_when_nothing_changed)
{
    struct stat before, after;
    struct flatfile *f;

    write_numbers(1, 10);
    stat(path, &before);
    f = opened(1);
    cr_assert(holds(f, "n3", "n3"));
    flatfile_put(f, "n3", "n3", 2);
    saved(f);
    stat(path, &after);
    cr_assert(before.st_ino == after.st_ino);
}

Test(flatfile, a_file_that_is_cut_anywhere_is_empty)
{
    struct fs_state st;

    write_numbers(1, 3);
    cr_assert(fs_stat(path, &st, NULL) == FS_FOUND);
    for (off_t n = (off_t)st.size - 1; n >= 0; n--) {
        struct flatfile *f;

        cr_assert(truncate(path, n) == 0);
        f = opened(1);
        cr_assert(!holds(f, "n1", "n1"), "at %ld bytes", (long)n);
        flatfile_close(f);
    }
}

/* The right bytes under the name, or none. */
static bool is_right_or_absent(struct flatfile *f, const char *name, const char *value)
{
    size_t n = 0;

    return !flatfile_get(f, name, &n) || holds(f, name, value);
}

Test(flatfile, a_file_with_any_other_byte_gives_nothing_wrong)
{
    struct buf text = { 0 };
    size_t n_lost = 0;

    write_numbers(1, 3);
    cr_assert(fs_read(path, &text, NULL) == 0);
    for (size_t i = 0; i < text.len; i++) {
        struct flatfile *f;

        text.s[i] ^= 0x10;
        cr_assert(fs_write(path, text.s, text.len, false, NULL) == 0);
        f = opened(1);
        for (int k = 0; k < 3; k++) {
            char name[] = { 'n', (char)('0' + k), '\0' };

            cr_assert(is_right_or_absent(f, name, name), "%s at byte %zu", name, i);
            n_lost += !holds(f, name, name);
        }
        flatfile_close(f);
        text.s[i] ^= 0x10;
    }
    cr_assert(n_lost >= text.len, "each byte is of use to some entry");
    buf_release(&text);
}

static void change_two(void)
{
    struct flatfile *f;

    write_numbers(1, 3);
    f = opened(1);
    flatfile_put(f, "n1", "one", 3);
    saved(f);
    f = opened(1);
    flatfile_put(f, "n9", "nine", 4);
    saved(f);
}

Test(flatfile, few_changes_are_appended_beside_the_file)
{
    struct fs_state before, after;
    struct flatfile *f;

    write_numbers(1, 3);
    cr_assert(fs_stat(path, &before, NULL) == FS_FOUND);
    f = opened(1);
    flatfile_put(f, "n1", "one", 3);
    saved(f);
    cr_assert(fs_stat(path, &after, NULL) == FS_FOUND);
    cr_assert(state_same(&before, &after));
    f = opened(1);
    cr_assert(holds(f, "n1", "one"));
    cr_assert(holds(f, "n2", "n2"));
    flatfile_close(f);
}

Test(flatfile, many_changes_replace_both_files)
{
    struct flatfile *f;
    char more[300], name[16];

    change_two();
    f = opened(1);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "m%d", i);
        flatfile_put(f, name, "a value that takes some room", 28);
    }
    saved(f);
    snprintf(more, sizeof more, "%s.more", path);
    cr_assert(!fs_exists(more));
    f = opened(1);
    cr_assert(holds(f, "n1", "one"));
    cr_assert(holds(f, "n9", "nine"));
    cr_assert(holds(f, "m4999", "a value that takes some room"));
    flatfile_close(f);
}

/* Tries every version of PATH.more that cut() makes of the right one. */
static void try_more(void (*cut)(struct buf *text, size_t i))
{
    struct buf right = { 0 }, text = { 0 };
    char more[300];

    change_two();
    snprintf(more, sizeof more, "%s.more", path);
    cr_assert(fs_read(more, &right, NULL) == 0);
    for (size_t i = 0; i < right.len; i++) {
        struct flatfile *f;

        buf_reset(&text);
        buf_add(&text, right.s, right.len);
        cut(&text, i);
        cr_assert(fs_write(more, text.s, text.len, false, NULL) == 0);
        f = opened(1);
        cr_assert(holds(f, "n1", "one") || holds(f, "n1", "n1"), "at byte %zu", i);
        cr_assert(is_right_or_absent(f, "n9", "nine"), "at byte %zu", i);
        flatfile_put(f, "n5", "five", 4);
        saved(f);
        f = opened(1);
        cr_assert(holds(f, "n5", "five"), "at byte %zu", i);
        flatfile_close(f);
        change_two();
    }
    buf_release(&right);
    buf_release(&text);
}

static void shorten(struct buf *text, size_t i)
{
    buf_cut(text, i);
}

static void flip(struct buf *text, size_t i)
{
    text->s[i] ^= 0x10;
}

Test(flatfile, appended_changes_that_are_cut_anywhere_give_nothing_wrong)
{
    try_more(shorten);
}

Test(flatfile, appended_changes_with_any_other_byte_give_nothing_wrong)
{
    try_more(flip);
}

Test(flatfile, appended_changes_of_another_file_do_not_count)
{
    struct buf text = { 0 };
    struct flatfile *f;
    char more[300];

    change_two();
    snprintf(more, sizeof more, "%s.more", path);
    cr_assert(fs_read(more, &text, NULL) == 0);
    cr_assert(fs_remove(path, NULL) == 0);
    write_numbers(1, 4);
    cr_assert(fs_write(more, text.s, text.len, false, NULL) == 0);
    f = opened(1);
    cr_assert(holds(f, "n1", "n1"));
    flatfile_close(f);
    buf_release(&text);
}

Test(flatfile, an_unusable_file_is_replaced_by_the_next_save)
{
    cr_assert(fs_write(path, "larder-state 9\nnothing of ours", 30, false, NULL) == 0);
    write_numbers(1, 3);
    struct flatfile *f = opened(1);
    cr_assert(holds(f, "n1", "n1"));
    flatfile_close(f);
}

Test(flatfile, what_nobody_asks_for_is_dropped_after_ninety_days)
{
    struct flatfile *f;

    write_numbers(100, 3);
    f = opened(150);
    cr_assert(holds(f, "n1", "n1")); /* asked for */
    saved(f);
    f = opened(195);
    for (int i = 0; i < 5000; i++) { /* so that it is written anew */
        char name[16];

        snprintf(name, sizeof name, "new%d", i);
        flatfile_put(f, name, "a value that takes some room", 28);
    }
    saved(f);
    f = opened(195);
    cr_assert(holds(f, "n1", "n1"));
    cr_assert(!holds(f, "n2", "n2"));
    flatfile_close(f);
}

static struct state *state(void)
{
    struct state *s = NULL;

    cr_assert(state_open(&s, path, NULL) == 0);
    return s;
}

/* Writes the source and makes it look a minute old. */
static void old_source(const char *text)
{
    struct timespec t[2] = { { .tv_sec = time(NULL) - 60 },
                             { .tv_sec = time(NULL) - 60 } };

    cr_assert(fs_write(source, text, strlen(text), false, NULL) == 0);
    cr_assert(utimensat(AT_FDCWD, source, t, 0) == 0);
}

static struct digest digest_now(struct state *s, struct fs_state *st)
{
    struct digest d;
    struct error err = { 0 };

    cr_assert(state_digest_file(s, source, &d, st, &err) == FS_FOUND, "%s", err.text);
    return d;
}

static bool is_digest_of(const struct digest *d, const char *text)
{
    struct digest want;

    digest_bytes(&want, text, strlen(text));
    return digest_equal(d, &want);
}

Test(state, digest_of_a_source_follows_its_content)
{
    struct state *s = state();
    struct fs_state st;
    struct digest d;

    old_source("one");
    d = digest_now(s, &st);
    cr_assert(is_digest_of(&d, "one"));
    old_source("two"); /* the same size */
    d = digest_now(s, &st);
    cr_assert(is_digest_of(&d, "two"));
    cr_assert(unlink(source) == 0);
    cr_assert(state_digest_file(s, source, &d, &st, NULL) == FS_ABSENT);
    state_close(s);
}

Test(state, a_file_that_was_just_written_is_not_remembered)
{
    struct state *s = state();
    struct fs_state st;
    struct digest d;

    old_source("one"); /* mtime is old, ctime is now */
    d = digest_now(s, &st);
    cr_assert(!state_is_settled(&st));
    cr_assert(is_digest_of(&d, "one"));
    cr_assert(state_save(s, NULL) == 0);
    cr_assert(!fs_exists(path), "there was nothing to remember");
    state_close(s);
}

Test(state, a_settled_file_is_remembered_by_its_state)
{
    struct state *s = state();
    struct fs_state st;
    struct digest d;

    old_source("one");
    sleep(3);
    d = digest_now(s, &st);
    cr_assert(state_is_settled(&st));
    cr_assert(state_save(s, NULL) == 0);
    state_close(s);
    cr_assert(fs_exists(path));
    s = state();
    d = digest_now(s, &st);
    cr_assert(is_digest_of(&d, "one"));
    state_close(s);
}

Test(state, steps_and_objects_are_remembered)
{
    struct step_memory in = { .has_record = true }, out;
    const struct store_memory *objects;
    struct fs_state st = { .ino = 7, .size = 9 }, got;
    struct digest id;
    struct state *s = state();

    digest_bytes(&id, "x", 1);
    digest_bytes(&in.key, "key", 3);
    digest_bytes(&in.record, "record", 6);
    state_set_step(s, "train@kind=S", &in);
    objects = state_store_memory(s);
    objects->put(objects->self, &id, &st);
    cr_assert(state_save(s, NULL) == 0);
    state_close(s);
    s = state();
    cr_assert(state_step(s, "train@kind=S", &out));
    cr_assert(out.has_record && !out.has_former);
    cr_assert(digest_equal(&out.key, &in.key) && digest_equal(&out.record, &in.record));
    cr_assert(!state_step(s, "train@kind=R", &out));
    objects = state_store_memory(s);
    cr_assert(objects->get(objects->self, &id, &got));
    cr_assert(state_same(&got, &st));
    cr_assert(state_seen_since_boot(s, &id));
    digest_bytes(&id, "y", 1);
    cr_assert(!objects->get(objects->self, &id, &got));
    cr_assert(!state_seen_since_boot(s, &id));
    state_close(s);
}

Test(state, a_program_is_asked_again_when_its_file_changes)
{
    const struct program_memory *m;
    struct state *s = state();

    old_source("program");
    sleep(3);
    m = state_program_memory(s);
    cr_assert(m->get(m->self, source) == NULL);
    m->put(m->self, source, "{\"name\": \"x\"}");
    cr_assert_str_eq(m->get(m->self, source), "{\"name\": \"x\"}");
    old_source("Program");
    cr_assert(m->get(m->self, source) == NULL);
    m->put(m->self, source, "young");
    cr_assert(m->get(m->self, source) == NULL);
    state_close(s);
}
