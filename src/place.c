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
#include "standing.h"
#include "state.h"

enum { PLACE_TRIES = 8 };

struct places {
    struct ground ground;
    char *project, *own, *memory;
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
                struct store *store, enum link_mode link, bool force, struct error *err)
{
    static const enum give_how how[] = {
        [LINK_AUTO] = GIVE_AUTO, [LINK_HARD] = GIVE_LINK, [LINK_COPY] = GIVE_COPY
    };
    struct places *p = xcalloc(1, sizeof *p);
    struct buf path = { 0 };
    int rc;

    p->project = xstrdup(project);
    p->aside.own = p->own = xstrdup(own);
    p->ground = (struct ground){ .project = p->project, .store = store, .force = force };
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

bool places_is_new(struct places *p, const char *to)
{
    const struct placed_to *t = placed_find(&p->placed, to);

    return t && t->is_new;
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

/* Whether path is in the folder that was looked at last. */
static bool is_in_last_folder(const struct places *p, const char *path)
{
    size_t n = (size_t)(fs_basename(path) - path);

    return n && p->folder.len == n && !memcmp(p->folder.s, path, n);
}

/* 0 where the folder of a file may be made. */
static int allows_folder_of(const struct places *p, const char *path, struct error *err)
{
    struct buf folder = { 0 };
    int rc;

    fs_dirname(&folder, path);
    rc = standing_allows_folder(&p->ground, buf_str(&folder), err);
    buf_release(&folder);
    return rc;
}

/* A file is not there: nor is its whole folder? May that be made? */
static int look_at_folder(struct places *p, const char *path, struct error *err)
{
    const char *near = ground_below(&p->ground, path);
    struct fs_state st;

    if (is_in_last_folder(p, near))
        return 0;
    buf_reset(&p->folder);
    buf_add(&p->folder, near, (size_t)(fs_basename(near) - near));
    p->is_absent = fs_stat(buf_str(&p->folder), &st, NULL) == FS_ABSENT;
    return p->is_absent ? allows_folder_of(p, path, err) : 0;
}

static bool is_file(const char *path)
{
    struct fs_state st;

    return fs_stat(path, &st, NULL) == FS_FOUND && S_ISREG(st.mode);
}

/* Whether a file may be placed at path; STANDING_NOTHING, or greater, where it may. */
static int check_file(struct places *p, const char *path,
                      const struct placed_file *remembered, struct error *err)
{
    int standing, rc;

    if (p->is_absent && is_in_last_folder(p, ground_below(&p->ground, path)))
        return STANDING_NOTHING;
    standing = standing_of(&p->ground, path, remembered, NULL, err);
    if (standing < 0)
        return standing;
    if (standing == STANDING_NOTHING)
        rc = look_at_folder(p, path, err);
    else if (standing == STANDING_USERS && !remembered && is_file(path))
        rc = 0; /* it may be what is wanted */
    else
        rc = standing_allows_file(&p->ground, path, (enum standing)standing, remembered,
                                  err);
    return rc < 0 ? rc : standing;
}

static bool is_one_file(const struct placed_to *t)
{
    return t && t->n_files == 1 && !*t->file[0].path;
}

int places_check(struct places *p, const char *to, enum object_kind kind,
                 struct error *err)
{
    struct placed_to *t = placed_find(&p->placed, to);
    struct buf path = { 0 };
    int rc = 0;

    if (kind == OBJECT_TREE)
        rc = standing_allows_folder(&p->ground, destination(p, to, "", &path), err);
    else if (!is_one_file(t))
        rc = check_file(p, destination(p, to, "", &path), NULL, err);
    for (size_t i = 0; t && i < t->n_files && rc >= 0; i++) {
        rc = check_file(p, destination(p, to, t->file[i].path, &path), &t->file[i], err);
        t->is_absent = i == 0 && rc == STANDING_NOTHING;
    }
    buf_release(&path);
    return rc < 0 ? rc : 0;
}

/* Whether everything of a destination stands as it was placed. */
static bool stands(struct places *p, const struct placed_to *t, const struct object *o)
{
    struct buf path = { 0 };
    struct fs_state st;
    bool same = t && !t->is_absent && t->object.kind == o->kind &&
                digest_equal(&t->object.id, &o->id);

    for (size_t i = 0; same && i < t->n_files; i++)
        same = fs_stat(ground_below(&p->ground,
                                    destination(p, t->to, t->file[i].path, &path)),
                       &st, NULL) == FS_FOUND &&
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

/* A file whose folder is no move of its own. */
static bool is_alone(const struct move *m)
{
    return !m->file.folder && !*m->file.path && m->standing == STANDING_NOTHING;
}

/* Whether it cannot be executed and should be, or could when we placed it and should not.
 */
static bool has_other_mode(const struct move *m, const char *path)
{
    struct fs_state st;

    if (m->file.exec)
        return fs_stat(path, &st, NULL) == FS_FOUND && !(st.mode & S_IXUSR);
    return m->former && (m->former->state.mode & S_IXUSR);
}

/* Before anything is written: may it be? */
static int check_move(struct places *p, struct move *m, const char *path,
                      struct error *err)
{
    int rc;

    if (m->file.folder)
        return standing_allows_folder(&p->ground, path, err);
    rc = standing_of(&p->ground, path, m->former, &m->file.id, err);
    if (rc < 0)
        return rc;
    m->standing = (enum standing)rc;
    if (m->standing == STANDING_RIGHT && has_other_mode(m, path))
        m->standing = STANDING_OURS; /* of which only that has changed */
    rc = standing_allows_file(&p->ground, path, m->standing, m->former, err);
    return rc == 0 && is_alone(m) ? allows_folder_of(p, path, err) : rc;
}

static int check_moves(struct places *p, const char *to, struct moves *moves,
                       struct error *err)
{
    struct buf path = { 0 };
    int rc = 0;

    for (size_t i = 0; i < moves->n && rc == 0; i++) {
        struct move *m = &moves->move[i];

        rc = check_move(p, m, destination(p, to, m->file.path, &path), err);
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
        rc = standing_of(&p->ground, destination(p, t->to, f->path, &path), f, NULL, err);
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
        rc = store_object_state(p->ground.store, &file->id, state, err);
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
        store_object_state(p->ground.store, &m->file.id, &object, NULL) == FS_FOUND &&
        object.dev == state->dev && object.ino == state->ino)
        state->ctime_ns = 0; /* a link to it */
    return rc < 0 ? rc : 0;
}

/* Removes what was allowed to go, where it is not replaced. */
static int clear(struct move *m, const char *path, struct error *err)
{
    struct buf folder = { 0 };
    int rc = 0;

    if (m->standing == STANDING_FOLDER) {
        rc = fs_remove_tree(path, err);
        m->standing = STANDING_NOTHING;
    } else if (is_alone(m)) {
        fs_dirname(&folder, path);
        rc = standing_make_folder(buf_str(&folder), err);
    }
    buf_release(&folder);
    return rc;
}

/* Gives a file. Where nothing was, another larder may have been faster: what stands there
 * now is looked at again. */
static int give_move(struct places *p, struct move *m, const char *path,
                     struct fs_state *state, struct error *err)
{
    struct given given;
    int rc = 0;

    for (int i = 0; i < PLACE_TRIES && rc == 0; i++) {
        if (m->standing == STANDING_RIGHT)
            return state_of_right(p, m, path, state, err);
        rc = clear(m, path, err);
        if (rc < 0)
            break;
        rc = store_give(p->ground.store, &m->file, ground_below(&p->ground, path), p->how,
                        m->standing == STANDING_NOTHING ? GIVE_NEW : GIVE_OVER, &given,
                        err);
        if (rc == 0)
            return state_of_given(p, &m->file, &given, m->former, state, err);
        if (rc == E_INPUT && m->standing == STANDING_NOTHING)
            rc = check_move(p, m, path, err);
    }
    return rc < 0 ? rc
                  : error_set(err, E_INPUT, "%s comes and goes: who else writes there?",
                              path);
}

static int apply_move(struct places *p, struct placed_to *t, struct move *m,
                      const char *path, struct error *err)
{
    struct placed_file f = { .path = m->file.path, .id = m->file.id };
    int rc;

    if (m->file.folder)
        return standing_make_folder(path, err);
    rc = give_move(p, m, path, &f.state, err);
    if (rc < 0)
        return rc;
    p->dirty = p->dirty || !m->former || !digest_equal(&m->former->id, &f.id) ||
               !state_same(&m->former->state, &f.state);
    placed_add(&p->placed, t, &f);
    return 0;
}

static int apply_moves(struct places *p, const struct object *o, const char *to,
                       const struct moves *moves, struct error *err)
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

        rc = apply_move(p, t, m, destination(p, to, m->file.path, &path), err);
    }
    if (rc < 0) /* what is not whole does not stand */
        t->object = (struct object){ .kind = o->kind };
    t->is_new = rc == 0 && moves->anything;
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
    for (size_t i = 0; i < n; i++) {
        struct placed_to *t = p->unnamed[i];
        struct object o = t->object;

        t->object = (struct object){ .kind = o.kind }; /* it does not stand */
        t->is_new = false;
        if (rc >= 0)
            rc = places_put(p, &o, t->to, err);
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
    struct store_file file = {
        .path = "", .id = o->id, .size = o->size, .exec = o->kind == OBJECT_EXEC
    };
    struct placed_file *f = &t->file[0];
    struct buf b = { 0 }, aside = { 0 };
    struct fs_state state;
    struct given given;
    const char *path = ground_below(&p->ground, destination(p, t->to, "", &b)), *to;
    int rc = turn_to(p, path, err);

    if (rc < 0)
        goto out;
    to = aside_path(&p->aside, path, &aside);
    if (store_give(p->ground.store, &file, to, p->how,
                   to == path ? GIVE_NEW : GIVE_UNSEEN, &given, NULL) < 0 ||
        state_of_given(p, &file, &given, f, &state, NULL) < 0)
        goto out;
    rc = 1;
    p->dirty =
        p->dirty || !digest_equal(&f->id, &o->id) || !state_same(&f->state, &state);
    t->object = *o;
    t->is_absent = false;
    t->is_new = true;
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

int places_put(struct places *p, const struct object *o, const char *to,
               struct error *err)
{
    struct placed_to *t = placed_find(&p->placed, to);
    struct moves moves = { 0 };
    size_t n_kept = 0;
    bool anything;
    int rc = 0;

    if (o->kind == OBJECT_TREE && stands(p, t, o))
        return PLACE_STANDS;
    if (o->kind != OBJECT_TREE && t && t->is_absent && is_one_file(t))
        rc = put_absent(p, t, o, err);
    if (rc != 0)
        return rc < 0 ? rc : PLACE_NEW;
    rc = places_settle(p, err);
    if (rc == 0)
        rc = store_each_file(p->ground.store, o, add_move, &moves, err);
    if (rc == 0)
        n_kept = find_former(t, &moves);
    if (rc == 0)
        rc = check_moves(p, to, &moves, err);
    if (rc == 0 && t && t->n_files > n_kept)
        rc = remove_former(p, t, &moves, err);
    if (rc == 0)
        rc = apply_moves(p, o, to, &moves, err);
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
