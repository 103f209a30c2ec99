#include "facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fetch.h"
#include "from.h"
#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/folder.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "lock.h"

struct fact {
    const struct source *source;
    bool is_located;
    struct located at;
    struct error *missing; /* what was told when it was nowhere; in the arena, or NULL */
};

struct facts {
    const struct plan *plan;
    struct state *state;
    struct store *store;
    const struct say *say;  /* NULL: nothing is fetched or locked */
    struct fact *fact;      /* of plan->source */
    struct map executables; /* by path, to struct located in the arena */
    bool away; /* a server, since the source was looked for that is asked for now */
    struct arena arena;
};

void facts_new(struct facts **to, const struct plan *plan, struct state *state,
               struct store *store)
{
    struct facts *f = xcalloc(1, sizeof *f);

    f->plan = plan;
    f->state = state;
    f->store = store;
    f->fact = xcalloc(plan->n_sources + 1, sizeof *f->fact);
    for (size_t i = 0; i < plan->n_sources; i++)
        f->fact[i].source = plan->source[i];
    *to = f;
}

void facts_free(struct facts *f)
{
    if (!f)
        return;
    free(f->fact);
    map_release(&f->executables);
    arena_release(&f->arena);
    free(f);
}

void facts_allow_fetch(struct facts *f, const struct say *say)
{
    f->say = say;
}

static struct fact *find(struct facts *f, const struct source *s)
{
    return &f->fact[s->index];
}

/* ---- one candidate ----------------------------------------------------------------- */

/* s: as it was just now, or NULL. FS_FOUND, FS_ABSENT or an error. */
static int digest_seen(struct state *state, const char *path, const struct stat *s,
                       struct digest *d, struct fs_state *st, struct error *err)
{
    if (!s)
        return state_digest_file(state, path, d, st, err);
    fs_state_of(s, st);
    return state_digest_seen(state, path, d, st, err);
}

/* The digest of a file in a folder, with its size: for folder_name(). */
static int digest_one(void *self, const char *path, const struct stat *s,
                      struct digest *d, long long *size, struct error *err)
{
    struct facts *f = self;
    struct fs_state st;
    int rc = digest_seen(f->state, path, s, d, &st, err);

    *size = (long long)st.size;
    return rc == FS_ABSENT ? error_set(err, E_INPUT, "%s is gone", path) : rc;
}

static int digest_folder(struct facts *f, const struct source *s, const char *path,
                         struct object *o, struct error *err)
{
    struct folder_visit visit = {
        .file = digest_one,
        .self = f,
        .links = s->is_tool,
        .no_pycache = s->is_tool || s->is_code,
    };
    int rc = folder_name(path, &visit, o, err);

    if (rc != E_STAGE)
        return rc;
    if (err)
        err->code = E_INPUT; /* it is the user's, not a step's */
    if (s->is_import)        /* another one of its candidates may be fine */
        error_context(err, "%s", path);
    return E_INPUT;
}

static const char *kind_of(mode_t mode)
{
    return S_ISREG(mode)    ? "a file"
           : S_ISFIFO(mode) ? "a named pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* Whether it is worth reading; what it is instead goes to the story. */
static bool looks_right(const struct source *s, const struct fs_state *st,
                        struct buf *story)
{
    bool folder = S_ISDIR(st->mode);

    if (s->kind == OBJECT_TREE && !folder)
        buf_printf(story, "%s, not a folder", kind_of(st->mode));
    else if (s->kind == OBJECT_FILE && folder)
        buf_adds(story, "a folder, not a file; a folder is written with / at its end");
    else if (s->kind == OBJECT_FILE && !S_ISREG(st->mode))
        buf_printf(story, "%s, not a file", kind_of(st->mode));
    else if (s->kind == OBJECT_FILE && s->pin.size >= 0 &&
             (uint64_t)s->pin.size != st->size)
        buf_printf(story, "%llu bytes", (unsigned long long)st->size);
    else
        return true;
    return false;
}

/* An import is known by its bytes, which may come from anywhere; of a file of the project
 * it counts whether it may be executed. */
static enum object_kind object_kind_of(const struct source *s, const struct fs_state *st)
{
    return s->kind == OBJECT_FILE && !s->is_import && (st->mode & S_IXUSR) ? OBJECT_EXEC
                                                                           : s->kind;
}

/* A path: FS_FOUND with *at filled in, or FS_ABSENT with what is there instead appended
 * to story. */
static int try_path(struct facts *f, const struct source *s, const char *path,
                    struct located *at, struct buf *story, struct error *err)
{
    struct object o = { 0 };
    struct fs_state st, before;
    bool young;
    int rc = fs_stat(path, &st, err);

    if (rc < 0)
        return rc;
    before = st;
    young = !state_is_settled(&before);
    if (rc == FS_ABSENT) {
        buf_adds(story, "absent");
        return FS_ABSENT;
    }
    if (!looks_right(s, &st, story))
        return FS_ABSENT;
    o.kind = object_kind_of(s, &st);
    rc = s->kind == OBJECT_TREE ? digest_folder(f, s, path, &o, err)
                                : state_digest_file(f->state, path, &o.id, &st, err);
    if (rc != FS_FOUND)
        return rc;
    if (s->kind == OBJECT_FILE)
        o.size = (long long)st.size;
    rc = pin_check(&s->pin, &o, path, story, err);
    if (rc == PIN_FITS)
        *at = (struct located){ .object = o,
                                .path = path,
                                .state = st,
                                .young = young || !state_same(&before, &st) };
    return rc < 0 ? rc : rc == PIN_FITS ? FS_FOUND : FS_ABSENT;
}

static int try_url(struct facts *f, const struct source *s, const char *url,
                   struct located *at, struct buf *story, struct error *err)
{
    struct object o;
    int rc = fetch_source(f->store, f->say, s, url, &o, story, err);

    if (rc == FETCH_DONE)
        *at = (struct located){ .object = o };
    f->away |= rc == FETCH_AWAY;
    return rc < 0 ? rc : rc == FETCH_DONE ? FS_FOUND : FS_ABSENT;
}

enum { ABROAD = 2 }; /* it would have to be fetched */

/* Like try_path(); or ABROAD. */
static int try_candidate(struct facts *f, const struct source *s, const char *from,
                         struct located *at, struct buf *story, struct error *err)
{
    bool url = source_is_url(from);

    if (url && !f->say)
        return ABROAD;
    if (story->len)
        buf_adds(story, "; ");
    if (url)
        from_show(from, story);
    else
        buf_adds(story, from);
    buf_adds(story, ": ");
    return url ? try_url(f, s, from, at, story, err)
               : try_path(f, s, from, at, story, err);
}

/* ---- all of them ------------------------------------------------------------------- */

/* In order. Of a pinned one all candidates are the same, so what costs nothing is taken
 * first: files, then the store, then the network. */
static int try_all(struct facts *f, const struct source *s, struct located *at,
                   struct buf *story, struct error *err)
{
    int rc = FS_ABSENT;

    for (size_t i = 0; i < s->n_from && rc == FS_ABSENT; i++)
        if (!s->pin.full || !source_is_url(s->from[i]))
            rc = try_candidate(f, s, s->from[i], at, story, err);
    if (rc != FS_ABSENT || !s->pin.full || !s->is_import)
        return rc;
    rc = fetch_find(f->store, s, &at->object, err);
    for (size_t i = 0; i < s->n_from && rc == FETCH_FAILED; i++)
        if (source_is_url(s->from[i]))
            rc = try_candidate(f, s, s->from[i], at, story, err);
    return rc;
}

/* A candidate with a variable that is not set has fallen out. */
static void tell_unset(const struct source *s, struct buf *story)
{
    if (s->missing)
        buf_printf(story, "%s${env.%s}, which is not set", story->len ? "; " : "",
                   s->missing);
}

/* What was looked for: "no file with sha256:..." */
static void tell_wanted(const struct facts *f, const struct source *s, struct buf *to)
{
    const char *what = s->kind == OBJECT_TREE ? "folder" : "file";
    char hex[DIGEST_HEX + 1];

    if (s->pin.full)
        buf_printf(to, "no %s with sha256:%s", what, digest_hex(&s->pin.digest, hex));
    else if (s->pins)
        buf_printf(to, "no %s with %s", what, s->pins);
    else
        buf_printf(to, "no such %s", what);
    if (s->locked)
        buf_printf(to, ", which %s:%d says", f->plan->lock_file, s->locked);
}

/* What to do. */
static const char *advice(const struct facts *f, const struct source *s)
{
    if (f->away)
        return "; try again later, or add another place to its `from:`";
    if (s->missing)
        return "; set it, or add the path of a copy to its `from:`";
    if (s->locked)
        return "; delete that line to accept what is there now";
    if (s->pin.full || s->pins)
        return "; install the data, or add the path of a copy to its `from:`";
    return "; make it, or change the path";
}

static int not_found(const struct facts *f, const struct source *s, struct buf *story,
                     struct error *err)
{
    struct buf wanted = { 0 };
    int code = f->away ? E_REMOTE : E_INPUT;

    tell_unset(s, story);
    tell_wanted(f, s, &wanted);
    pos_error(&s->pos, err, "%s: %s; looked at %s%s", s->name, buf_str(&wanted),
              buf_str(story), advice(f, s));
    buf_release(&wanted);
    if (err)
        err->code = code;
    return code;
}

static int refused(const struct source *s, struct error *err)
{
    char *story = xstrdup(err->text);
    int rc = pos_error(&s->pos, err, "%s: %s", s->name, story);

    free(story);
    return rc;
}

/* What was pinned by less is pinned by its digest from now on. */
static int lock(struct facts *f, const struct source *s, const struct object *o,
                struct error *err)
{
    struct lock_line line = { .name = s->name, .pins = s->pins, .object = *o };

    if (!s->pins || s->locked || !f->say)
        return 0;
    return lock_add(f->plan->lock_path, f->plan->lock_file, &line, err);
}

/* Many steps may read it: servers are not asked for it again. */
static int remember_missing(struct facts *f, struct fact *fact, int rc,
                            const struct error *err)
{
    if (err) {
        fact->missing = arena_alloc(&f->arena, sizeof *fact->missing);
        *fact->missing = *err;
    }
    return rc;
}

/* FACTS_KNOWN, FACTS_ABROAD or an error. */
static int locate(struct facts *f, struct fact *fact, struct error *err)
{
    const struct source *s = fact->source;
    struct buf story = { 0 };
    int rc;

    if (fact->is_located)
        return FACTS_KNOWN;
    if (fact->missing)
        return error_set(err, fact->missing->code, "%s", fact->missing->text);
    f->away = false;
    rc = try_all(f, s, &fact->at, &story, err);
    if (rc == FS_ABSENT)
        rc = remember_missing(f, fact, not_found(f, s, &story, err), err);
    else if (rc == FS_FOUND)
        rc = lock(f, s, &fact->at.object, err);
    else if (rc == E_INPUT) /* what it is cannot be taken */
        rc = refused(s, err);
    else if (rc < 0)
        rc = error_context(err, "%s", s->name);
    fact->is_located = rc == 0;
    buf_release(&story);
    return rc == ABROAD ? FACTS_ABROAD : rc;
}

int facts_identify(struct facts *f, const struct source *s, struct object *o,
                   struct error *err)
{
    struct fact *fact = find(f, s);
    int rc;

    if (s->pin.full) {
        *o = (struct object){ s->kind, s->pin.digest, s->pin.size };
        return FACTS_KNOWN;
    }
    rc = locate(f, fact, err);
    if (rc == FACTS_KNOWN)
        *o = fact->at.object;
    return rc;
}

int facts_find(struct facts *f, const struct source *s, const struct located **l,
               struct error *err)
{
    struct fact *fact = find(f, s);

    *l = &fact->at;
    return locate(f, fact, err);
}

int facts_locate(struct facts *f, const struct source *s, const struct located **l,
                 struct error *err)
{
    int rc = facts_find(f, s, l, err);

    assert(rc != FACTS_ABROAD);
    return rc;
}

/* Whether a candidate may be what is wanted; else what is there goes to the story. */
static bool is_likely(const struct source *s, const char *from, struct buf *story)
{
    struct fs_state st;

    if (source_is_url(from))
        return true;
    buf_printf(story, "%s%s: ", story->len ? "; " : "", from);
    if (fs_stat(from, &st, NULL) == FS_FOUND)
        return looks_right(s, &st, story);
    buf_adds(story, "absent");
    return false;
}

int facts_seek(struct facts *f, const struct source *s, struct error *err)
{
    struct buf story = { 0 };
    struct object o;
    bool likely = find(f, s)->is_located;
    int rc = 0;

    for (size_t i = 0; i < s->n_from && !likely; i++)
        likely = is_likely(s, s->from[i], &story);
    if (!likely && s->is_import)
        rc = fetch_find(f->store, s, &o, err);
    if (!likely && (rc == FETCH_FAILED || !s->is_import)) {
        f->away = false;
        rc = not_found(f, s, &story, err);
    }
    buf_release(&story);
    return rc;
}

bool facts_is_here(struct facts *f, const struct source *s)
{
    struct buf story = { 0 };
    struct error ignored = { 0 };
    struct object o;
    bool here = find(f, s)->is_located;

    for (size_t i = 0; i < s->n_from && !here; i++)
        here = !source_is_url(s->from[i]) && is_likely(s, s->from[i], &story);
    buf_release(&story);
    return here || fetch_find(f->store, s, &o, &ignored) == FETCH_DONE;
}

static int confirm_folder(struct facts *f, const struct fact *fact, struct error *err)
{
    struct object now;
    int rc = digest_folder(f, fact->source, fact->at.path, &now, err);

    if (rc == 0 && !digest_equal(&now.id, &fact->at.object.id))
        rc = error_set(err, E_INPUT, "%s changed while the step ran; run again",
                       fact->source->name);
    return rc;
}

int facts_confirm(struct facts *f, const struct source *s, struct error *err)
{
    struct fact *fact = find(f, s);
    struct fs_state now;
    struct digest d;
    int rc;

    if (!fact->is_located || !fact->at.path)
        return 0;
    if (s->kind == OBJECT_TREE) /* of others the step has read what the store has */
        return s->is_tool || s->is_code ? confirm_folder(f, fact, err) : 0;
    rc = fs_stat(fact->at.path, &now, err);
    if (rc < 0)
        return rc;
    if (rc == FS_FOUND && state_same(&now, &fact->at.state)) {
        if (!fact->at.young)
            return 0;
        rc = digest_file(&d, NULL, fact->at.path, err);
        if (rc < 0)
            return rc;
        if (digest_equal(&d, &fact->at.object.id))
            return 0;
    }
    return error_set(err, E_INPUT, "%s changed while the step ran; run again", s->name);
}

int facts_executable(struct facts *f, const char *path, struct digest *d,
                     struct error *err)
{
    struct located *at = map_get(&f->executables, path), now = { .path = path };
    int rc;

    if (at) {
        *d = at->object.id;
        return 0;
    }
    rc = fs_stat(path, &now.state, err);
    now.young = rc == FS_FOUND && !state_is_settled(&now.state);
    if (rc == FS_FOUND)
        rc = state_digest_file(f->state, path, &now.object.id, &now.state, err);
    if (rc != FS_FOUND)
        return rc;
    at = arena_alloc(&f->arena, sizeof *at);
    *at = now;
    *d = now.object.id;
    map_set(&f->executables, path, at);
    return 0;
}

/* A file that was young when it was read may be old enough now; it is read again. Its
 * state, or one that no file has. */
static const struct fs_state *settled_state(struct facts *f, struct located *at)
{
    static const struct fs_state never;
    struct fs_state now;
    struct digest d;

    if (at->young && fs_stat(at->path, &now, NULL) == FS_FOUND &&
        state_is_settled(&now) &&
        state_digest_file(f->state, at->path, &d, &now, NULL) == FS_FOUND &&
        digest_equal(&d, &at->object.id)) {
        at->state = now;
        at->young = false;
    }
    return at->young ? &never : &at->state;
}

/* What a folder is now, told file by file. */
struct vouching {
    struct facts *f;
    facts_tell *tell;
    void *self;
};

static int vouch_file(void *self, const char *path, const struct stat *s,
                      struct digest *d, long long *size, struct error *err)
{
    static const struct fs_state never;
    struct vouching *v = self;
    struct fs_state st;
    int rc = digest_seen(v->f->state, path, s, d, &st, err);

    if (rc != FS_FOUND)
        return rc < 0 ? rc : error_set(err, E_INPUT, "%s is gone", path);
    *size = (long long)st.size;
    v->tell(v->self, path, state_is_settled(&st) ? &st : &never);
    return 0;
}

static int vouch_folder(void *self, const char *path, struct error *err)
{
    static const struct fs_state never;
    struct vouching *v = self;
    struct fs_state st;
    int rc = fs_stat(path, &st, err);

    v->tell(v->self, path, rc == FS_FOUND && state_is_settled(&st) ? &st : &never);
    return rc < 0 ? rc : 0;
}

/* Its files and folders, if together they still are the tree that was used. */
static bool vouch_tree(struct facts *f, const struct source *s, const struct located *at,
                       facts_tell *tell, void *self)
{
    struct vouching v = { f, tell, self };
    struct folder_visit visit = {
        .file = vouch_file,
        .folder = vouch_folder,
        .self = &v,
        .links = s->is_tool,
        .no_pycache = s->is_tool || s->is_code,
    };
    struct object now;

    return folder_name(at->path, &visit, &now, NULL) == 0 &&
           digest_equal(&now.id, &at->object.id);
}

bool facts_vouch(struct facts *f, const struct source *s, facts_tell *tell, void *self)
{
    struct fact *fact = find(f, s);
    struct located *at = &fact->at;

    if (s->pin.full)
        return true;
    if (!fact->is_located || !at->path)
        return false;
    for (size_t i = 0; s->from[i] != at->path; i++) {
        struct fs_state st;

        if (!source_is_url(s->from[i]))
            tell(self, s->from[i],
                 fs_stat(s->from[i], &st, NULL) == FS_ABSENT ? NULL : &st);
    }
    if (s->kind == OBJECT_TREE)
        return vouch_tree(f, s, at, tell, self);
    tell(self, at->path, settled_state(f, at));
    return true;
}

void facts_vouch_executables(struct facts *f, facts_tell *tell, void *self)
{
    for (size_t i = 0; i < f->executables.n; i++) {
        struct located *at = f->executables.entry[i].value;

        tell(self, at->path, settled_state(f, at));
    }
}
