#include "facts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"

struct fact {
    const struct source *source;
    bool is_located;
    struct located at;
};

struct facts {
    struct state *state;
    struct store *store;
    struct fact *fact;      /* of plan->source */
    struct map executables; /* by path, to struct located in the arena */
    struct arena arena;
};

void facts_new(struct facts **to, const struct plan *plan, struct state *state,
               struct store *store)
{
    struct facts *f = xcalloc(1, sizeof *f);

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

static struct fact *find(struct facts *f, const struct source *s)
{
    return &f->fact[s->index];
}

/* One candidate: FS_FOUND with *at filled in, or FS_ABSENT with what is there instead
 * appended to story. */
static int try_candidate(struct facts *f, const struct source *s, const char *path,
                         struct located *at, struct buf *story, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct fs_state st, before;
    struct digest d;
    bool young;
    int rc = fs_stat(path, &st, err);

    if (rc < 0)
        return rc;
    before = st;
    young = !state_is_settled(&before);
    buf_printf(story, "%s%s: ", story->len ? "; " : "", path);
    if (rc == FS_ABSENT) {
        buf_adds(story, "absent");
        return FS_ABSENT;
    }
    if (!S_ISREG(st.mode)) {
        buf_adds(story, S_ISDIR(st.mode) ? "a folder, not a file" : "not a regular file");
        return FS_ABSENT;
    }
    if (s->pinned && s->size >= 0 && (uint64_t)s->size != st.size) {
        buf_printf(story, "%llu bytes", (unsigned long long)st.size);
        return FS_ABSENT;
    }
    rc = state_digest_file(f->state, path, &d, &st, err);
    if (rc != FS_FOUND)
        return rc;
    if (s->pinned && !digest_equal(&d, &s->digest)) {
        buf_printf(story, "sha256:%s", digest_hex(&d, hex));
        return FS_ABSENT;
    }
    *at = (struct located){
        .object = { .kind = OBJECT_FILE, .id = d, .size = (long long)st.size },
        .path = path,
        .state = st,
        .young = young || !state_same(&before, &st),
    };
    return FS_FOUND;
}

/* A pinned import may be an object of the store. */
static int try_store(struct facts *f, const struct source *s, struct located *at,
                     struct error *err)
{
    struct object o = { .kind = OBJECT_FILE, .id = s->digest };
    struct buf path = { 0 };
    struct fs_state st;
    int rc;

    store_object_path(f->store, &o.id, &path);
    rc = fs_stat(buf_str(&path), &st, err);
    if (rc == FS_FOUND) {
        o.size = (long long)st.size;
        rc = store_check(f->store, &o, false, NULL, err);
        if (rc > 0)
            rc = FS_ABSENT; /* damaged: as good as absent */
    }
    if (rc == FS_FOUND)
        *at = (struct located){ .object = o };
    buf_release(&path);
    return rc;
}

static int not_found(const struct source *s, const char *story, struct error *err)
{
    char hex[DIGEST_HEX + 1];

    if (s->pinned)
        return pos_error(&s->pos, err,
                         "%s: no file with sha256:%s; looked at %s; install the data, or "
                         "add the path of a copy to its `from:`",
                         s->name, digest_hex(&s->digest, hex), story);
    return pos_error(&s->pos, err, "%s: no such file; looked at %s", s->name, story);
}

static int locate(struct facts *f, struct fact *fact, struct error *err)
{
    const struct source *s = fact->source;
    struct buf story = { 0 };
    int rc = FS_ABSENT;

    if (fact->is_located)
        return 0;
    for (size_t i = 0; i < s->n_from && rc == FS_ABSENT; i++)
        rc = try_candidate(f, s, s->from[i], &fact->at, &story, err);
    if (rc == FS_ABSENT && s->pinned && s->is_import)
        rc = try_store(f, s, &fact->at, err);
    if (rc == FS_ABSENT)
        rc = not_found(s, buf_str(&story), err);
    else if (rc < 0)
        rc = error_context(err, "%s", s->name);
    fact->is_located = rc == 0;
    buf_release(&story);
    return rc;
}

int facts_identify(struct facts *f, const struct source *s, struct object *o,
                   struct error *err)
{
    struct fact *fact = find(f, s);
    int rc;

    if (s->pinned) {
        *o = (struct object){ .kind = OBJECT_FILE, .id = s->digest, .size = s->size };
        return 0;
    }
    rc = locate(f, fact, err);
    if (rc == 0)
        *o = fact->at.object;
    return rc;
}

int facts_locate(struct facts *f, const struct source *s, const struct located **l,
                 struct error *err)
{
    struct fact *fact = find(f, s);
    int rc = locate(f, fact, err);

    *l = &fact->at;
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
        return rc < 0 ? rc : error_set(err, E_INPUT, "%s is gone", path);
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

bool facts_vouch(struct facts *f, const struct source *s, facts_tell *tell, void *self)
{
    struct fact *fact = find(f, s);
    struct located *at = &fact->at;

    if (s->pinned)
        return true;
    if (!fact->is_located || !at->path)
        return false;
    for (size_t i = 0; s->from[i] != at->path; i++) {
        struct fs_state st;

        tell(self, s->from[i], fs_stat(s->from[i], &st, NULL) == FS_ABSENT ? NULL : &st);
    }
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
