#include "agree.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/remotes.h"

#include "judge.h"
#include "work.h"

bool agree_bitwise(const struct record *a, const struct record *b)
{
    if (a->n_outputs != b->n_outputs)
        return false;
    for (size_t i = 0; i < a->n_outputs; i++) {
        const struct object *x = &a->output[i].object, *y = &b->output[i].object;

        if (strcmp(a->output[i].name, b->output[i].name) != 0 || x->kind != y->kind ||
            !digest_equal(&x->id, &y->id))
            return false;
    }
    return true;
}

void agreed_release(struct agreed *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->output[i].story);
    free(a->output);
    *a = (struct agreed){ 0 };
}

void agreed_tell(const struct agreed *a, const char *indent, struct buf *to)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->output[i].verdict != VERDICT_SAME)
            buf_printf(to, "%s%s: %s: %s\n", indent, a->output[i].name,
                       a->output[i].verdict == VERDICT_WITHIN ? "within tolerance"
                                                              : "another",
                       a->output[i].story);
}

/* ---- files --------------------------------------------------------------------------
 */

static int read_file(struct session *s, const struct digest *id, struct buf *text,
                     struct error *err)
{
    struct buf path = { 0 };
    int rc;

    store_object_path(s->store, id, &path);
    rc = fs_read(path.s, text, err);
    buf_adds(text, ""); /* a NUL behind it, also where there is nothing */
    buf_release(&path);
    return rc;
}

static int compare_texts(struct session *s, const struct comparator *how,
                         const struct digest *a, const struct digest *b,
                         struct agreement *g, struct error *err)
{
    struct buf x = { 0 }, y = { 0 };
    int rc = read_file(s, a, &x, err);

    if (rc == 0)
        rc = read_file(s, b, &y, err);
    if (rc == 0)
        agreement_of_texts(g, how, buf_str(&x), x.len, buf_str(&y), y.len);
    buf_release(&x);
    buf_release(&y);
    return rc;
}

/* ---- folders ------------------------------------------------------------------------
 */

struct files {
    struct arena arena;
    struct store_file *file;
    size_t n, cap;
};

static int add_file(void *self, const struct store_file *file, struct error *err)
{
    struct files *f = self;

    (void)err;
    if (file->folder)
        return 0;
    GROW(f->file, f->n + 1, f->cap);
    f->file[f->n] = *file;
    f->file[f->n++].path = arena_strdup(&f->arena, file->path);
    return 0;
}

static void files_release(struct files *f)
{
    free(f->file);
    arena_release(&f->arena);
}

/* What is said of one of many names it. */
static void name_file(struct agreement *g, bool denied_before, const char *path)
{
    struct buf where = { 0 };

    if (denied_before || g->verdict != VERDICT_OTHER)
        return;
    buf_printf(&where, "%s, %s", path, buf_str(&g->where));
    buf_release(&g->where);
    g->where = where;
}

static int compare_folders(struct session *s, const struct comparator *how,
                           const struct object *a, const struct object *b,
                           struct agreement *g, struct error *err)
{
    struct files x = { 0 }, y = { 0 };
    int rc = store_each_file(s->store, a, add_file, &x, err);

    if (rc == 0)
        rc = store_each_file(s->store, b, add_file, &y, err);
    for (size_t i = 0; rc == 0 && (i < x.n || i < y.n); i++) {
        bool denied = g->verdict == VERDICT_OTHER;

        if (i >= x.n || i >= y.n || strcmp(x.file[i].path, y.file[i].path) != 0 ||
            x.file[i].exec != y.file[i].exec) {
            agreement_deny(g, "they are not the same files, from %s on",
                           i < x.n ? x.file[i].path : y.file[i].path);
            break;
        }
        rc = compare_texts(s, how, &x.file[i].id, &y.file[i].id, g, err);
        name_file(g, denied, x.file[i].path);
    }
    files_release(&x);
    files_release(&y);
    return rc;
}

/* ---- outputs ------------------------------------------------------------------------
 */

/* Whether all of it can be read: 1, or 0, or an error. */
static int is_here(struct session *s, const struct object *o, bool fetch,
                   struct error *err)
{
    int rc = store_check(s->store, o, false, NULL, err);

    if (rc == OBJECT_ABSENT && fetch && s->remotes)
        rc = remotes_fetch_object(s->remotes, o, false, err);
    return rc < 0 ? rc : rc == 0;
}

static int compare_objects(struct session *s, const struct output *out,
                           const struct object *a, const struct object *b, bool fetch,
                           struct agreement *g, bool *absent, struct error *err)
{
    const struct comparator *how = out->compare;
    int rc;

    if (!how || (a->kind == OBJECT_TREE) != (b->kind == OBJECT_TREE) ||
        (a->kind == OBJECT_EXEC) != (b->kind == OBJECT_EXEC)) {
        struct buf sizes = { 0 };

        say_bytes(a->size, &sizes);
        buf_adds(&sizes, " and ");
        say_bytes(b->size, &sizes);
        agreement_deny(g, "not the same bytes, %s", buf_str(&sizes));
        buf_release(&sizes);
        return 0;
    }
    rc = is_here(s, a, fetch, err);
    if (rc == 1)
        rc = is_here(s, b, fetch, err);
    *absent |= rc == 0;
    if (rc == 0)
        agreement_deny(g, "not the same bytes, and one is not here to be compared");
    if (rc <= 0)
        return rc;
    if (how->kind == COMPARE_PICTURE || how->kind == COMPARE_TENSORS)
        return judge(s, how, a, b, g, err);
    return a->kind == OBJECT_TREE ? compare_folders(s, how, a, b, g, err)
                                  : compare_texts(s, how, &a->id, &b->id, g, err);
}

static int compare_output(struct session *s, const struct output *out,
                          const struct object *a, const struct object *b, bool fetch,
                          struct agreed_output *to, bool *absent, struct error *err)
{
    struct agreement g = { 0 };
    struct buf story = { 0 };
    int rc = 0;

    *to = (struct agreed_output){ .name = out->name, .other = b->id };
    if (a->kind != b->kind || !digest_equal(&a->id, &b->id)) {
        rc = compare_objects(s, out, a, b, fetch, &g, absent, err);
        if (g.verdict == VERDICT_SAME)
            g.verdict = VERDICT_WITHIN; /* the bytes are not */
        agreement_tell(&g, &story);
        to->verdict = g.verdict;
        to->story = buf_take(&story);
    }
    agreement_release(&g);
    return rc;
}

int agree(struct session *s, const struct step *step, const struct record *first,
          const struct record *second, bool fetch, struct agreed *a, struct error *err)
{
    int rc = 0;

    *a = (struct agreed){ .output = xcalloc(step->n_outputs + 1, sizeof *a->output) };
    for (size_t i = 0; i < step->n_outputs && rc == 0; i++) {
        const struct object *x = work_recorded(step, first, i),
                            *y = work_recorded(step, second, i);

        if (!x || !y)
            return error_set(err, E_CORRUPT, "a record of %s has no output %s",
                             step->name, step->output[i].name);
        rc = compare_output(s, &step->output[i], x, y,
                            fetch && !step_output_is_private(step, i), &a->output[a->n++],
                            &a->absent, err);
        if (a->output[i].verdict > a->verdict)
            a->verdict = a->output[i].verdict;
    }
    return rc;
}
