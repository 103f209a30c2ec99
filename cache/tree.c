#include "tree.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"

#include "scan.h"

#include "larder/banned.h"

static const char first_line[] = FORMAT_TREE "\n";

static const char *const kind_word[] = {
    [TREE_FILE] = "file ",
    [TREE_EXEC] = "exec ",
    [TREE_TREE] = "tree ",
};

int tree_add(struct tree *t, enum tree_kind kind, long long size, const struct digest *id,
             const char *name, struct error *err)
{
    assert(size >= 0);
    if (t->n == TREE_ENTRIES_MAX)
        return error_set(err, E_STAGE, "a folder has more than %d entries",
                         TREE_ENTRIES_MAX);
    if (size > LLONG_MAX - t->size)
        return error_set(err, E_STAGE, "a folder's size is beyond 2^63 bytes");
    GROW(t->entry, t->n + 1, t->cap);
    t->entry[t->n++] = (struct tree_entry){
        .kind = kind,
        .size = size,
        .id = *id,
        .name = arena_strdup(&t->arena, name),
    };
    t->size += size;
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct tree_entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

void tree_write(struct tree *t, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    if (t->n)
        qsort(t->entry, t->n, sizeof *t->entry, compare_entries);
    buf_adds(to, first_line);
    for (size_t i = 0; i < t->n; i++) {
        const struct tree_entry *e = &t->entry[i];

        buf_printf(to, "%s%lld sha256:%s ", kind_word[e->kind], e->size,
                   digest_hex(&e->id, hex));
        buf_add_escaped(to, e->name);
        buf_addc(to, '\n');
    }
}

/* What is wrong with a name, or NULL. */
static const char *name_fault(const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
        return "a name that leads out of the folder";
    if (strlen(name) > TREE_NAME_MAX)
        return "a name that is too long";
    return NULL;
}

/* Reads one line into *e; what is wrong with it, or NULL. */
static const char *read_entry(struct scan *s, struct arena *arena, struct tree_entry *e)
{
    if (scan_text(s, kind_word[TREE_FILE]))
        e->kind = TREE_FILE;
    else if (scan_text(s, kind_word[TREE_EXEC]))
        e->kind = TREE_EXEC;
    else if (scan_text(s, kind_word[TREE_TREE]))
        e->kind = TREE_TREE;
    else
        return "no kind";
    if (!scan_number(s, &e->size) || !scan_text(s, " "))
        return "no size";
    if (!scan_digest(s, &e->id) || !scan_text(s, " "))
        return "no digest";
    e->name = scan_escaped(s, arena);
    if (!e->name)
        return "no name";
    return name_fault(e->name);
}

int tree_read(struct tree *t, const char *text, size_t n, struct error *err)
{
    struct scan s;
    int rc = 0;

    assert(t->n == 0);
    scan_start(&s, text, n);
    if (n > TREE_TEXT_MAX || !scan_text(&s, first_line))
        return error_set(err, E_CORRUPT,
                         "the text of a tree does not begin with `" FORMAT_TREE "`");
    for (s.line = 2; rc == 0 && !scan_done(&s);) {
        struct tree_entry e = { 0 };
        int line = s.line;
        const char *fault = read_entry(&s, &t->arena, &e);

        if (!fault && !scan_newline(&s))
            fault = "no end of line";
        if (!fault && t->n && strcmp(t->entry[t->n - 1].name, e.name) >= 0)
            fault = "names out of order";
        if (fault)
            rc = error_set(err, E_CORRUPT, "line %d of a tree: %s", line, fault);
        else if (tree_add(t, e.kind, e.size, &e.id, e.name, err) < 0)
            rc = error_set(err, E_CORRUPT, "line %d of a tree: too much", line);
    }
    if (rc < 0)
        tree_release(t);
    return rc;
}

void tree_release(struct tree *t)
{
    free(t->entry);
    arena_release(&t->arena);
    *t = (struct tree){ 0 };
}
