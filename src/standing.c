#include "standing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

#include "state.h"

/* Times that a file which comes and goes is looked at. */
enum { READ_TRIES = 5 };

const char *ground_below(const struct ground *g, const char *path)
{
    size_t n = strlen(g->project);

    return !strncmp(path, g->project, n) && path[n] == '/' ? path + n + 1 : path;
}

static bool is_link(const char *path)
{
    struct stat s;

    return lstat(path, &s) == 0 && S_ISLNK(s.st_mode);
}

static int standing_of_file(const struct ground *g, const char *path,
                            const struct placed_file *remembered,
                            const struct digest *want, struct error *err)
{
    struct object o = { .kind = OBJECT_FILE };
    struct fs_state st;
    int rc = -1;

    /* It may have gone since, and another larder have put it there again. */
    for (int i = 0; i < READ_TRIES && rc < 0; i++) {
        rc = digest_file(&o.id, &o.size, path, err);
        if (rc < 0 && fs_stat(ground_below(g, path), &st, NULL) == FS_ABSENT)
            return STANDING_NOTHING;
    }
    if (rc < 0)
        return rc;
    if (want && digest_equal(want, &o.id))
        return STANDING_RIGHT;
    if (remembered && digest_equal(&remembered->id, &o.id))
        return STANDING_OURS;
    rc = store_check(g->store, &o, false, NULL, err);
    return rc < 0 ? rc : rc == OBJECT_FINE ? STANDING_OURS : STANDING_USERS;
}

int standing_of(const struct ground *g, const char *path,
                const struct placed_file *remembered, const struct digest *want,
                struct error *err)
{
    const char *near = ground_below(g, path);
    struct fs_state st;
    int rc = fs_stat(near, &st, err);

    if (rc < 0)
        return rc;
    if (rc == FS_ABSENT)
        return is_link(near) ? STANDING_USERS : STANDING_NOTHING;
    if (S_ISDIR(st.mode))
        return is_link(near) ? STANDING_USERS : STANDING_FOLDER;
    if (!S_ISREG(st.mode))
        return STANDING_USERS;
    if (remembered && state_holds(&st, &remembered->state))
        return want && digest_equal(want, &remembered->id) ? STANDING_RIGHT
                                                           : STANDING_OURS;
    return standing_of_file(g, path, remembered, want, err);
}

/* A file of the user's below the folder, in *found, which is empty where there is none.
 */
static int find_users(const struct ground *g, const char *folder, struct buf *found,
                      struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc = fs_list(folder, &name, &n, err);

    for (size_t i = 0; i < n && rc == 0 && !found->len; i++) {
        buf_reset(&path);
        fs_join(&path, folder, name[i]);
        rc = standing_of(g, path.s, NULL, NULL, err);
        if (rc == STANDING_FOLDER)
            rc = find_users(g, path.s, found, err);
        else if (rc == STANDING_USERS)
            buf_adds(found, path.s);
        rc = rc < 0 ? rc : 0;
    }
    free(name);
    buf_release(&path);
    return rc;
}

static int allows_instead_of_folder(const struct ground *g, const char *path,
                                    struct error *err)
{
    struct buf found = { 0 };
    int rc = find_users(g, path, &found, err);

    if (rc == 0 && found.len)
        rc = error_set(err, E_INPUT,
                       "%s is a folder, with %s in it, and a file is to be placed there; "
                       "move it away",
                       path, ground_below(g, found.s));
    buf_release(&found);
    return rc;
}

int standing_allows_file(const struct ground *g, const char *path, enum standing standing,
                         const struct placed_file *remembered, struct error *err)
{
    if (standing == STANDING_FOLDER)
        return allows_instead_of_folder(g, path, err);
    if (standing == STANDING_USERS && !g->force)
        return error_set(err, E_INPUT,
                         "%s %s and is left as it is; move it away, or use --force to "
                         "overwrite it",
                         path, remembered ? "was changed by hand" : "is a file of yours");
    return 0;
}

/* What stands in the place of a folder on the way to path, and path itself: its path in
 * b, or false. */
static bool find_in_the_way(const char *path, struct buf *b)
{
    struct stat s;

    for (const char *end = path; *end;) {
        end += 1 + strcspn(end + 1, "/");
        buf_reset(b);
        buf_add(b, path, (size_t)(end - path));
        if (lstat(b->s, &s) < 0)
            return false;
        if (!S_ISDIR(s.st_mode) && !fs_is_dir(b->s))
            return true;
    }
    return false;
}

int standing_allows_folder(const struct ground *g, const char *path, struct error *err)
{
    struct buf file = { 0 };
    int rc = 0;

    if (!fs_is_dir(ground_below(g, path)) && find_in_the_way(path, &file))
        rc = standing_of(g, file.s, NULL, NULL, err);
    if (rc == STANDING_USERS && !g->force)
        rc = error_set(err, E_INPUT,
                       "%s is no folder, and one is to be placed there; move it away, or "
                       "use --force to overwrite it",
                       file.s);
    buf_release(&file);
    return rc < 0 ? rc : 0;
}

int standing_make_folder(const char *path, struct error *err)
{
    struct buf file = { 0 };
    int rc = 0;

    if (!fs_is_dir(path) && find_in_the_way(path, &file))
        rc = fs_remove(file.s, err);
    buf_release(&file);
    return rc < 0 ? rc : fs_mkdirs(path, err);
}
