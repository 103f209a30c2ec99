#include "larder/store.h"

#include "store_fixture.h"

#include <sys/wait.h>

#include "larder/boot.h"

static int check(struct fixture *f, const struct object *o, bool deep, struct digest *bad)
{
    struct error err = { 0 };
    int rc = store_check(f->st, o, deep, bad, &err);

    cr_assert(rc >= 0, "%s", err.text);
    return rc;
}

static void assert_digest(const struct digest *d, const char *hex)
{
    char text[DIGEST_HEX + 1];

    cr_assert_str_eq(digest_hex(d, text), hex);
}

Test(store, file_is_named_by_its_bytes_and_is_read_only)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "hello\n");
    struct stat s;
    char *path = object_file(f, &o.id);

    assert_digest(&o.id,
                  "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    cr_assert_eq(o.size, 6);
    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(s.st_mode & 07777, 0444);
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE);
    cr_assert(!fs_exists(fixture_path(f, "out")), "it moved in");
    free(path);
    fixture_free(f);
}

Test(store, large_file_moves_in_without_a_copy)
{
    struct fixture *f = fixture_new(true);
    struct stat before, after;
    struct object o;
    char *path;

    write_text(fixture_path(f, "out"), "many bytes");
    cr_assert_eq(stat(f->path, &before), 0);
    cr_assert_eq(store_add(f->st, f->path, OBJECT_FILE, true, &o, NULL), 0);
    path = object_file(f, &o.id);
    cr_assert_eq(stat(path, &after), 0);
    cr_assert_eq(before.st_ino, after.st_ino);
    cr_assert_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    free(path);
    fixture_free(f);
}

Test(store, file_with_a_second_name_is_copied)
{
    struct fixture *f = fixture_new(true);
    char other[200];
    struct stat s, kept;
    struct object o;
    char *path;

    snprintf(other, sizeof other, "%s/other", f->dir);
    write_text(fixture_path(f, "out"), "shared");
    cr_assert_eq(link(f->path, other), 0);
    cr_assert_eq(store_add(f->st, f->path, OBJECT_FILE, false, &o, NULL), 0);
    path = object_file(f, &o.id);
    cr_assert_eq(stat(other, &s), 0);
    cr_assert_eq(stat(path, &kept), 0);
    cr_assert_neq(s.st_ino, kept.st_ino);
    write_text(other, "SHARED");
    cr_assert_eq(check(f, &o, true, NULL), OBJECT_FINE);
    free(path);
    fixture_free(f);
}

Test(store, import_leaves_the_source_alone_and_follows_a_link_to_it)
{
    struct fixture *f = fixture_new(true);
    char name[200];
    struct stat s;
    struct object o, named;
    struct error err = { 0 };

    snprintf(name, sizeof name, "%s/link", f->dir);
    write_text(fixture_path(f, "src"), "mine");
    cr_assert_eq(symlink(f->path, name), 0);
    cr_assert_eq(store_name(name, OBJECT_FILE, &named, &err), 0, "%s", err.text);
    cr_assert_eq(store_check(f->st, &named, false, NULL, NULL), OBJECT_ABSENT);
    cr_assert_eq(store_import(f->st, name, OBJECT_FILE, false, &o, &err), 0, "%s",
                 err.text);
    cr_assert(digest_equal(&o.id, &named.id));
    cr_assert_eq(stat(fixture_path(f, "src"), &s), 0);
    cr_assert_eq(s.st_mode & 0222, 0200, "still writable");
    cr_assert_eq(s.st_nlink, 1);
    cr_assert_eq(check(f, &o, true, NULL), OBJECT_FINE);
    fixture_free(f);
}

Test(store, equal_folders_are_one_object_whatever_their_modes)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_folder(f, "out1"), b, named;
    char path[200];

    make_folder(f, "out2");
    snprintf(path, sizeof path, "%s/out2/a", f->dir);
    cr_assert_eq(chmod(path, 0600), 0);
    snprintf(path, sizeof path, "%s/out2/sub", f->dir);
    cr_assert_eq(chmod(path, 0700), 0);
    cr_assert_eq(store_name(fixture_path(f, "out2"), OBJECT_TREE, &named, NULL), 0);
    cr_assert_eq(store_add(f->st, fixture_path(f, "out2"), OBJECT_TREE, false, &b, NULL),
                 0);
    cr_assert(digest_equal(&a.id, &b.id));
    cr_assert(digest_equal(&a.id, &named.id));
    cr_assert_eq(a.size, 6 + 10 + 7);
    cr_assert_eq(named.size, a.size);
    fixture_free(f);
}

Test(store, folder_made_of_objects_is_the_one_that_a_program_would_write)
{
    struct fixture *f = fixture_new(true);
    struct store_entry entry[2] = { { .name = "01" }, { .name = "00" } }, *listed;
    struct object named, made, written;
    struct arena arena = { 0 };
    size_t n;

    entry[0].object = add_folder(f, "out");
    entry[1].object = add_text(f, "one");
    cr_assert_eq(store_name_folder(entry, 2, &named, NULL), 0);
    cr_assert_eq(check(f, &named, false, NULL), OBJECT_ABSENT);
    cr_assert_eq(store_add_folder(f->st, entry, 2, &made, NULL), 0);
    cr_assert_eq(check(f, &made, true, NULL), OBJECT_FINE);
    cr_assert_eq(mkdir(fixture_path(f, "all"), 0777), 0);
    make_folder(f, "all/01");
    write_text(fixture_path(f, "all/00"), "one");
    cr_assert_eq(store_name(fixture_path(f, "all"), OBJECT_TREE, &written, NULL), 0);
    cr_assert(digest_equal(&made.id, &written.id) && digest_equal(&made.id, &named.id));
    cr_assert_eq(made.size, written.size);
    cr_assert_eq(store_list(f->st, &made, &arena, &listed, &n, NULL), OBJECT_FINE);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(listed[0].name, "00");
    cr_assert(digest_equal(&listed[1].object.id, &entry[0].object.id));
    cr_assert_eq(listed[1].object.kind, OBJECT_TREE);
    arena_release(&arena);
    fixture_free(f);
}

Test(store, links_and_special_files_are_refused_by_name)
{
    struct fixture *f = fixture_new(true);
    struct error err = { 0 };
    struct object o;
    char path[200];

    make_folder(f, "out");
    snprintf(path, sizeof path, "%s/out/sub/shortcut", f->dir);
    cr_assert_eq(symlink("c", path), 0);
    cr_assert_eq(store_add(f->st, fixture_path(f, "out"), OBJECT_TREE, false, &o, &err),
                 E_STAGE);
    cr_assert_not_null(strstr(err.text, "sub/shortcut is a symbolic link"), "%s",
                       err.text);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(store_add(f->st, fixture_path(f, "out"), OBJECT_TREE, false, &o, &err),
                 E_STAGE);
    cr_assert_not_null(strstr(err.text, "sub/shortcut is a pipe"), "%s", err.text);
    cr_assert_null(strstr(err.text, f->dir), "%s", err.text);
    cr_assert_eq(store_add(f->st, path, OBJECT_FILE, false, &o, &err), E_STAGE);
    cr_assert_eq(store_add(f->st, fixture_path(f, "out"), OBJECT_FILE, false, &o, &err),
                 E_STAGE, "a folder where a file is meant");
    cr_assert_eq(store_add(f->st, fixture_path(f, "none"), OBJECT_FILE, false, &o, &err),
                 E_SYSTEM);
    fixture_free(f);
}

Test(store, output_that_comes_again_is_dropped)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "twice"), again;
    struct stat before, after;
    char *path = object_file(f, &o.id);

    cr_assert_eq(stat(path, &before), 0);
    write_text(fixture_path(f, "out"), "twice");
    cr_assert_eq(store_add(f->st, f->path, OBJECT_FILE, true, &again, NULL), 0);
    cr_assert(digest_equal(&o.id, &again.id));
    cr_assert_eq(stat(path, &after), 0);
    cr_assert_eq(before.st_ino, after.st_ino);
    free(path);
    fixture_free(f);
}

Test(store, damaged_object_is_replaced_when_it_comes_again)
{
    for (int memory = 0; memory < 2; memory++) {
        struct fixture *f = fixture_new(memory);
        struct object o = add_text(f, "twice"), bytes;
        char *path = object_file(f, &o.id);

        flip_byte(path, 2);
        move_mtime(path);
        add_text(f, "twice");
        cr_assert_eq(check(f, &o, true, NULL), OBJECT_FINE);
        cut_file(path, 1);
        cr_assert_eq(store_add_bytes(f->st, "twice", 5, false, &bytes, NULL), 0);
        cr_assert_eq(check(f, &bytes, true, NULL), OBJECT_FINE);
        free(path);
        fixture_free(f);
    }
}

Test(store, damage_that_no_state_tells_is_healed_when_the_object_comes_again)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "twice");
    char *path = object_file(f, &o.id);

    flip_byte(path, 2); /* its state is as remembered */
    add_text(f, "twice");
    cr_assert_eq(check(f, &o, true, NULL), OBJECT_FINE);
    free(path);
    fixture_free(f);
}

Test(store, tree_is_remembered_by_a_deep_check_that_found_all_of_it_fine)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_folder(f, "out"), cherry = add_text(f, "cherry\n");
    char *path = object_file(f, &cherry.id);
    struct fs_state state;

    f->n = 0;
    flip_byte(path, 1);
    cr_assert_eq(check(f, &o, true, NULL), OBJECT_DAMAGED);
    cr_assert(!fixture_get(f, &o.id, &state));
    flip_byte(path, 1);
    cr_assert_eq(check(f, &o, true, NULL), OBJECT_FINE);
    cr_assert(fixture_get(f, &o.id, &state));
    free(path);
    fixture_free(f);
}

Test(store, remembered_state_needs_no_reading_and_a_deep_check_reads)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "some bytes");
    char *path = object_file(f, &o.id);

    flip_byte(path, 3); /* state as before: only reading can tell */
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE);
    cr_assert_eq(check(f, &o, true, NULL), OBJECT_DAMAGED);
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_DAMAGED, "no longer trusted");
    flip_byte(path, 3);
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE);
    free(path);
    fixture_free(f);
}

Test(store, every_flipped_byte_is_found)
{
    struct fixture *f = fixture_new(false);
    struct object o = add_text(f, "the quick brown fox");
    char *path = object_file(f, &o.id);
    struct digest bad;

    for (long i = 0; i < o.size; i++) {
        flip_byte(path, i);
        memset(&bad, 0, sizeof bad);
        cr_assert_eq(check(f, &o, false, &bad), OBJECT_DAMAGED, "byte %ld", i);
        cr_assert(digest_equal(&bad, &o.id));
        flip_byte(path, i);
    }
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE);
    free(path);
    fixture_free(f);
}

Test(store, every_flipped_byte_of_a_tree_text_is_found)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_folder(f, "out");
    char *path = object_file(f, &o.id);
    struct stat s;

    cr_assert_eq(stat(path, &s), 0);
    for (long i = 0; i < s.st_size; i++) {
        flip_byte(path, i);
        cr_assert_eq(check(f, &o, false, NULL), OBJECT_DAMAGED, "byte %ld", i);
        flip_byte(path, i);
    }
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE);
    free(path);
    fixture_free(f);
}

Test(store, truncated_missing_and_changed_objects_below_a_tree_are_named)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_folder(f, "out"), cherry = add_text(f, "cherry\n");
    char *path = object_file(f, &cherry.id);
    struct digest bad;

    cr_assert_eq(check(f, &o, false, &bad), OBJECT_FINE);
    flip_byte(path, 0);
    move_mtime(path);
    cr_assert_eq(check(f, &o, false, &bad), OBJECT_DAMAGED);
    cr_assert(digest_equal(&bad, &cherry.id));
    cut_file(path, 3);
    cr_assert_eq(check(f, &o, false, &bad), OBJECT_DAMAGED);
    cr_assert(digest_equal(&bad, &cherry.id));
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(check(f, &o, false, &bad), OBJECT_ABSENT);
    cr_assert(digest_equal(&bad, &cherry.id));
    free(path);
    fixture_free(f);
}

Test(store, wrong_size_in_a_name_is_damage)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "12345"), tree = add_folder(f, "out");

    o.size = 6;
    tree.size++;
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_DAMAGED);
    cr_assert_eq(check(f, &tree, false, NULL), OBJECT_DAMAGED);
    fixture_free(f);
}

Test(store, whole_object_that_became_writable_is_made_read_only_again)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "bytes");
    char *path = object_file(f, &o.id);
    struct stat s;

    cr_assert_eq(chmod(path, 0666), 0);
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE);
    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(s.st_mode & 07777, 0444);
    free(path);
    fixture_free(f);
}

Test(store, discard_removes_what_is_damaged_and_only_that)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "bytes");
    char *path = object_file(f, &o.id);

    cr_assert_eq(store_discard(f->st, &o.id, NULL), 0);
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE, "somebody made it anew");
    flip_byte(path, 0);
    cr_assert_eq(store_discard(f->st, &o.id, NULL), 0);
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_ABSENT);
    cr_assert_eq(store_discard(f->st, &o.id, NULL), 0, "absent is fine");
    free(path);
    fixture_free(f);
}

static mode_t mode_of(const char *dir, const char *name)
{
    char path[300];
    struct stat s;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    cr_assert_eq(lstat(path, &s), 0, "%s", path);
    return s.st_mode & 07777;
}

static void assert_text_in(const char *dir, const char *name, const char *want)
{
    char path[300];
    char *text;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    text = read_text(path);
    cr_assert_str_eq(text, want);
    free(text);
}

Test(store, lent_folder_is_read_only_and_links_into_the_store)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_folder(f, "out"), apple = add_text(f, "apple\n");
    char at[200], *path = object_file(f, &apple.id);
    struct error err = { 0 };
    struct stat s;

    snprintf(at, sizeof at, "%s/in", f->dir);
    cr_assert_eq(store_lend(f->st, &o, at, &err), 0, "%s", err.text);
    assert_text_in(at, "a", "apple\n");
    assert_text_in(at, "sub/c", "cherry\n");
    cr_assert_eq(mode_of(at, ""), 0555);
    cr_assert_eq(mode_of(at, "sub"), 0555);
    cr_assert_eq(mode_of(at, "empty"), 0555);
    cr_assert_eq(mode_of(at, "a"), 0444);
    cr_assert_eq(mode_of(at, "b.sh"), 0555);
    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(s.st_nlink, 2);
    cr_assert_eq(check(f, &o, false, NULL), OBJECT_FINE, "a link changes no state");
    cr_assert(store_lend(f->st, &o, at, &err) < 0, "there already");
    free(path);
    fixture_free(f);
}

/* Gives the file to fixture_path(home/mine). */
static int give(struct fixture *f, const struct object *o, bool exec, enum give_how how,
                enum give_over over, struct given *g, struct error *err)
{
    struct store_file file = { .path = "", .id = o->id, .size = o->size, .exec = exec };

    return store_give(f->st, &file, fixture_path(f, "home/mine"), how, over, g, err);
}

static void assert_given(struct fixture *f, const char *text, nlink_t links)
{
    const char *path = fixture_path(f, "home/mine");
    struct stat s;
    char *found = read_text(path), **name;
    size_t n;

    cr_assert_str_eq(found, text);
    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(s.st_nlink, links);
    cr_assert_eq(fs_list(fixture_path(f, "home"), &name, &n, NULL), 0);
    cr_assert_eq(n, 1, "nothing is left beside it");
    free(name);
    free(found);
}

Test(store, given_file_is_a_link_or_the_users_own)
{
    struct fixture *f = fixture_new(true);
    struct object one = add_text(f, "one"), two = add_text(f, "two");
    struct error err = { 0 };
    struct given g;

    cr_assert_eq(give(f, &one, false, GIVE_LINK, GIVE_NEW, &g, &err), 0, "%s", err.text);
    cr_assert(g.linked);
    assert_given(f, "one", 2);
    cr_assert_eq(give(f, &two, false, GIVE_LINK, GIVE_NEW, &g, &err), E_INPUT);
    assert_given(f, "one", 2);
    cr_assert_eq(give(f, &one, false, GIVE_LINK, GIVE_OVER, &g, &err), 0, "over itself");
    assert_given(f, "one", 2);
    cr_assert_eq(give(f, &two, false, GIVE_COPY, GIVE_OVER, &g, &err), 0, "%s", err.text);
    cr_assert(!g.linked);
    cr_assert_eq(g.state.size, 3);
    assert_given(f, "two", 1);
    cr_assert_eq(mode_of(f->path, "") & 0600, 0600);
    cr_assert_eq(give(f, &one, false, GIVE_COPY, GIVE_NEW, &g, &err), E_INPUT);
    assert_given(f, "two", 1);
    cr_assert_eq(give(f, &one, true, GIVE_LINK, GIVE_OVER, &g, &err), 0, "%s", err.text);
    cr_assert(!g.linked, "what may be executed has another mode");
    assert_given(f, "one", 1);
    cr_assert_eq(check(f, &one, true, NULL), OBJECT_FINE);
    fixture_free(f);
}

/* Large enough for a link: where the bytes cannot be shared, it is one. */
Test(store, file_that_nobody_looks_at_is_written_under_its_own_name)
{
    struct fixture *f = fixture_new(true);
    struct object one = add_text(f, "one"), two = add_text(f, "two");
    struct given g;
    struct error err;
    char *path;

    cr_assert_eq(give(f, &one, true, GIVE_COPY, GIVE_UNSEEN, &g, &err), 0, "%s",
                 err.text);
    assert_given(f, "one", 1);
    cr_assert_eq(mode_of(f->dir, "home/mine"), 0755, "may be executed");
    cr_assert_eq(give(f, &two, false, GIVE_COPY, GIVE_UNSEEN, &g, &err), E_INPUT);
    assert_given(f, "one", 1);
    cr_assert_eq(fs_remove(fixture_path(f, "home/mine"), NULL), 0);
    path = object_file(f, &two.id);
    cr_assert_eq(truncate(path, 1), 0);
    cr_assert(give(f, &two, false, GIVE_COPY, GIVE_UNSEEN, &g, &err) < 0);
    cr_assert(!fs_exists(fixture_path(f, "home/mine")), "half of it is not left");
    free(path);
    fixture_free(f);
}

Test(store, large_file_is_not_copied_by_itself)
{
    struct fixture *f = fixture_new(true);
    const char *path = fixture_path(f, "large");
    struct object o;
    struct error err = { 0 };
    struct stat s;
    struct given g;

    write_text(path, "");
    cr_assert_eq(truncate(path, (16 << 20) + 1), 0);
    cr_assert_eq(store_add(f->st, path, OBJECT_FILE, false, &o, &err), 0, "%s", err.text);
    cr_assert_eq(give(f, &o, false, GIVE_AUTO, GIVE_NEW, &g, &err), 0, "%s", err.text);
    cr_assert_eq(stat(fixture_path(f, "home/mine"), &s), 0);
    cr_assert_eq(s.st_nlink, g.linked ? 2 : 1);
    cr_assert_eq(give(f, &o, false, GIVE_COPY, GIVE_OVER, &g, &err), 0, "%s", err.text);
    cr_assert(!g.linked);
    cr_assert_eq(g.state.size, (16 << 20) + 1);
    fixture_free(f);
}

Test(store, giving_an_absent_or_shortened_object_leaves_nothing)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "cherry\n");
    char *path = object_file(f, &o.id), **name;
    struct error err = { 0 };
    struct given g;
    size_t n;

    cr_assert_eq(mkdir(fixture_path(f, "home"), 0755), 0);
    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(truncate(path, 3), 0);
    cr_assert(give(f, &o, false, GIVE_COPY, GIVE_NEW, &g, &err) < 0);
    cr_assert_not_null(strstr(err.text, "placing"), "%s", err.text);
    cr_assert_eq(unlink(path), 0);
    cr_assert(give(f, &o, false, GIVE_COPY, GIVE_NEW, &g, &err) < 0);
    cr_assert(give(f, &o, false, GIVE_LINK, GIVE_NEW, &g, &err) < 0);
    cr_assert_eq(fs_list(fixture_path(f, "home"), &name, &n, NULL), 0);
    cr_assert_eq(n, 0, "%s is left", n ? name[0] : "");
    cr_assert(!fs_exists(fixture_path(f, "home/mine")));
    free(name);
    free(path);
    fixture_free(f);
}

Test(store, folder_with_other_things_in_it_is_refused)
{
    struct fixture *f = fixture_new(true);
    struct store *st;
    struct error err = { 0 };

    make_folder(f, "home");
    cr_assert_eq(store_open(&st, fixture_path(f, "home"), NULL, &err), E_INPUT);
    cr_assert_null(st);
    cr_assert_not_null(strstr(err.text, "not empty"), "%s", err.text);
    fixture_free(f);
}

Test(store, store_of_another_format_is_refused)
{
    struct fixture *f = fixture_new(true);
    struct store *st;
    struct error err = { 0 };

    write_text(fixture_path(f, "store/larder-store"), "larder-store 3\n");
    cr_assert_eq(store_open(&st, fixture_path(f, "store"), NULL, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "another format"), "%s", err.text);
    fixture_free(f);
}

/* What somebody who may only read the store sees; the number of the step that went wrong.
 */
static int read_as_nobody(const char *path, const struct record *r,
                          const struct object *o)
{
    struct store *st = NULL;
    struct record **found;
    struct object again;
    struct error err = { 0 };
    size_t n;

    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 1;
    if (store_open(&st, path, NULL, &err) < 0)
        return 2;
    if (store_find(st, &r->key, &found, &n, &err) != STORE_HIT)
        return 3;
    if (store_check(st, o, true, NULL, &err) != OBJECT_FINE)
        return 4;
    if (store_add_bytes(st, "one", 3, false, &again, &err) != 0)
        return 5; /* it is there already */
    if (store_add_bytes(st, "new", 3, false, &again, &err) != E_SYSTEM ||
        !strstr(err.text, "Permission denied") || !strstr(err.text, "store"))
        return 6;
    if (store_record(st, found[0], false, &err) != E_SYSTEM)
        return 7;
    return 0;
}

Test(store, store_that_may_only_be_read_can_be_read)
{
    struct fixture *f;
    struct object o;
    struct record *r;
    int status;
    pid_t pid;

    if (geteuid() != 0)
        cr_skip_test("only root can become somebody else");
    f = fixture_new(false);
    cr_assert_eq(chmod(f->dir, 0755), 0);
    o = add_text(f, "one");
    r = make_record("key\n", &o, 1);
    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    pid = fork();
    if (pid == 0)
        _exit(read_as_nobody(store_path(f->st), r, &o));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 0);
    record_free(r);
    fixture_free(f);
}

Test(store, many_processes_may_open_a_store_that_is_not_there_yet)
{
    struct fixture *f = fixture_new(false);
    pid_t pid[4];
    int status;

    for (int k = 0; k < 4; k++) {
        pid[k] = fork();
        if (pid[k])
            continue;
        for (int i = 0; i < 300; i++) {
            char name[32];
            struct store *st;

            snprintf(name, sizeof name, "shared-%d", i);
            if (store_open(&st, fixture_path(f, name), NULL, NULL) < 0)
                _exit(1);
            store_close(st);
        }
        _exit(0);
    }
    for (int k = 0; k < 4; k++) {
        cr_assert_eq(waitpid(pid[k], &status, 0), pid[k]);
        cr_assert_eq(status, 0);
    }
    fixture_free(f);
}

Test(store, two_processes_may_add_the_same_objects_at_once)
{
    struct fixture *f = fixture_new(false);
    pid_t pid[2];
    int status;

    for (int k = 0; k < 2; k++) {
        pid[k] = fork();
        if (pid[k])
            continue;
        for (int i = 0; i < 300; i++) {
            char text[32];
            struct object o;

            snprintf(text, sizeof text, "object %d", i);
            if (store_add_bytes(f->st, text, strlen(text), false, &o, NULL) < 0 ||
                store_check(f->st, &o, true, NULL, NULL) != OBJECT_FINE)
                _exit(1);
        }
        _exit(0);
    }
    for (int k = 0; k < 2; k++) {
        cr_assert_eq(waitpid(pid[k], &status, 0), pid[k]);
        cr_assert_eq(status, 0);
    }
    fixture_free(f);
}
