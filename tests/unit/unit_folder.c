/*
 * folder_name() against what the store makes of the same folder.
 */
#include "store_fixture.h"

#include "larder/folder.h"
#include "larder/fs.h"

struct counts {
    int files, folders;
};

static int digest_one(void *self, const char *path, const struct stat *s,
                      struct digest *d, long long *size, struct error *err)
{
    (void)s;
    ((struct counts *)self)->files++;
    return digest_file(d, size, path, err);
}

static int count_folder(void *self, const char *path, struct error *err)
{
    (void)path;
    (void)err;
    ((struct counts *)self)->folders++;
    return 0;
}

static void make_file(const char *dir, const char *name, const char *text, unsigned mode)
{
    struct buf path = { 0 };

    fs_join(&path, dir, name);
    fs_make_parent(path.s, NULL);
    fs_write(path.s, text, strlen(text), false, NULL);
    fs_chmod(path.s, mode, NULL);
    buf_release(&path);
}

static void make_tree(char *dir)
{
    struct buf path = { 0 };

    cr_assert_not_null(mkdtemp(dir));
    make_file(dir, "b.txt", "b", 0644);
    make_file(dir, "run", "#!/bin/sh\n", 0755);
    make_file(dir, "deep/er/a", "", 0400);
    make_file(dir, "deep/__pycache__/a.pyc", "x", 0644);
    fs_join(&path, dir, "empty");
    fs_mkdirs(path.s, NULL);
    buf_release(&path);
}

Test(folder, is_named_as_the_store_names_it)
{
    char dir[] = "/tmp/unit_folder.XXXXXX";
    struct counts n = { 0 };
    struct folder_visit visit = { .file = digest_one,
                                  .folder = count_folder,
                                  .self = &n };
    struct object ours, stores;

    make_tree(dir);
    cr_assert_eq(folder_name(dir, &visit, &ours, NULL), 0);
    cr_assert_eq(store_name(dir, OBJECT_TREE, &stores, NULL), 0);
    cr_assert(digest_equal(&ours.id, &stores.id));
    cr_assert_eq(ours.kind, OBJECT_TREE);
    cr_assert_eq(ours.size, stores.size);
    cr_assert_eq(n.files, 4);
    cr_assert_eq(n.folders, 5);
    fs_remove_tree(dir, NULL);
}

Test(folder, leaves_out_what_it_is_told_to)
{
    char dir[] = "/tmp/unit_folder.XXXXXX";
    struct counts n = { 0 };
    struct folder_visit visit = { .file = digest_one, .self = &n, .no_pycache = true };
    struct object with, without;
    struct buf path = { 0 };

    make_tree(dir);
    cr_assert_eq(folder_name(dir, &visit, &with, NULL), 0);
    cr_assert_eq(n.files, 3);
    fs_join(&path, dir, "deep/__pycache__");
    fs_remove_tree(path.s, NULL);
    cr_assert_eq(store_name(dir, OBJECT_TREE, &without, NULL), 0);
    cr_assert(digest_equal(&with.id, &without.id));
    buf_release(&path);
    fs_remove_tree(dir, NULL);
}

Test(folder, refuses_links_unless_they_count)
{
    char dir[] = "/tmp/unit_folder.XXXXXX";
    struct counts n = { 0 };
    struct folder_visit visit = { .file = digest_one, .self = &n };
    struct object one, other;
    struct error err = { 0 };
    struct buf path = { 0 };

    make_tree(dir);
    fs_join(&path, dir, "link");
    fs_symlink("b.txt", path.s, NULL);
    cr_assert_eq(folder_name(dir, &visit, &one, &err), E_STAGE);
    cr_assert_not_null(strstr(err.text, "link is a symbolic link"));
    visit.links = true;
    cr_assert_eq(folder_name(dir, &visit, &one, NULL), 0);
    fs_remove(path.s, NULL);
    fs_symlink("run", path.s, NULL);
    cr_assert_eq(folder_name(dir, &visit, &other, NULL), 0);
    cr_assert(!digest_equal(&one.id, &other.id));
    buf_release(&path);
    fs_remove_tree(dir, NULL);
}
