#include "place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "aside.h"
#include "placed.h"
#include "state.h"

enum { PLACE_TRIES = 8 };

struct places {
    char *project, *own, *memory;
    struct store *store;
    enum give_how how;
    struct placed placed;
    bool dirty;
    /* Of a folder that was removed with ten thousand files in it, only one is looked for
     * before anything is placed. */
    struct buf folder; /* looked at last, with its slash */
    bool is_absent;
    struct aside aside;
    struct placed_to **unnamed; /* those whose file is in the folder aside */
    size_t n_unnamed, cap_unnamed;
};

int places_open(struct places **to, const char *project, const char *own,
                struct store *store, enum link_mode link, struct error *err)
{
    static const enum give_how how[] = {
        [LINK_AUTO] = GIVE_AUTO, [LINK_HARD] = GIVE_LINK, [LINK_COPY] = GIVE_COPY
    };
    struct places *p = xcalloc(1, sizeof *p);
    struct buf path = { 0 };
    int rc;

    p->project = xstrdup(project);
    p->aside.own = p->own = xstrdup(own);
    p->store = store;
    p->how = how[link];
    fs_join(&path, own, "placed");
    p->memory = buf_take(&path);
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
    int rc = places_settle(p, err);

    return p->dirty && placed_write(&p->placed, p->memory, rc < 0 ? NULL : err) < 0 &&
                   rc == 0
               ? E_SYSTEM
               : rc;
}

bool places_changed(const struct places *p)
{
    return p->dirty;
}

void places_close(struct places *p)
{
    if (!p)
        return;
    aside_release(&p->aside);
    placed_release(&p->placed);
    free(p->unnamed);
    free(p->own);
    free(p->project);
    free(p->memory);
    buf_release(&p->folder);
    free(p);
}

/* From the project, where we are, the part of a path below it: it is long, and the files
 * are many. */
static const char *below(const struct places *p, const char *path)
{
    size_t n = strlen(p->project);

    return !strncmp(path, p->project, n) && path[n] == '/' ? path + n + 1 : path;
}

/* The path of a file of a destination, in b. */
static const char *destination(const struct places *p, const char *to, const char *file,
                               struct buf *b)
{
    buf_reset(b);
    fs_join(b, p->project, to);
    if (*file) {
        buf_addc(b, '/');
        buf_adds(b, file);
    }
    return buf_str(b);
}

/* What stands where a file of ours is to be. */
enum standing {
    STANDING_NOTHING,
    STANDING_OURS,  /* placed by us, or an object of the store: may be replaced */
    STANDING_RIGHT, /* has the wanted bytes already */
    STANDING_USERS, /* changed by hand */
    STANDING_FOLDER,
};

/* Whether path is in the folder that was looked at last. */
static bool is_in_last_folder(const struct places *p, const char *path)
{
    size_t n = (size_t)(fs_basename(path) - path);

    return n && p->folder.len == n && !memcmp(p->folder.s, path, n);
}

/* A file is not there: nor is its whole folder? */
static void look_at_folder(struct places *p, const char *path)
{
    struct fs_state st;

    if (is_in_last_folder(p, path))
        return;
    buf_reset(&p->folder);
    buf_add(&p->folder, path, (size_t)(fs_basename(path) - path));
    p->is_absent = fs_stat(buf_str(&p->folder), &st, NULL) == FS_ABSENT;
}

/* want NULL: nothing in particular is wanted there. Negative on error. */
static int look_at(struct places *p, const char *path,
                   const struct placed_file *remembered, const struct digest *want,
                   struct error *err)
{
    struct fs_state st;
    struct object o = { .kind = OBJECT_FILE };
    int rc = fs_stat(below(p, path), &st, err);

    if (rc != FS_FOUND)
        return rc < 0 ? rc : STANDING_NOTHING;
    if (S_ISDIR(st.mode))
        return STANDING_FOLDER;
    if (remembered && state_holds(&st, &remembered->state))
        return want && digest_equal(want, &remembered->id) ? STANDING_RIGHT
                                                           : STANDING_OURS;
    rc = digest_file(&o.id, &o.size, path, err);
    if (rc < 0) /* it may have gone since */
        return fs_stat(below(p, path), &st, NULL) == FS_ABSENT ? STANDING_NOTHING : rc;
    if (want && digest_equal(want, &o.id))
        return STANDING_RIGHT;
    if (remembered && digest_equal(&remembered->id, &o.id))
        return STANDING_OURS;
    rc = store_check(p->store, &o, false, NULL, err);
    return rc < 0 ? rc : rc == OBJECT_FINE ? STANDING_OURS : STANDING_USERS;
}

/* remembered: what was placed there, or NULL. */
static int is_users(const char *path, const struct placed_file *remembered,
                    struct error *err)
{
    return error_set(err, E_INPUT,
                     "%s %s and is left as it is; move it away, or use --force to "
                     "overwrite it",
                     path, remembered ? "was changed by hand" : "is a file of yours");
}

int places_check(struct places *p, const char *to, struct error *err)
{
    struct placed_to *t = placed_find(&p->placed, to);
    struct buf path = { 0 };
    int rc = 0;

    for (size_t i = 0; t && i < t->n_files && rc == 0; i++) {
        const char *file = below(p, destination(p, to, t->file[i].path, &path));

        rc = p->is_absent && is_in_last_folder(p, file)
                 ? STANDING_NOTHING
                 : look_at(p, path.s, &t->file[i], NULL, err);
        if (rc == STANDING_NOTHING)
            look_at_folder(p, file);
        t->is_absent = i == 0 && rc == STANDING_NOTHING;
        if (rc == STANDING_USERS)
            rc = is_users(path.s, &t->file[i], err);
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
    bool same = t && !t->is_absent && t->object.kind == o->kind &&
                digest_equal(&t->object.id, &o->id);

    for (size_t i = 0; same && i < t->n_files; i++)
        same = fs_stat(below(p, destination(p, t->to, t->file[i].path, &path)), &st,
                       NULL) == FS_FOUND &&
               state_holds(&st, &t->file[i].state);
    if (same && o->kind == OBJECT_TREE)
        same = fs_is_dir(destination(p, t->to, "", &path));
    buf_release(&path);
    return same;
}

bool places_stands(struct places *p, const char *to, const struct object *o)
{
    return stands(p, placed_find(&p->placed, to), o);
}

/* A file or folder that is wanted, and what is there. */
struct move {
    struct store_file file;
    const struct placed_file *former; /* or NULL */
    enum standing standing;
};
struct moves {
    struct arena arena; /* owns the paths */
    struct move *move;
    size_t n, cap;
    bool anything; /* something is to be done */
};

static int add_move(void *self, const struct store_file *file, struct error *err)
{
    struct moves *moves = self;
    struct move *m;

    (void)err;
    GROW(moves->move, moves->n + 1, moves->cap);
    m = &moves->move[moves->n++];
    *m = (struct move){ .file = *file };
    m->file.path = arena_strdup(&moves->arena, file->path);
    return 0;
}

static void moves_release(struct moves *moves)
{
    arena_release(&moves->arena);
    free(moves->move);
}

/* Finds what was placed at each path before; how many that are. Mostly it is the same
 * folder: then the two lists are in the same order, and need no map. */
static size_t find_former(const struct placed_to *t, struct moves *moves)
{
    struct map former = { 0 };
    bool same_order = true;
    size_t k = 0, n = 0;

    for (size_t i = 0; t && i < moves->n; i++) {
        struct move *m = &moves->move[i];

        if (m->file.folder)
            continue;
        if (same_order && k < t->n_files && !strcmp(t->file[k].path, m->file.path)) {
            m->former = &t->file[k++];
            n++;
            continue;
        }
        for (size_t j = 0; same_order && j < t->n_files; j++)
            map_set(&former, t->file[j].path, &t->file[j]);
        same_order = false;
        m->former = map_get(&former, m->file.path);
        n += m->former != NULL;
    }
    map_release(&former);
    return n;
}

/* A file that was placed there before goes; one of the user's stays. */
static int check_folder(struct places *p, const char *path, bool force, struct error *err)
{
    int rc = fs_is_dir(path) ? STANDING_FOLDER : look_at(p, path, NULL, NULL, err);

    return rc == STANDING_USERS && !force ? is_users(path, NULL, err) : rc < 0 ? rc : 0;
}

/* Before anything is written: may it be? */
static int check_move(struct places *p, struct move *m, const char *path, bool force,
                      struct error *err)
{
    int rc;

    if (m->file.folder)
        return check_folder(p, path, force, err);
    rc = look_at(p, path, m->former, &m->file.id, err);
    if (rc < 0)
        return rc;
    m->standing = (enum standing)rc;
    if (m->standing == STANDING_RIGHT && m->former &&
        ((m->former->state.mode & S_IXUSR) != 0) != m->file.exec)
        m->standing = STANDING_OURS; /* of which only that has changed */
    if (m->standing == STANDING_FOLDER)
        return error_set(err, E_INPUT, "%s is a folder, and a file is to be placed there",
                         path);
    if (m->standing == STANDING_USERS && !force)
        return is_users(path, m->former, err);
    return 0;
}

static int check_moves(struct places *p, const char *to, struct moves *moves, bool force,
                       struct error *err)
{
    struct buf path = { 0 };
    int rc = 0;

    for (size_t i = 0; i < moves->n && rc == 0; i++) {
        struct move *m = &moves->move[i];

        rc = check_move(p, m, destination(p, to, m->file.path, &path), force, err);
        if (m->file.folder ? !fs_is_dir(path.s) : m->standing != STANDING_RIGHT)
            moves->anything = true;
    }
    buf_release(&path);
    return rc;
}

/* What was placed there before and is no longer part of it goes, unless it was changed.
 */
static int remove_former(struct places *p, struct placed_to *t, const struct moves *moves,
                         struct error *err)
{
    struct buf path = { 0 };
    struct map wanted = { 0 };
    int rc = 0;

    for (size_t i = 0; i < moves->n; i++)
        if (moves->move[i].former)
            map_set(&wanted, moves->move[i].file.path, t);
    for (size_t i = 0; i < t->n_files && rc == 0; i++) {
        const struct placed_file *f = &t->file[i];

        if (map_get(&wanted, f->path))
            continue;
        rc = look_at(p, destination(p, t->to, f->path, &path), f, NULL, err);
        if (rc == STANDING_OURS)
            rc = fs_remove(path.s, err);
        else if (rc > 0)
            rc = 0;
    }
    map_release(&wanted);
    buf_release(&path);
    return rc;
}

/* The state to remember of a file that was given, by the one that was remembered before.
 * A link to the same object has its state: if that is another one now, the next run sees
 * it. Without ctime, which moves with every other link. */
static int state_of_given(struct places *p, const struct store_file *file,
                          const struct given *given, const struct placed_file *former,
                          struct fs_state *state, struct error *err)
{
    int rc = FS_FOUND;

    if (!given->linked)
        *state = given->state;
    else if (former && !former->state.ctime_ns && digest_equal(&former->id, &file->id))
        *state = former->state;
    else
        rc = store_object_state(p->store, &file->id, state, err);
    if (given->linked)
        state->ctime_ns = 0;
    return rc < 0 ? rc : 0;
}

/* The state to remember of a file that has the right bytes already. */
static int state_of_right(struct places *p, const struct move *m, const char *path,
                          struct fs_state *state, struct error *err)
{
    struct fs_state object;
    int rc;

    if (m->former) {
        struct fs_state now;

        rc = fs_stat(path, &now, err);
        if (rc == FS_FOUND && state_holds(&now, &m->former->state)) {
            *state = m->former->state;
            return 0;
        }
    }
    rc = fs_stat(path, state, err);
    if (rc == FS_FOUND &&
        store_object_state(p->store, &m->file.id, &object, NULL) == FS_FOUND &&
        object.dev == state->dev && object.ino == state->ino)
        state->ctime_ns = 0; /* a link to it */
    return rc < 0 ? rc : 0;
}

/* Gives a file. Where nothing was, another larder may have been faster: what stands there
 * now is looked at again. */
static int give_move(struct places *p, struct move *m, const char *path, bool force,
                     struct fs_state *state, struct error *err)
{
    struct given given;
    int rc = 0;

    for (int i = 0; i < PLACE_TRIES && rc == 0; i++) {
        if (m->standing == STANDING_RIGHT)
            return state_of_right(p, m, path, state, err);
        rc = store_give(p->store, &m->file, below(p, path), p->how,
                        m->standing == STANDING_NOTHING ? GIVE_NEW : GIVE_OVER, &given,
                        err);
        if (rc == 0)
            return state_of_given(p, &m->file, &given, m->former, state, err);
        if (rc == E_INPUT && m->standing == STANDING_NOTHING)
            rc = check_move(p, m, path, force, err);
    }
    return rc < 0 ? rc
                  : error_set(err, E_INPUT, "%s comes and goes: who else writes there?",
                              path);
}

static int apply_move(struct places *p, struct placed_to *t, struct move *m,
                      const char *path, bool force, struct error *err)
{
    struct placed_file f = { .path = m->file.path, .id = m->file.id };
    int rc;

    if (m->file.folder)
        return fs_mkdirs(path, err);
    rc = give_move(p, m, path, force, &f.state, err);
    if (rc < 0)
        return rc;
    p->dirty = p->dirty || !m->former || !digest_equal(&m->former->id, &f.id) ||
               !state_same(&m->former->state, &f.state);
    placed_add(&p->placed, t, &f);
    return 0;
}

static int apply_moves(struct places *p, const struct object *o, const char *to,
                       const struct moves *moves, bool force, struct error *err)
{
    struct placed_to former = { 0 }, *t = placed_find(&p->placed, to);
    struct buf path = { 0 };
    int rc = 0;

    if (t)
        former = *t; /* the moves point to its files */
    if (t)
        *t = (struct placed_to){ .to = t->to };
    t = placed_renew(&p->placed, to, o);
    for (size_t i = 0; i < moves->n && rc == 0; i++) {
        struct move *m = &moves->move[i];

        rc = apply_move(p, t, m, destination(p, to, m->file.path, &path), force, err);
    }
    if (rc < 0) /* what is not whole does not stand */
        t->object = (struct object){ .kind = o->kind };
    p->dirty = p->dirty || former.n_files != t->n_files ||
               former.object.kind != t->object.kind ||
               !digest_equal(&former.object.id, &t->object.id);
    free(former.file);
    buf_release(&path);
    return rc;
}

int places_settle(struct places *p, struct error *err)
{
    size_t n = p->n_unnamed;
    int rc = 0;

    p->n_unnamed = 0;
    if (aside_name(&p->aside))
        return 0;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        struct placed_to *t = p->unnamed[i];
        struct object o = t->object;

        t->object = (struct object){ .kind = o.kind }; /* it does not stand */
        rc = places_put(p, &o, t->to, false, err);
    }
    return rc < 0 ? rc : 0;
}

/* Copies into a folder that is gone are put aside. */
static int turn_to(struct places *p, const char *path, struct error *err)
{
    int rc = 0;

    if (p->how != GIVE_LINK && !aside_is_at(&p->aside, path)) {
        rc = places_settle(p, err);
        if (rc == 0)
            aside_turn(&p->aside, path);
    }
    return rc;
}

/* One file where nothing was a moment ago: 0 when it must be looked at after all, and 1
 * when it is done. */
static int put_absent(struct places *p, struct placed_to *t, const struct object *o,
                      struct error *err)
{
    struct store_file file = { .path = "", .id = o->id, .size = o->size };
    struct placed_file *f = &t->file[0];
    struct buf b = { 0 }, aside = { 0 };
    struct fs_state state;
    struct given given;
    const char *path = below(p, destination(p, t->to, "", &b)), *to;
    int rc = turn_to(p, path, err);

    if (rc < 0)
        goto out;
    to = aside_path(&p->aside, path, &aside);
    if (store_give(p->store, &file, to, p->how, to == path ? GIVE_NEW : GIVE_UNSEEN,
                   &given, NULL) < 0 ||
        state_of_given(p, &file, &given, f, &state, NULL) < 0)
        goto out;
    rc = 1;
    p->dirty =
        p->dirty || !digest_equal(&f->id, &o->id) || !state_same(&f->state, &state);
    t->object = *o;
    t->is_absent = false;
    f->id = o->id;
    f->state = state;
    if (to != path) {
        GROW(p->unnamed, p->n_unnamed + 1, p->cap_unnamed);
        p->unnamed[p->n_unnamed++] = t;
    }
out:
    buf_release(&aside);
    buf_release(&b);
    return rc;
}

int places_put(struct places *p, const struct object *o, const char *to, bool force,
               struct error *err)
{
    struct placed_to *t = placed_find(&p->placed, to);
    struct moves moves = { 0 };
    size_t n_kept = 0;
    bool anything;
    int rc = 0;

    if (o->kind == OBJECT_TREE && stands(p, t, o))
        return PLACE_STANDS;
    if (o->kind == OBJECT_FILE && t && t->is_absent && t->n_files == 1 &&
        !*t->file[0].path)
        rc = put_absent(p, t, o, err);
    if (rc != 0)
        return rc < 0 ? rc : PLACE_NEW;
    rc = places_settle(p, err);
    if (rc == 0)
        rc = store_each_file(p->store, o, add_move, &moves, err);
    if (rc == 0)
        n_kept = find_former(t, &moves);
    if (rc == 0)
        rc = check_moves(p, to, &moves, force, err);
    if (rc == 0 && t && t->n_files > n_kept)
        rc = remove_former(p, t, &moves, err);
    if (rc == 0)
        rc = apply_moves(p, o, to, &moves, force, err);
    anything = moves.anything;
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
