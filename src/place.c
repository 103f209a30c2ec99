#include "place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "placed.h"
#include "state.h"

struct places {
    char *project, *memory,
        *part; /* part: a folder of our own for what is being placed */
    struct store *store;
    struct placed placed;
    bool dirty;
};

int places_open(struct places **to, const char *project, const char *own,
                struct store *store, struct error *err)
{
    struct places *p = xcalloc(1, sizeof *p);
    struct buf path = { 0 };
    int rc;

    p->project = xstrdup(project);
    p->store = store;
    fs_join(&path, own, "placed");
    p->memory = buf_take(&path);
    buf_printf(&path, "%s/placing-%ld", own, (long)getpid());
    p->part = buf_take(&path);
    rc = placed_read(&p->placed, p->memory, err);
    if (rc < 0) {
        places_close(p);
        p = NULL;
    }
    *to = p;
    return rc;
}

int places_save(struct places *p, struct error *err)
{
    return p->dirty ? placed_write(&p->placed, p->memory, err) : 0;
}

void places_close(struct places *p)
{
    if (!p)
        return;
    placed_release(&p->placed);
    free(p->project);
    free(p->memory);
    free(p->part);
    free(p);
}

/* The path of a file of a destination, in b. */
static const char *destination(const struct places *p, const char *to, const char *file,
                               struct buf *b)
{
    buf_reset(b);
    fs_join(b, p->project, to);
    if (*file)
        buf_printf(b, "/%s", file);
    return buf_str(b);
}

static const struct placed_file *find_file(const struct placed_to *t, const char *path)
{
    for (size_t i = 0; t && i < t->n_files; i++)
        if (!strcmp(t->file[i].path, path))
            return &t->file[i];
    return NULL;
}

/* What stands where a file of ours is to be. */
enum standing {
    STANDING_NOTHING,
    STANDING_OURS,  /* placed by us, or an object of the store: may be replaced */
    STANDING_RIGHT, /* has the wanted bytes already */
    STANDING_USERS, /* changed by hand */
    STANDING_FOLDER,
};

/* want NULL: nothing in particular is wanted there. Negative on error. */
static int look_at(struct places *p, const char *path,
                   const struct placed_file *remembered, const struct digest *want,
                   struct error *err)
{
    struct fs_state st;
    struct object o = { .kind = OBJECT_FILE };
    int rc = fs_stat(path, &st, err);

    if (rc != FS_FOUND)
        return rc < 0 ? rc : STANDING_NOTHING;
    if (S_ISDIR(st.mode))
        return STANDING_FOLDER;
    if (remembered && state_same(&st, &remembered->state))
        return want && digest_equal(want, &remembered->id) ? STANDING_RIGHT
                                                           : STANDING_OURS;
    rc = digest_file(&o.id, &o.size, path, err);
    if (rc < 0)
        return rc;
    if (want && digest_equal(want, &o.id))
        return STANDING_RIGHT;
    if (remembered && digest_equal(&remembered->id, &o.id))
        return STANDING_OURS;
    rc = store_check(p->store, &o, false, NULL, err);
    return rc < 0 ? rc : rc == OBJECT_FINE ? STANDING_OURS : STANDING_USERS;
}

static int changed_by_hand(const char *path, struct error *err)
{
    return error_set(err, E_INPUT,
                     "%s was changed by hand and is left as it is; move it away, or use "
                     "--force to overwrite it",
                     path);
}

int places_check(struct places *p, const char *to, struct error *err)
{
    const struct placed_to *t = placed_find(&p->placed, to);
    struct buf path = { 0 };
    int rc = 0;

    for (size_t i = 0; t && i < t->n_files && rc == 0; i++) {
        rc = look_at(p, destination(p, to, t->file[i].path, &path), &t->file[i], NULL,
                     err);
        if (rc == STANDING_USERS)
            rc = changed_by_hand(path.s, err);
        else if (rc > 0)
            rc = 0;
    }
    buf_release(&path);
    return rc;
}

/* Whether everything of a destination stands as it was placed. */
static bool stands(struct places *p, const struct placed_to *t, const struct object *o)
{
    struct buf path = { 0 };
    struct fs_state st;
    bool same = t && t->object.kind == o->kind && digest_equal(&t->object.id, &o->id);

    for (size_t i = 0; same && i < t->n_files; i++)
        same = fs_stat(destination(p, t->to, t->file[i].path, &path), &st, NULL) ==
                   FS_FOUND &&
               state_same(&st, &t->file[i].state);
    if (same && o->kind == OBJECT_TREE)
        same = fs_is_dir(destination(p, t->to, "", &path));
    buf_release(&path);
    return same;
}

bool places_stands(struct places *p, const char *to, const struct object *o)
{
    return stands(p, placed_find(&p->placed, to), o);
}

struct move {
    char *file; /* below the part folder and below the destination */
    struct digest id;
    bool is_folder; /* an empty one */
    bool exec;
    enum standing standing;
};
struct moves {
    struct move *move;
    size_t n, cap;
};

static struct move *add_move(struct moves *moves, const char *file)
{
    GROW(moves->move, moves->n + 1, moves->cap);
    moves->move[moves->n] = (struct move){ .file = xstrdup(file) };
    return &moves->move[moves->n++];
}

/* Lists the files of a folder and of those in it, and empty ones; file is a path below
 * root, "" at first. */
static int list_files(const char *root, const char *file, struct moves *moves,
                      struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc = 0;

    buf_printf(&path, "%s%s%s", root, *file ? "/" : "", file);
    if (!fs_is_dir(buf_str(&path))) {
        struct move *m = add_move(moves, file);

        m->exec = access(path.s, X_OK) == 0;
        rc = digest_file(&m->id, NULL, path.s, err);
        goto out;
    }
    rc = fs_list(path.s, &name, &n, err);
    if (rc == 0 && n == 0 && *file)
        add_move(moves, file)->is_folder = true;
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        buf_printf(&path, "%s%s%s", file, *file ? "/" : "", name[i]);
        rc = list_files(root, path.s, moves, err);
    }
out:
    free(name);
    buf_release(&path);
    return rc;
}

/* Before anything is written: may all of it be? */
static int check_moves(struct places *p, const struct placed_to *t, const char *to,
                       struct moves *moves, bool force, struct error *err)
{
    struct buf path = { 0 };
    int rc = 0;

    for (size_t i = 0; i < moves->n && rc == 0; i++) {
        struct move *m = &moves->move[i];
        const struct placed_file *before = find_file(t, m->file);

        rc = look_at(p, destination(p, to, m->file, &path), before, &m->id, err);
        if (rc < 0)
            break;
        m->standing = (enum standing)rc;
        rc = 0;
        if (m->standing == STANDING_RIGHT && before &&
            ((before->state.mode & S_IXUSR) != 0) != m->exec)
            m->standing = STANDING_OURS; /* of which only that has changed */
        if (m->is_folder && m->standing == STANDING_FOLDER)
            m->standing = STANDING_RIGHT;
        else if (m->standing == STANDING_FOLDER)
            rc = error_set(err, E_INPUT,
                           "%s is a folder, and a file is to be placed there", path.s);
        else if (m->standing == STANDING_USERS && !force)
            rc = changed_by_hand(path.s, err);
    }
    buf_release(&path);
    return rc;
}

/* A rename, or where the destination is on another file system, a copy beside it first.
 */
static int move_file(const char *from, const char *to, struct error *err)
{
    struct buf beside = { 0 }, dir = { 0 };
    struct stat a, b;
    int rc = fs_make_parent(to, err);

    if (rc < 0)
        return rc;
    fs_dirname(&dir, to);
    if (stat(from, &a) == 0 && stat(buf_str(&dir), &b) == 0 && a.st_dev != b.st_dev) {
        buf_printf(&beside, "%s/.%s.larder-%ld", dir.s, fs_basename(to), (long)getpid());
        rc = fs_copy(from, beside.s, a.st_mode & 0777, err);
        from = beside.s;
    }
    if (rc == 0)
        rc = fs_rename(from, to, err);
    if (rc < 0 && beside.len)
        fs_remove(beside.s, NULL);
    buf_release(&beside);
    buf_release(&dir);
    return rc;
}

/* What was placed there before and is no longer part of it goes, unless it was changed.
 */
static int remove_former(struct places *p, const struct placed_to *t,
                         const struct moves *moves, struct error *err)
{
    struct buf path = { 0 };
    int rc = 0;

    for (size_t i = 0; t && i < t->n_files && rc == 0; i++) {
        const struct placed_file *f = &t->file[i];
        bool stays = false;

        for (size_t k = 0; k < moves->n && !stays; k++)
            stays = !strcmp(moves->move[k].file, f->path);
        if (stays)
            continue;
        rc = look_at(p, destination(p, t->to, f->path, &path), f, NULL, err);
        if (rc == STANDING_OURS)
            rc = fs_remove(path.s, err);
        else if (rc > 0)
            rc = 0;
    }
    buf_release(&path);
    return rc;
}

static int apply_moves(struct places *p, const struct object *o, const char *to,
                       const struct moves *moves, struct error *err)
{
    struct placed_to *t = placed_renew(&p->placed, to, o);
    struct buf from = { 0 }, path = { 0 };
    int rc = 0;

    p->dirty = true;
    if (o->kind == OBJECT_TREE)
        rc = fs_mkdirs(destination(p, to, "", &path), err);
    for (size_t i = 0; i < moves->n && rc == 0; i++) {
        const struct move *m = &moves->move[i];
        struct placed_file f = { .path = m->file, .id = m->id };

        buf_reset(&from);
        buf_printf(&from, "%s%s%s", p->part, *m->file ? "/" : "", m->file);
        destination(p, to, m->file, &path);
        if (m->is_folder) {
            rc = fs_mkdirs(path.s, err); /* not remembered: nothing can be lost in it */
            continue;
        }
        if (m->standing != STANDING_RIGHT)
            rc = move_file(from.s, path.s, err);
        if (rc == 0)
            rc = fs_stat(path.s, &f.state, err);
        if (rc == 0)
            placed_add(&p->placed, t, &f);
    }
    if (rc < 0) /* what is not whole does not stand */
        t->object = (struct object){ .kind = o->kind };
    buf_release(&from);
    buf_release(&path);
    return rc < 0 ? rc : 0;
}

static void moves_release(struct moves *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->move[i].file);
    free(m->move);
}

int places_put(struct places *p, const struct object *o, const char *to, bool force,
               struct error *err)
{
    struct placed_to *t = placed_find(&p->placed, to);
    struct moves moves = { 0 };
    bool anything = false;
    int rc;

    if (stands(p, t, o))
        return PLACE_STANDS;
    rc = fs_remove_tree(p->part, err);
    if (rc == 0)
        rc = store_place(p->store, o, p->part, err);
    if (rc == 0)
        rc = list_files(p->part, "", &moves, err);
    if (rc == 0)
        rc = check_moves(p, t, to, &moves, force, err);
    if (rc == 0)
        rc = remove_former(p, t, &moves, err);
    if (rc == 0)
        rc = apply_moves(p, o, to, &moves, err);
    fs_remove_tree(p->part, NULL);
    for (size_t i = 0; i < moves.n; i++)
        anything |= moves.move[i].standing != STANDING_RIGHT;
    moves_release(&moves);
    return rc < 0 ? rc : anything ? PLACE_NEW : PLACE_STANDS;
}

void places_each(struct places *p, const char *to,
                 void (*tell)(void *self, const char *path, const struct fs_state *st),
                 void *self)
{
    const struct placed_to *t = placed_find(&p->placed, to);
    struct buf path = { 0 };

    for (size_t i = 0; t && i < t->n_files; i++)
        tell(self, destination(p, to, t->file[i].path, &path), &t->file[i].state);
    buf_release(&path);
}
