#include "image/classfolders.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

static void strings_release(struct strings *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->s[i]);
    free(l->s);
    *l = (struct strings){ 0 };
}

static void strings_add(struct strings *l, const char *s)
{
    GROW(l->s, l->n + 1, l->cap);
    l->s[l->n++] = xstrdup(s);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void strings_sort(struct strings *l)
{
    if (l->n > 0)
        qsort(l->s, l->n, sizeof *l->s, by_bytes);
}

static int list_folder(struct strings *l, const char *path, struct error *err)
{
    DIR *d = opendir(path);
    struct dirent *e;

    if (d == NULL)
        return error_system(err, "cannot read the folder %s", path);
    while (errno = 0, (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            strings_add(l, e->d_name);
    if (errno != 0) {
        closedir(d);
        return error_system(err, "cannot read the folder %s", path);
    }
    closedir(d);
    return 0;
}

static int add_file(struct classfolders *c, const char *name, const char *path,
                    struct error *err)
{
    struct fs_state st;
    int rc = fs_stat(path, &st, err);

    strings_add(&c->file, name);
    if (rc == FS_FOUND && (long long)st.size > c->largest)
        c->largest = (long long)st.size;
    return rc < 0 ? rc : 0; /* a link to nothing is told when it is read */
}

/* Adds the files below a folder of the tree. */
static int walk(struct classfolders *c, const char *folder, struct error *err)
{
    struct buf path = { 0 }, name = { 0 };
    struct strings here = { 0 };
    int rc;

    buf_printf(&path, "%s/%s", c->path, folder);
    rc = list_folder(&here, buf_str(&path), err);
    for (size_t i = 0; i < here.n && rc == 0; i++) {
        buf_reset(&name);
        buf_printf(&name, "%s/%s", folder, here.s[i]);
        buf_reset(&path);
        buf_printf(&path, "%s/%s", c->path, buf_str(&name));
        rc = fs_is_dir(buf_str(&path)) ? walk(c, buf_str(&name), err)
                                       : add_file(c, buf_str(&name), buf_str(&path), err);
    }
    strings_release(&here);
    buf_release(&path);
    buf_release(&name);
    return rc;
}

static int walk_class(struct classfolders *c, const char *class, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    buf_printf(&path, "%s/%s", c->path, class);
    if (fs_is_dir(buf_str(&path)))
        rc = walk(c, class, err);
    else
        rc = error_set(err, E_INPUT,
                       "%s is no folder: pictures lie in folders, one a class",
                       buf_str(&path));
    buf_release(&path);
    return rc;
}

int classfolders_read(struct classfolders *c, const char *path, struct error *err)
{
    int rc;

    *c = (struct classfolders){ .path = path };
    rc = list_folder(&c->class, path, err);
    strings_sort(&c->class);
    for (size_t i = 0; i < c->class.n && rc == 0; i++)
        rc = walk_class(c, c->class.s[i], err);
    if (rc == 0 && c->file.n == 0)
        rc = error_set(err, E_INPUT, "%s: there is no picture in it", path);
    strings_sort(&c->file);
    return rc;
}

void classfolders_release(struct classfolders *c)
{
    strings_release(&c->class);
    strings_release(&c->file);
}

/* Files are sorted by path and not by class ("a-b/1" is before "a/1"). */
int classfolders_class(const struct classfolders *c, const char *file)
{
    char *name = xstrndup(file, strcspn(file, "/"));
    char **found = bsearch(&name, c->class.s, c->class.n, sizeof *c->class.s, by_bytes);

    free(name);
    return (int)(found - c->class.s);
}
