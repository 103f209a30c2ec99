#include "discovered.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kind.h"
#include "larder/banned.h"
#include "larder/fs.h"

#include "planted.h"

static const char head[] = "larder-discovered 1\n";

/* A list that was looked at. */
struct checked {
    const char *changed; /* or NULL */
    const char *text;
};

bool discovered_matter(const struct step *step)
{
    return !step->program && !step->n_tools;
}

static bool recall(struct session *s, const struct digest *kind, struct object *list)
{
    const char *changed;

    return state_discovered(s->state, kind, list) &&
           discovered_check(s, list, &changed, NULL) == 0 && !changed;
}

bool discovered_recall(struct session *s, const struct work *w, struct object *list)
{
    struct digest kind;

    if (kind_of_plain(w, &kind) && state_discovered(s->state, &kind, list))
        return true; /* and it is none */
    kind_of(w, &kind);
    if (recall(s, &kind, list))
        return true;
    *list = (struct object){ 0 };
    return false;
}

/* ---- writing a list -----------------------------------------------------------------
 */

/* What says who and where we are, rather than what is installed, and what other files
 * here say again. */
static bool is_of_the_machine(const char *path)
{
    static const char *const folder[] = {
        "/dev",           "/run",          "/var/run",         "/etc/passwd",
        "/etc/group",     "/etc/hosts",    "/etc/resolv.conf", "/etc/nsswitch.conf",
        "/etc/localtime", "/etc/timezone", "/etc/machine-id",  "/etc/mtab",
        "/etc/host.conf", "/etc/gai.conf", "/etc/ld.so.cache",
    };

    for (size_t i = 0; i < sizeof folder / sizeof folder[0]; i++)
        if (fs_is_below(path, folder[i]))
            return true;
    return false;
}

bool discovered_compiled(const char *path, struct buf *module)
{
    static const char cache[] = "/__pycache__";
    const char *at = strstr(path, cache), *name = at ? at + sizeof cache : NULL;

    if (!at)
        return false;
    buf_add(module, path, (size_t)(at - path) + 1);
    if (at[sizeof cache - 1] == '/') {
        buf_add(module, name, strcspn(name, "."));
        buf_adds(module, ".py");
    }
    return true;
}

/* The names in a folder. */
static int digest_folder(const char *path, struct digest *d, struct error *err)
{
    char **name = NULL;
    struct buf b = { 0 };
    size_t n = 0;
    int rc = fs_list(path, &name, &n, err);

    for (size_t i = 0; i < n; i++)
        if (strcmp(name[i], "__pycache__") != 0)
            buf_printf(&b, "%s\n", name[i]);
    digest_bytes(d, buf_str(&b), b.len);
    buf_release(&b);
    free(name);
    return rc;
}

/* ctime may have moved: a link to the file is enough for that. */
static bool is_same_file(const struct fs_state *a, const struct fs_state *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

static int changed_while(const char *path, struct error *err)
{
    return error_set(err, E_STAGE, "%s changed while the step ran; run again", path);
}

static int write_line(struct session *s, const struct trace_entry *e, struct buf *to,
                      struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct fs_state now;
    struct digest d;
    int rc = 0;

    if (e->how & TRACE_LIST) {
        rc = digest_folder(e->path, &d, err);
        buf_adds(to, "folder ");
    } else if (e->how & (TRACE_READ | TRACE_RUN)) {
        rc = state_digest_file(s->state, e->path, &d, &now, err);
        if (rc == FS_ABSENT || (rc == FS_FOUND && !is_same_file(&now, &e->state)))
            rc = changed_while(e->path, err);
        buf_adds(to, "file ");
    } else {
        buf_adds(to, "absent ");
    }
    if (rc < 0)
        return rc;
    if (e->how & (TRACE_LIST | TRACE_READ | TRACE_RUN))
        buf_printf(to, "sha256:%s ", digest_hex(&d, hex));
    buf_printf(to, "%s\n", e->path);
    return 0;
}

static bool is_gift(struct fence *f, const char *path)
{
    char *real = realpath(path, NULL);
    bool gift = fence_gave(f, real ? real : path);

    free(real);
    return gift;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct trace_entry *)a)->path,
                  ((const struct trace_entry *)b)->path);
}

/* The entries that belong in a list, sorted, each path once; arena memory. */
static struct trace_entry *choose(struct trace *t, struct fence *f, struct arena *arena,
                                  size_t *n)
{
    size_t n_seen, kept = 0;
    const struct trace_entry *seen = trace_seen(t, &n_seen);
    struct trace_entry *e = arena_alloc(arena, (n_seen + 1) * sizeof *e);
    struct buf module = { 0 };
    struct stat st;

    *n = 0;
    for (size_t i = 0; i < n_seen; i++) {
        buf_reset(&module);
        e[*n] = seen[i];
        if (discovered_compiled(seen[i].path, &module)) {
            if (!(seen[i].how & TRACE_READ) || stat(buf_str(&module), &st) < 0 ||
                !S_ISREG(st.st_mode))
                continue;
            e[*n].path = arena_strdup(arena, module.s);
            fs_state_of(&st, &e[*n].state);
        }
        if (!(seen[i].how & TRACE_WRITE) && !strchr(seen[i].path, '\n') &&
            !is_of_the_machine(seen[i].path) && !is_gift(f, seen[i].path))
            ++*n;
    }
    if (*n)
        qsort(e, *n, sizeof *e, compare_paths);
    for (size_t i = 0; i < *n; i++)
        if (i == 0 || strcmp(e[i].path, e[kept - 1].path) != 0)
            e[kept++] = e[i];
        else
            e[kept - 1].how |= e[i].how;
    *n = kept;
    buf_release(&module);
    return e;
}

/* The text of the list. */
static int write_list(struct session *s, struct trace *t, struct fence *f,
                      struct buf *text, struct error *err)
{
    struct arena arena = { 0 };
    struct trace_entry *e;
    size_t n;
    int rc = 0;

    e = choose(t, f, &arena, &n);
    buf_adds(text, head);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = write_line(s, &e[i], text, err);
    arena_release(&arena);
    return rc;
}

int discovered_keep(struct session *s, const struct work *w, struct trace *t,
                    struct fence *f, bool sync, struct object *list, struct error *err)
{
    struct buf text = { 0 };
    const char *changed;
    struct digest kind;
    int rc;

    *list = (struct object){ 0 };
    if (kind_of_plain(w, &kind) && kind_saw_plain(w, t, f)) {
        state_set_discovered(s->state, &kind, list);
        return 0;
    }
    rc = write_list(s, t, f, &text, err);
    if (rc == 0)
        rc = store_add_bytes(s->store, text.s, text.len, sync, list, err);
    if (rc == 0) {
        kind_of(w, &kind);
        state_set_discovered(s->state, &kind, list);
        rc = discovered_check(s, list, &changed, err); /* for the proof */
    }
    buf_release(&text);
    return rc;
}

/* ---- looking ------------------------------------------------------------------------
 */

/* A line of a list. */
struct line {
    enum { LINE_FILE, LINE_FOLDER, LINE_ABSENT } kind;
    struct digest digest;
    const char *path;
};

/* Takes the line at *at, which is cut out of the text; false where it is none. */
static bool next_line(char **at, struct line *line)
{
    static const char *const word[] = { "file sha256:", "folder sha256:", "absent " };
    char *s = *at, *end = strchr(s, '\n'), hex[DIGEST_HEX + 1];

    if (!end)
        return false;
    *end = '\0';
    *at = end + 1;
    line->kind = LINE_FILE;
    while (strncmp(s, word[line->kind], strlen(word[line->kind])) != 0)
        if (line->kind++ == LINE_ABSENT)
            return false;
    s += strlen(word[line->kind]);
    if (line->kind != LINE_ABSENT) {
        if (end - s <= DIGEST_HEX || s[DIGEST_HEX] != ' ')
            return false;
        memcpy(hex, s, DIGEST_HEX);
        hex[DIGEST_HEX] = '\0';
        if (!digest_parse(&line->digest, hex))
            return false;
        s += DIGEST_HEX + 1;
    }
    line->path = s;
    return *s == '/';
}

/* Whether it is as the line says; *st its state, unless it is absent. */
static bool is_as_said(struct state *state, const struct line *line, struct fs_state *st)
{
    struct digest d;
    int rc;

    if (line->kind == LINE_FILE)
        rc = state_digest_file(state, line->path, &d, st, NULL);
    else
        rc = fs_stat(line->path, st, NULL);
    if (line->kind == LINE_ABSENT)
        return rc == FS_ABSENT;
    if (rc == FS_FOUND && line->kind == LINE_FOLDER)
        rc = digest_folder(line->path, &d, NULL);
    return rc == FS_FOUND && digest_equal(&d, &line->digest);
}

/* What is not as the list says, in arena memory, or NULL. */
static const char *find_change(struct session *s, const char *text)
{
    static const char *const what[] = { "changed", "has other names in it",
                                        "is there now" };
    char *copy = xstrdup(text), *at = copy + sizeof head - 1;
    const char *changed = NULL;
    struct fs_state st;
    struct line line;

    while (*at && !changed && !is_left_out("module")) {
        if (!next_line(&at, &line))
            changed = "its list of discovered inputs is damaged";
        else if (!is_as_said(s->state, &line, &st))
            changed = arena_printf(&s->arena, "%s %s", line.path,
                                   fs_exists(line.path) || line.kind == LINE_ABSENT
                                       ? what[line.kind]
                                       : "is gone");
    }
    free(copy);
    return changed;
}

static int read_list(struct session *s, const struct object *list, struct buf *text,
                     struct error *err)
{
    struct buf path = { 0 };
    struct digest d;
    int rc = 0;

    store_object_path(s->store, &list->id, &path);
    if (fs_exists(buf_str(&path)))
        rc = fs_read(buf_str(&path), text, err);
    digest_bytes(&d, buf_str(text), text->len);
    if (rc == 0 && (!digest_equal(&d, &list->id) || strlen(buf_str(text)) != text->len ||
                    strncmp(buf_str(text), head, sizeof head - 1) != 0))
        buf_reset(text);
    buf_release(&path);
    return rc;
}

int discovered_check(struct session *s, const struct object *list, const char **changed,
                     struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct checked *c = map_get(&s->discovered, digest_hex(&list->id, hex));
    struct buf text = { 0 };
    int rc = 0;

    if (!c) {
        c = arena_alloc(&s->arena, sizeof *c);
        rc = read_list(s, list, &text, err);
        c->text = arena_strdup(&s->arena, buf_str(&text));
        c->changed = *c->text ? find_change(s, c->text)
                              : "its list of discovered inputs is not in the cache";
        map_set(&s->discovered, hex, c);
    }
    *changed = c->changed;
    buf_release(&text);
    return rc;
}

/* A file or folder that is too young is told with a state that none has. */
static void vouch(const struct session *s, const char *text, facts_tell *tell, void *self)
{
    static const struct fs_state never;
    char *copy = xstrdup(text), *at = copy + sizeof head - 1;
    struct line line;

    while (*at && next_line(&at, &line)) {
        struct fs_state st;

        if (!is_as_said(s->state, &line, &st))
            tell(self, line.path, &never);
        else if (line.kind == LINE_ABSENT)
            tell(self, line.path, NULL);
        else
            tell(self, line.path, state_is_settled(&st) ? &st : &never);
    }
    free(copy);
}

void discovered_vouch(const struct session *s, facts_tell *tell, void *self)
{
    for (size_t i = 0; i < s->discovered.n; i++) {
        const struct checked *c = s->discovered.entry[i].value;

        if (!c->changed)
            vouch(s, c->text, tell, self);
    }
}
