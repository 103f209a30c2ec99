#include "proofs.h"

#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"
#include "tree.h"

#include "larder/banned.h"

void proofs_release(struct proofs *p)
{
    for (size_t i = 0; i < p->text.n; i++) {
        buf_release(p->text.entry[i].value);
        free(p->text.entry[i].value);
    }
    map_release(&p->text);
    free(p->target);
    *p = (struct proofs){ 0 };
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool is_same(const struct bundle_target *a, const struct bundle_target *b)
{
    return digest_equal(&a->key, &b->key) && is_same_text(a->step, b->step) &&
           is_same_text(a->output, b->output) && is_same_text(a->path, b->path) &&
           is_same_text(a->cell, b->cell) && digest_equal(&a->object.id, &b->object.id) &&
           digest_equal(&a->file.id, &b->file.id) && is_same_text(a->value, b->value);
}

static void want(struct proofs *p, const struct digest *id)
{
    char hex[DIGEST_HEX + 1];

    if (!map_get(&p->text, digest_hex(id, hex)))
        map_set(&p->text, hex, xcalloc(1, sizeof(struct buf)));
}

static void add(struct proofs *p, const struct bundle_target *t)
{
    for (size_t i = 0; i < p->n; i++)
        if (is_same(p->target[i].what, t))
            return;
    GROW(p->target, p->n + 1, p->cap);
    p->target[p->n++] = (struct unbundle_target){ .what = t };
    if (t->path)
        want(p, &t->object.id);
    for (size_t i = 0; i < t->n_folders; i++)
        want(p, &t->folder[i]);
    if (t->cell)
        want(p, t->path ? &t->file.id : &t->object.id);
}

void proofs_add(struct proofs *p, const struct contents *c)
{
    for (size_t i = 0; i < c->n_targets; i++)
        add(p, &c->target[i]);
}

void proofs_note_record(struct proofs *p, const struct record *rec,
                        const struct public_key *by)
{
    for (size_t i = 0; i < p->n; i++) {
        struct unbundle_target *t = &p->target[i];
        const struct object *o = NULL;

        if (digest_equal(&t->what->key, &rec->key) && !strcmp(t->what->step, rec->step))
            o = record_output(rec, t->what->output);
        if (!o || o->kind != t->what->object.kind || o->size != t->what->object.size ||
            !digest_equal(&o->id, &t->what->object.id))
            continue;
        t->signed_ = true;
        t->by = key_id_of(by);
    }
}

struct buf *proofs_wants(struct proofs *p, const struct bundle_object *o)
{
    char hex[DIGEST_HEX + 1];
    struct buf *text = NULL;

    if (p->text.n && o->size <= PROOF_TEXT_MAX)
        text = map_get(&p->text, digest_hex(&o->id, hex));
    if (text) /* in two files: once will do */
        buf_reset(text);
    return text;
}

static const struct buf *text_of(const struct proofs *p, const struct digest *id)
{
    char hex[DIGEST_HEX + 1];
    const struct buf *text = map_get(&p->text, digest_hex(id, hex));

    return text && text->s ? text : NULL;
}

/* Whether the folder has the entry, whose name is the first n bytes of path. */
static bool has_entry(const struct proofs *p, const struct digest *folder,
                      const char *path, size_t n, const struct object *o)
{
    const enum tree_kind kind = o->kind == OBJECT_TREE   ? TREE_TREE
                                : o->kind == OBJECT_EXEC ? TREE_EXEC
                                                         : TREE_FILE;
    const struct buf *text = text_of(p, folder);
    struct tree tree = { 0 };
    bool found = false;

    if (text && tree_read(&tree, text->s, text->len, NULL) == 0)
        for (size_t i = 0; i < tree.n && !found; i++) {
            const struct tree_entry *e = &tree.entry[i];

            found = !strncmp(e->name, path, n) && !e->name[n] && e->kind == kind &&
                    digest_equal(&e->id, &o->id) &&
                    (kind == TREE_TREE || e->size == o->size);
        }
    tree_release(&tree);
    return found;
}

/* Each folder is in the one before, and the file in the last. */
static bool follows(const struct proofs *p, const struct bundle_target *t)
{
    const struct digest *folder = &t->object.id;
    const char *at = t->path;
    size_t n = strcspn(at, "/");

    for (size_t i = 0; i < t->n_folders; i++) {
        struct object o = { .kind = OBJECT_TREE, .id = t->folder[i] };

        if (at[n] != '/' || !has_entry(p, folder, at, n, &o))
            return false;
        folder = &t->folder[i];
        at += n + 1;
        n = strcspn(at, "/");
    }
    return !at[n] && has_entry(p, folder, at, n, &t->file);
}

void proofs_conclude(struct proofs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct unbundle_target *t = &p->target[i];
        const struct buf *text = NULL;

        t->proven = t->signed_ && (!t->what->path || follows(p, t->what));
        if (t->what->cell)
            text = text_of(p, t->what->path ? &t->what->file.id : &t->what->object.id);
        t->text = text ? text->s : NULL;
        t->size = text ? text->len : 0;
    }
}
