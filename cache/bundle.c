#include "larder/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "attested.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "object.h"
#include "signed.h"
#include "tree.h"
#include "volume.h"

#include "larder/banned.h"

struct bundle {
    struct bundle_order order;
    struct contents all;
    struct map text;  /* name of its entry → the envelope of a record, or of an
                         attestation; ours */
    struct map seen;  /* hex of an object that was added → its step, */
    struct map whole; /* and of a tree, with all that is in it */
    const char *step; /* whose turn it is */
    bool damaged;     /* something, which was told */
    struct volumes volumes;
    struct passage passage;
    struct tarout *file; /* [volumes.n] */
    struct bundle_totals totals;
};

void bundle_new(struct bundle **to, const struct bundle_order *order)
{
    struct bundle *b = xcalloc(1, sizeof *b);

    b->order = *order;
    b->all.closure = order->closure;
    b->all.volume = b->all.n_volumes = 1;
    b->step = "";
    passage_init(&b->passage);
    *to = b;
}

void bundle_free(struct bundle *b)
{
    if (!b)
        return;
    for (size_t i = 0; b->file && i < b->volumes.n; i++)
        tarout_release(&b->file[i]);
    free(b->file);
    for (size_t i = 0; i < b->text.n; i++)
        free(b->text.entry[i].value);
    map_release(&b->text);
    map_release(&b->seen);
    map_release(&b->whole);
    volumes_release(&b->volumes);
    passage_release(&b->passage);
    contents_release(&b->all);
    free(b);
}

/* ---- objects ----------------------------------------------------------------------- */

void bundle_for(struct bundle *b, const char *step)
{
    b->step = step;
}

/* Goes on behind what is damaged, so that all of it is told. */
static int pass_over(struct bundle *b, int rc, const struct error *err)
{
    if (rc != E_CORRUPT)
        return rc;
    b->damaged = true;
    if (b->order.damage)
        b->order.damage(b->order.self, b->step, err);
    return 0;
}

static int damaged(const struct digest *id, int found, struct error *err)
{
    char hex[DIGEST_HEX + 1];

    return error_set(err, E_CORRUPT, "object sha256:%s is %s in our own cache",
                     digest_hex(id, hex), found == OBJECT_ABSENT ? "missing" : "damaged");
}

/* True the first time; the step is then the one that it belongs to. */
static bool is_new(struct map *seen, const struct digest *id, const char *step)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(id, hex);
    if (map_get(seen, hex))
        return false;
    map_set(seen, hex, (void *)step);
    return true;
}

/* Whether it is there, and so large, is seen when it is written. */
static void add_file(struct bundle *b, const struct digest *id, long long size)
{
    if (is_new(&b->seen, id, b->step))
        contents_add_object(&b->all, &(struct bundle_object){ *id, size });
}

/* Adds the text of a folder, and reads it into an empty tree. */
static int add_text(struct bundle *b, const struct digest *id, struct tree *tree,
                    struct error *err)
{
    struct buf text = { 0 };
    int rc = object_read(b->order.store, id, TREE_TEXT_MAX, &text, err);

    if (rc > OBJECT_FINE)
        rc = damaged(id, rc, err);
    if (rc == 0)
        rc = tree_read(tree, buf_str(&text), text.len, err);
    if (rc == 0)
        add_file(b, id, (long long)text.len);
    buf_release(&text);
    return rc;
}

static int add_tree(struct bundle *b, const struct digest *id, int depth,
                    struct error *err)
{
    struct tree tree = { 0 };
    int rc;

    if (!is_new(&b->whole, id, b->step))
        return 0;
    rc = depth > TREE_DEPTH_MAX ? damaged(id, OBJECT_DAMAGED, err)
                                : add_text(b, id, &tree, err);
    for (size_t i = 0; i < tree.n && rc == 0; i++) {
        const struct tree_entry *e = &tree.entry[i];

        if (e->kind == TREE_TREE)
            rc = add_tree(b, &e->id, depth + 1, err);
        else
            add_file(b, &e->id, e->size);
    }
    tree_release(&tree);
    return pass_over(b, rc, err);
}

int bundle_add_object(struct bundle *b, const struct object *o, struct error *err)
{
    if (o->kind == OBJECT_TREE)
        return add_tree(b, &o->id, 1, err);
    add_file(b, &o->id, o->size);
    return 0;
}

/* ---- records and targets ----------------------------------------------------------- */

/* The attestations of one record. */
struct adding {
    struct bundle *b;
    size_t n;
};

static int add_letter(void *self, const struct attestation *a, const struct buf *letter,
                      struct error *err)
{
    struct adding *all = self;
    struct bundle_attestation at = { .key = a->key, .record = a->record, .by = a->id };
    struct buf name = { 0 };

    (void)err;
    if (letter->len > ATTESTATION_MAX || all->n == BUNDLE_ATTESTATIONS_MAX)
        return 0;
    at.size = (long long)letter->len;
    digest_bytes(&at.id, letter->s, letter->len);
    volume_attestation_name(&at, &name);
    if (!map_get(&all->b->text, name.s)) {
        map_set(&all->b->text, name.s, xstrndup(letter->s, letter->len));
        contents_add_attestation(&all->b->all, &at);
    }
    all->n++;
    buf_release(&name);
    return 0;
}

int bundle_add_record(struct bundle *b, const struct record *rec, struct error *err)
{
    struct bundle_record r = { .key = rec->key };
    struct buf text = { 0 }, name = { 0 };
    int rc = signed_enclose(rec, b->order.signer, &text, err);

    if (rc < 0)
        goto out;
    r.by = rec->by ? rec->by->id : key_id_of(signer_key(b->order.signer));
    r.size = (long long)text.len;
    digest_bytes(&r.id, text.s, text.len);
    volume_record_name(&r, &name);
    if (map_get(&b->text, name.s))
        goto out;
    map_set(&b->text, name.s, buf_take(&text));
    contents_add_record(&b->all, &r);
    rc = attested_each(b->order.store, &rec->key, &rec->id, add_letter,
                       &(struct adding){ .b = b }, err);
out:
    buf_release(&name);
    buf_release(&text);
    return pass_over(b, rc, err);
}

static const char *copy(struct bundle *b, const char *text)
{
    return text ? arena_strdup(&b->all.arena, text) : NULL;
}

static const struct tree_entry *find_entry(const struct tree *tree, const char *name,
                                           size_t n)
{
    for (size_t i = 0; i < tree->n; i++)
        if (!strncmp(tree->entry[i].name, name, n) && !tree->entry[i].name[n])
            return &tree->entry[i];
    return NULL;
}

static int no_file(const struct bundle_target *t, const struct tree *tree,
                   const char *name, size_t n, struct error *err)
{
    const char **known = xcalloc(tree->n + 1, sizeof *known), *near;
    const struct tree_entry *e = find_entry(tree, name, n);
    char *word = xstrndup(name, n);

    for (size_t i = 0; i < tree->n; i++)
        known[i] = tree->entry[i].name;
    near = nearest_name(word, known, tree->n);
    if (e)
        error_set(err, E_USAGE, "%s in %s of %s is a %s", word, t->output, t->step,
                  e->kind == TREE_TREE ? "folder: name a file in it" : "file, no folder");
    else
        error_set(err, E_USAGE, "%s of %s has no file %s%s%s%s", t->output, t->step,
                  t->path, near ? "; did you mean " : "; name one of it",
                  near ? near : "", near ? "?" : "");
    free(word);
    free(known);
    return E_USAGE;
}

/* The folders down to the file, whose texts prove that it is in the output. */
int bundle_find_file(struct bundle *b, struct bundle_target *t, struct error *err)
{
    struct digest folder[BUNDLE_FOLDERS_MAX + 1] = { t->object.id };
    const char *at = t->path;
    size_t depth = 0;
    int rc = 0;

    while (rc == 0 && at) {
        size_t n = strcspn(at, "/");
        const struct tree_entry *e = NULL;
        struct tree tree = { 0 };

        rc = add_text(b, &folder[depth], &tree, err);
        if (rc == 0)
            e = find_entry(&tree, at, n);
        if (rc == 0 && (!e || (e->kind == TREE_TREE) != (at[n] == '/') ||
                        depth == BUNDLE_FOLDERS_MAX))
            rc = no_file(t, &tree, at, n, err);
        if (rc == 0 && at[n])
            folder[++depth] = e->id;
        else if (rc == 0)
            t->file = (struct object){ e->kind == TREE_EXEC ? OBJECT_EXEC : OBJECT_FILE,
                                       e->id, e->size };
        at = at[n] ? at + n + 1 : NULL;
        tree_release(&tree);
    }
    t->n_folders = depth;
    t->folder = arena_alloc(&b->all.arena, (depth + 1) * sizeof *t->folder);
    memcpy(t->folder, folder + 1, depth * sizeof *t->folder);
    if (rc == 0)
        add_file(b, &t->file.id, t->file.size);
    return rc;
}

void bundle_add_target(struct bundle *b, const struct bundle_target *t)
{
    struct bundle_target own = *t;

    own.step = copy(b, t->step);
    own.output = copy(b, t->output);
    own.path = copy(b, t->path);
    own.cell = copy(b, t->cell);
    own.value = copy(b, t->value);
    contents_add_target(&b->all, &own);
}

/* ---- writing ----------------------------------------------------------------------- */

static int write_text(struct bundle *b, struct tarout *t, const char *name,
                      long long size, struct error *err)
{
    return volume_add_text(t, name, map_get(&b->text, name), (size_t)size, err);
}

static int write_records(struct bundle *b, const struct contents *c, struct tarout *t,
                         struct error *err)
{
    struct buf name = { 0 };
    int rc = 0;

    for (size_t i = 0; i < c->n_records && rc == 0; i++) {
        buf_reset(&name);
        volume_record_name(&c->record[i], &name);
        rc = write_text(b, t, name.s, c->record[i].size, err);
    }
    for (size_t i = 0; i < c->n_attestations && rc == 0; i++) {
        buf_reset(&name);
        volume_attestation_name(&c->attestation[i], &name);
        rc = write_text(b, t, name.s, c->attestation[i].size, err);
    }
    buf_release(&name);
    return rc;
}

static struct ahead *read_ahead(const struct bundle *b, const struct contents *c)
{
    struct ahead_item *item = xcalloc(c->n_objects + 1, sizeof *item);
    struct ahead *a;

    for (size_t i = 0; i < c->n_objects; i++)
        item[i] = (struct ahead_item){ &c->object[i].id, c->object[i].size };
    a = ahead_new(b->order.store, item, c->n_objects);
    free(item);
    return a;
}

/* Hashed on the way. What is damaged is told, and the rest is only looked at. */
static int write_objects(struct bundle *b, const struct contents *c, struct tarout *t,
                         struct error *err)
{
    char hex[DIGEST_HEX + 1];
    int rc = 0;

    b->passage.ahead = read_ahead(b, c);
    for (size_t i = 0; i < c->n_objects && rc == 0; i++) {
        rc = volume_add_object(&b->passage, b->order.store, &c->object[i],
                               b->damaged ? NULL : t, err);
        if (rc == E_CORRUPT)
            b->step = map_get(&b->seen, digest_hex(&c->object[i].id, hex));
        rc = pass_over(b, rc, err);
    }
    ahead_free(b->passage.ahead);
    b->passage.ahead = NULL;
    return rc;
}

static int write_volume(struct bundle *b, const struct contents *c, struct tarout *t,
                        const char *path, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    t->moved = b->order.moved;
    rc = tarout_open(t, path, err);

    contents_write(c, &text);
    if (rc == 0 && text.len > CONTENTS_MAX)
        rc = error_set(err, E_USAGE,
                       "the list of what is in the bundle is too long: divide it with "
                       "--max-size=SIZE");
    if (rc == 0)
        rc = volume_add_text(t, VOLUME_CONTENTS, text.s, text.len, err);
    if (rc == 0 && !b->damaged)
        rc = write_records(b, c, t, err);
    if (rc == 0)
        rc = write_objects(b, c, t, err);
    if (rc == 0 && !b->damaged)
        rc = volume_sign(t, b->order.signer, &text, err);
    if (rc == 0 && !b->damaged)
        rc = tarout_close(t, err);
    if (rc == 0 && !b->damaged && !volume_is_credible(t->taken, t->written))
        rc = error_set(err, E_INPUT,
                       "%s would be more than a thousand times smaller than what is in "
                       "it, which no reader takes: leave out what is nothing but zeros",
                       path);
    buf_release(&text);
    return rc;
}

static int write_volumes(struct bundle *b, const char *path, struct error *err)
{
    struct digest whole = { 0 };
    struct buf text = { 0 }, name = { 0 };
    int rc = 0;

    if (b->volumes.n > 1) {
        contents_write(&b->all, &text);
        digest_bytes(&whole, text.s, text.len);
        buf_release(&text);
    }
    b->file = xcalloc(b->volumes.n, sizeof *b->file);
    for (size_t i = 0; i < b->volumes.n && rc == 0; i++) {
        struct contents c = volumes_contents(&b->volumes, &b->all, i, &whole);

        buf_reset(&name);
        if (b->volumes.n > 1)
            volumes_name(path, i, &name);
        else
            buf_adds(&name, path);
        rc = write_volume(b, &c, &b->file[i], name.s, err);
    }
    buf_release(&name);
    return rc;
}

int bundle_write(struct bundle *b, const char *path, struct error *err)
{
    int rc;

    contents_sort(&b->all);
    rc = volumes_plan(&b->volumes, &b->all, b->order.max_size, err);
    if (rc == 0)
        rc = write_volumes(b, path, err);
    if (rc == 0 && b->damaged)
        rc = error_set(err, E_CORRUPT,
                       "no bundle was written: something that goes into it is damaged, "
                       "and `larder run` makes it again");
    for (size_t i = 0; i < b->volumes.n && rc == 0; i++) {
        rc = tarout_publish(&b->file[i], err);
        b->totals.written += b->file[i].written;
    }
    b->totals.n_records = b->all.n_records;
    b->totals.n_attestations = b->all.n_attestations;
    b->totals.n_objects = b->all.n_objects;
    b->totals.n_volumes = b->volumes.n;
    for (size_t i = 0; i < b->all.n_objects; i++)
        b->totals.bytes += b->all.object[i].size;
    return rc;
}

const char *bundle_file(const struct bundle *b, size_t i)
{
    return b->file[i].path;
}

void bundle_count_up(const struct bundle *b, struct bundle_totals *t)
{
    *t = b->totals;
}
