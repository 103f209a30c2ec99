#include "discovered.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/formats.h"
#include "larder/fs.h"
#include "plain.h"

#include "planted.h"

static const char head[] = FORMAT_DISCOVERED "\n";

/* A list that was looked at. */
struct checked {
    const char *changed; /* or NULL */
    const char *text;
};

bool discovered_matter(const struct step *step)
{
    return !step->program && !step->n_tools;
}

bool discovered_nothing(struct session *s, const struct work *w)
{
    struct digest plain;

    return plain_of(w, &plain) && state_is_plain(s->state, &plain);
}

/* ---- writing a list -----------------------------------------------------------------
 */

/* What says who and where we are, rather than what is installed, what other files here
 * say again, and what changes all the time. */
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
    return !strcmp(path, "/tmp") || !strcmp(path, "/var/tmp");
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

static int digest_link(const char *path, struct digest *d, struct error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target);

    if (n < 0)
        return error_system(err, "%s", path);
    digest_bytes(d, target, (size_t)n);
    return 0;
}

/* ctime may have moved: a link to the file is enough for that. */
static bool is_same_file(const struct fs_state *a, const struct fs_state *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

/* What a file is, without its content: "file 12", "folder". */
static void describe(const struct fs_state *st, struct buf *to)
{
    if (S_ISREG(st->mode))
        buf_printf(to, "%s %llu", st->mode & S_IXUSR ? "program" : "file",
                   (unsigned long long)st->size);
    else
        buf_adds(to, S_ISDIR(st->mode) ? "folder" : "other");
}

static int changed_while(const char *path, struct error *err)
{
    return error_set(err, E_STAGE, "%s changed while the step ran; run again", path);
}

static void add_line(struct buf *to, const char *word, const struct digest *d,
                     const char *path)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "%s sha256:%s %s\n", word, digest_hex(d, hex), path);
}

static int write_link(const struct trace_entry *e, struct buf *to, struct error *err)
{
    struct fs_state now = { 0 };
    struct digest d;
    struct stat st;
    int rc = digest_link(e->path, &d, err);

    if (lstat(e->path, &st) == 0)
        fs_state_of(&st, &now);
    if (rc == 0 && !is_same_file(&now, &e->link))
        rc = changed_while(e->path, err);
    if (rc == 0)
        add_line(to, "link", &d, e->path);
    return rc;
}

static int write_content(struct session *s, const struct trace_entry *e, struct buf *to,
                         struct error *err)
{
    struct fs_state now;
    struct digest d;
    int rc = state_digest_file(s->state, e->path, &d, &now, err);

    if (rc == FS_ABSENT || (rc == FS_FOUND && !is_same_file(&now, &e->state)))
        rc = changed_while(e->path, err);
    if (rc == 0)
        add_line(to, now.mode & S_IXUSR ? "program" : "file", &d, e->path);
    return rc;
}

static int write_seen(const struct trace_entry *e, struct buf *to, struct error *err)
{
    struct buf before = { 0 }, after = { 0 };
    struct fs_state now;
    int rc = fs_stat(e->path, &now, err);

    describe(&e->state, &before);
    if (rc == FS_FOUND)
        describe(&now, &after);
    if (rc >= 0 && (rc == FS_ABSENT || strcmp(before.s, after.s) != 0))
        rc = changed_while(e->path, err);
    if (rc == 0)
        buf_printf(to, "seen %s %s\n", after.s, e->path);
    buf_release(&before);
    buf_release(&after);
    return rc;
}

/* A link stands there as such, and as what it leads to if that was asked for. */
static int write_lines(struct session *s, const struct trace_entry *e, struct buf *to,
                       struct error *err)
{
    struct digest d;
    int rc = e->how & TRACE_LINK ? write_link(e, to, err) : 0;

    if (rc < 0)
        return rc;
    if (e->how & TRACE_LIST) {
        rc = digest_folder(e->path, &d, err);
        if (rc == 0)
            add_line(to, "folder", &d, e->path);
        return rc;
    }
    if (e->how & (TRACE_READ | TRACE_RUN))
        return write_content(s, e, to, err);
    if (e->how & TRACE_STAT)
        return write_seen(e, to, err);
    if (e->how & TRACE_ABSENT)
        buf_printf(to, "absent %s\n", e->path);
    return 0;
}

/* A folder on the way to what the step was given is there on every machine, and has
 * another name on each. */
static bool is_given(struct fence *f, const struct trace_entry *e)
{
    return fence_gave(f, e->path, &e->state) ||
           (!(e->how & ~(unsigned)(TRACE_STAT | TRACE_ABSENT)) &&
            fence_leads(f, e->path));
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
            !is_of_the_machine(seen[i].path) && !is_given(f, &e[*n]))
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
        rc = write_lines(s, &e[i], text, err);
    arena_release(&arena);
    return rc;
}

int discovered_keep(struct session *s, const struct work *w, struct trace *t,
                    struct fence *f, bool sync, struct object *list, struct error *err)
{
    struct buf text = { 0 };
    const char *changed;
    struct digest plain;
    int rc;

    *list = (struct object){ 0 };
    if (plain_saw(w, t, f)) {
        if (plain_of(w, &plain))
            state_set_plain(s->state, &plain);
        return 0;
    }
    rc = write_list(s, t, f, &text, err);
    if (rc == 0)
        rc = store_add_bytes(s->store, text.s, text.len, sync, list, err);
    if (rc == 0)
        rc = discovered_check(s, list, &changed, err); /* for the proof */
    buf_release(&text);
    return rc;
}

/* ---- looking ------------------------------------------------------------------------
 */

enum line_kind {
    LINE_FILE,
    LINE_PROGRAM,
    LINE_FOLDER,
    LINE_LINK,
    LINE_SEEN,
    LINE_ABSENT
};

/* A line of a list. */
struct line {
    enum line_kind kind;
    struct digest digest; /* but for LINE_SEEN and LINE_ABSENT */
    const char *seen;     /* of LINE_SEEN, as describe() has it */
    const char *path;
};

/* What was found when a line was looked at first. */
struct looked {
    bool holds, is_settled;
    struct fs_state state; /* unless it is absent */
};
typedef void line_seen(void *self, const struct line *line, const struct looked *l);

/* Cuts the digest and the blank after it off *s. */
static bool take_digest(char **s, struct digest *d)
{
    char *text = *s;

    if (strlen(text) <= DIGEST_HEX || text[DIGEST_HEX] != ' ')
        return false;
    text[DIGEST_HEX] = '\0';
    *s += DIGEST_HEX + 1;
    return digest_parse(d, text);
}

/* Takes the line at *at, which is cut out of the text; false where it is none. */
static bool next_line(char **at, struct line *line)
{
    static const char *const word[] = { "file sha256:",   "program sha256:",
                                        "folder sha256:", "link sha256:",
                                        "seen ",          "absent " };
    char *s = *at, *end = strchr(s, '\n');

    if (!end)
        return false;
    *end = '\0';
    *at = end + 1;
    line->kind = LINE_FILE;
    while (strncmp(s, word[line->kind], strlen(word[line->kind])) != 0)
        if (line->kind++ == LINE_ABSENT)
            return false;
    s += strlen(word[line->kind]);
    line->seen = s;
    if (line->kind < LINE_SEEN && !take_digest(&s, &line->digest))
        return false;
    if (line->kind == LINE_SEEN) {
        s = strstr(s, " /");
        if (!s)
            return false;
        *s++ = '\0';
    }
    line->path = s;
    return *s == '/';
}

static bool is_digest(const struct digest *d, const struct line *line)
{
    return digest_equal(d, &line->digest);
}

/* Whether it is as the line says; *st its state, unless it is absent. */
static bool is_as_said(struct state *state, const struct line *line, struct fs_state *st)
{
    struct buf seen = { 0 };
    struct digest d;
    bool is;

    switch (line->kind) {
    case LINE_FILE:
    case LINE_PROGRAM:
        return state_digest_file(state, line->path, &d, st, NULL) == FS_FOUND &&
               is_digest(&d, line) &&
               (st->mode & S_IXUSR) == (line->kind == LINE_PROGRAM ? S_IXUSR : 0);
    case LINE_FOLDER:
        return fs_stat(line->path, st, NULL) == FS_FOUND &&
               digest_folder(line->path, &d, NULL) == 0 && is_digest(&d, line);
    case LINE_LINK: /* it may lead nowhere */
        if (fs_stat(line->path, st, NULL) != FS_FOUND)
            *st = (struct fs_state){ 0 };
        return digest_link(line->path, &d, NULL) == 0 && is_digest(&d, line);
    case LINE_SEEN:
        if (fs_stat(line->path, st, NULL) != FS_FOUND)
            return false;
        describe(st, &seen);
        is = !strcmp(seen.s, line->seen);
        buf_release(&seen);
        return is;
    case LINE_ABSENT:
        break;
    }
    return fs_stat(line->path, st, NULL) == FS_ABSENT;
}

/* What is to be said of a line that does not hold. */
static const char *change_of(const struct line *line)
{
    struct stat st;

    if (line->kind == LINE_ABSENT)
        return "is there now";
    if (lstat(line->path, &st) < 0)
        return "is gone";
    return line->kind == LINE_FOLDER ? "has other names in it"
           : line->kind == LINE_LINK ? "leads elsewhere"
                                     : "changed";
}

/* The same for all lists of a session, most of which say much the same. */
static const struct looked *look(struct session *s, const char *text,
                                 const struct line *line)
{
    struct looked *l = map_get(&s->looked, text);

    if (!l) {
        l = arena_alloc(&s->arena, sizeof *l);
        l->holds = is_as_said(s->state, line, &l->state);
        l->is_settled =
            l->holds && line->kind != LINE_ABSENT && state_is_settled(&l->state);
        map_set(&s->looked, text, l);
    }
    return l;
}

/* Calls for each line of the list until one is not as it says: returns what is wrong, in
 * arena memory, or NULL. */
static const char *look_at_all(struct session *s, const char *text, line_seen *seen,
                               void *self)
{
    char *copy = xstrdup(text), *at = copy + sizeof head - 1;
    const char *changed = NULL;
    struct buf whole = { 0 };
    struct line line;

    while (*at && !changed && !is_left_out("module")) {
        const struct looked *l;

        buf_reset(&whole);
        buf_add(&whole, at, strcspn(at, "\n"));
        if (!next_line(&at, &line)) {
            changed = "its list of discovered inputs is damaged";
            break;
        }
        l = look(s, whole.s, &line);
        if (!l->holds)
            changed = arena_printf(&s->arena, "%s %s", line.path, change_of(&line));
        else if (seen)
            seen(self, &line, l);
    }
    buf_release(&whole);
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
        c->changed = *c->text ? look_at_all(s, c->text, NULL, NULL)
                              : "its list of discovered inputs is not in the cache";
        map_set(&s->discovered, hex, c);
    }
    *changed = c->changed;
    buf_release(&text);
    return rc;
}

struct vouching {
    facts_tell *tell;
    void *self;
};

/* A file or folder that was too young is told with a state that none has. */
static void vouch(void *self, const struct line *line, const struct looked *l)
{
    static const struct fs_state never;
    const struct vouching *v = self;

    v->tell(v->self, line->path,
            line->kind == LINE_ABSENT ? NULL
            : l->is_settled           ? &l->state
                                      : &never);
}

void discovered_vouch(struct session *s, facts_tell *tell, void *self)
{
    struct vouching v = { tell, self };

    for (size_t i = 0; i < s->discovered.n; i++) {
        const struct checked *c = s->discovered.entry[i].value;

        if (!c->changed)
            look_at_all(s, c->text, vouch, &v);
    }
}
