#include "larder/store.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attested.h"
#include "larder/io.h"
#include "larder/map.h"
#include "larder/pins.h"
#include "layout.h"
#include "lockfile.h"
#include "object.h"
#include "signed.h"
#include "tree.h"

#include "larder/banned.h"

/* An object that a record names, itself or through a tree. */
struct use {
    struct digest id;
    const char *step;
    bool tree;
    bool opened;  /* as a tree: its entries are known */
    bool seen;    /* under cas/ */
    bool damaged; /* or no tree, and should be one */
    bool needed;
    enum { WHOLE_UNKNOWN, WHOLE, NOT_WHOLE } whole; /* with all that is in it */
    struct use **entry;
    size_t n_entries;
};

/* A record: what it says is here. */
struct claim {
    struct digest key, id;
    const char *step;
    bool own;         /* made here: what others made need not be here */
    struct use **use; /* without which it does not answer */
    size_t n_uses;
    struct use *log; /* or NULL */
};

struct fsck {
    struct store *st;
    struct arena arena;
    struct map uses;     /* hex -> struct use */
    struct claim *claim; /* those of one key follow each other */
    size_t n_claims, cap_claims;
    struct digest *torn; /* keys that have a torn record */
    size_t n_torn, cap_torn;
    struct claim *forged; /* whose signature is not that of who is said to have signed */
    size_t n_forged, cap_forged;
    struct store_finding *finding;
    size_t n, cap;
};

static void find(struct fsck *f, const char *what, const struct digest *id,
                 const char *path, const char *used_by)
{
    static const struct digest none;

    GROW(f->finding, f->n + 1, f->cap);
    f->finding[f->n++] = (struct store_finding){
        .what = what,
        .id = id ? *id : none,
        .path = arena_strdup(&f->arena, path),
        .used_by = used_by,
    };
}

static struct use *use(struct fsck *f, const struct digest *id, bool tree,
                       const char *step)
{
    char hex[DIGEST_HEX + 1];
    struct use *u = map_get(&f->uses, digest_hex(id, hex));

    if (!u) {
        u = arena_alloc(&f->arena, sizeof *u);
        *u = (struct use){ .id = *id, .step = step };
        map_set(&f->uses, hex, u);
    }
    u->tree = u->tree || tree;
    return u;
}

static void add_claim(struct fsck *f, const struct record *r)
{
    static const struct digest none;
    struct claim *c;

    GROW(f->claim, f->n_claims + 1, f->cap_claims);
    c = &f->claim[f->n_claims++];
    *c = (struct claim){ .key = r->key, .id = r->id, .own = !r->by };
    c->step = arena_strdup(&f->arena, r->step ? r->step : "-");
    c->use = arena_alloc(&f->arena, (r->n_outputs + 2) * sizeof *c->use);
    for (size_t i = 0; i < r->n_outputs; i++) {
        const struct object *o = &r->output[i].object;
        struct use *u = use(f, &o->id, o->kind == OBJECT_TREE, c->step);

        if (!r->output[i].temp)
            c->use[c->n_uses++] = u;
    }
    if (!digest_equal(&r->discovered.id, &none))
        c->use[c->n_uses++] = use(f, &r->discovered.id, false, c->step);
    if (!digest_equal(&r->log.id, &none))
        c->log = use(f, &r->log.id, false, c->step);
}

static void add_torn(struct fsck *f, const struct digest *key)
{
    GROW(f->torn, f->n_torn + 1, f->cap_torn);
    f->torn[f->n_torn++] = *key;
}

static void add_forged(struct fsck *f, const struct record *r, const char *path)
{
    GROW(f->forged, f->n_forged + 1, f->cap_forged);
    f->forged[f->n_forged++] = (struct claim){ .key = r->key, .id = r->id };
    find(f, "false signature", &r->id, path, arena_strdup(&f->arena, r->step));
}

/* One file that should be a record; id: the digest that it should have, or NULL. */
static int read_record(struct fsck *f, const char *path, const struct digest *key,
                       const struct digest *id, struct error *err)
{
    struct buf full = { 0 }, text = { 0 };
    struct record *r = NULL;
    int rc;

    fs_join(&full, f->st->path, path);
    rc = fs_read(full.s, &text, err);
    if (rc < 0 && errno == EIO) { /* believed when it comes again */
        buf_reset(&text);
        rc = fs_read(full.s, &text, err);
    }
    if (rc < 0 && errno == EIO)
        rc = 0; /* what was read is no whole record */
    if (rc < 0)
        goto out;
    if (signed_read(&r, buf_str(&text), text.len, NULL) < 0 ||
        (id && !digest_equal(&r->id, id))) {
        find(f, "torn record", id, path, NULL);
        add_torn(f, key);
    } else if (!digest_equal(&r->key, key)) {
        find(f, "stray file", id, path, NULL);
    } else if (r->by && !record_signature_fits(r)) {
        add_forged(f, r, path);
    } else {
        add_claim(f, r);
    }
out:
    record_free(r);
    buf_release(&text);
    buf_release(&full);
    return rc;
}

typedef int visit(struct fsck *f, const char *path, const char *name, void *data,
                  struct error *err);

/* Calls visit for each name in a folder of the store, in order. */
static int walk(struct fsck *f, const char *dir, visit *each, void *data,
                struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&path, f->st->path, dir);
    rc = fs_list(path.s, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, dir, name[i]);
        rc = each(f, path.s, name[i], data, err);
    }
    free(name);
    buf_release(&path);
    return rc;
}

/* 1, 0, or an error: what cannot be looked at is no stray file, and not empty. */
static int is_folder(const struct fsck *f, const char *path, struct error *err)
{
    struct buf full = { 0 };
    struct stat s;
    int rc;

    fs_join(&full, f->st->path, path);
    if (io_lstat(full.s, &s) == 0)
        rc = S_ISDIR(s.st_mode);
    else
        rc = errno == ENOENT ? 0 : error_system(err, "cannot look at %s", full.s);
    buf_release(&full);
    return rc;
}

static int visit_record(struct fsck *f, const char *path, const char *name, void *key,
                        struct error *err)
{
    struct digest id;
    int folder = is_folder(f, path, err);

    if (folder < 0)
        return folder;
    if (layout_is_digest(name, &id) && !folder)
        return read_record(f, path, key, &id, err);
    find(f, "stray file", NULL, path, NULL);
    return 0;
}

/* An attestation: its name says of which record, and whose it is. */
static int visit_seen(struct fsck *f, const char *path, const char *name, void *key,
                      struct error *err)
{
    char record[DIGEST_HEX + 1];
    struct buf full = { 0 }, letter = { 0 };
    struct attestation *a = NULL;
    bool whole;

    (void)err;
    fs_join(&full, f->st->path, path);
    whole = fs_read(full.s, &letter, NULL) == 0 &&
            attested_open(&a, buf_str(&letter), letter.len, NULL) == 0 &&
            digest_equal(&a->key, key) && strlen(name) == DIGEST_HEX + 1 + KEY_ID_HEX &&
            !memcmp(name, digest_hex(&a->record, record), DIGEST_HEX) &&
            !strcmp(name + DIGEST_HEX + 1, a->id.text);
    if (!whole)
        find(f, "torn attestation", NULL, path, NULL);
    attestation_free(a);
    buf_release(&letter);
    buf_release(&full);
    return 0;
}

static int visit_key(struct fsck *f, const char *path, const char *name, void *prefix,
                     struct error *err)
{
    struct digest key;
    int folder = is_folder(f, path, err);

    if (folder < 0)
        return folder;
    if (!folder && layout_is_digest(name, &key) && layout_is_prefix(prefix, &key))
        return read_record(f, path, &key, NULL, err);
    if (folder && layout_is_more(name, &key) && layout_is_prefix(prefix, &key))
        return walk(f, path, visit_record, &key, err);
    if (folder && layout_is_seen(name, &key) && layout_is_prefix(prefix, &key))
        return walk(f, path, visit_seen, &key, err);
    find(f, "stray file", NULL, path, NULL);
    return 0;
}

static int visit_object(struct fsck *f, const char *path, const char *name, void *prefix,
                        struct error *err)
{
    struct digest id;
    struct use *u;
    int rc;

    if (!layout_is_digest(name, &id) || !layout_is_prefix(prefix, &id)) {
        find(f, "stray file", NULL, path, NULL);
        return 0;
    }
    u = map_get(&f->uses, name);
    if (u)
        u->seen = true;
    rc = object_check(f->st, &id, -1, true, err);
    if (rc == OBJECT_DAMAGED && u)
        u->damaged = true;
    else if (rc == OBJECT_DAMAGED)
        find(f, "damaged", &id, path, NULL);
    return rc < 0 ? rc : 0;
}

/* A folder named by two hex digits, under cas/ or ac/. */
static int visit_prefix(struct fsck *f, const char *path, const char *name, void *objects,
                        struct error *err)
{
    char prefix[3] = { 0 };
    int folder = is_folder(f, path, err);

    if (folder < 0)
        return folder;
    if (!layout_is_prefix(name, NULL) || !folder) {
        find(f, "stray file", NULL, path, NULL);
        return 0;
    }
    memcpy(prefix, name, 2);
    return walk(f, path, objects ? visit_object : visit_key, prefix, err);
}

static int visit_top(struct fsck *f, const char *path, const char *name, void *data,
                     struct error *err)
{
    static const char *const known[] = { "larder-store", "locks",   "doubt",       "cas",
                                         "ac",           "scratch", "checkpoints", "tmp",
                                         "remotes",      "uses",    "pins" };

    (void)data;
    (void)err;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0)
            return 0;
    if (!strncmp(name, "larder-store.", 13) || !strncmp(name, "doubt.", 6))
        return 0; /* the marker, being written: swept like what is in tmp/ */
    find(f, "stray file", NULL, path, NULL);
    return 0;
}

/* Names the pins that do not say any more what they keep. */
static int check_pins(struct fsck *f, struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&path, f->st->path, "pins");
    rc = fs_list(path.s, &name, &n, err);
    if (rc < 0 && errno == ENOENT)
        rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        buf_printf(&path, "pins/%s", name[i]);
        if (!pins_name_is_valid(name[i]))
            find(f, "stray file", NULL, path.s, NULL);
        else if (!pins_is_whole(f->st, name[i]))
            find(f, "damaged pin", NULL, path.s, NULL);
    }
    free(name);
    buf_release(&path);
    return rc;
}

/* Adds what a used tree names. */
static int use_tree(struct fsck *f, struct use *u, struct error *err)
{
    struct buf text = { 0 };
    struct tree tree = { 0 };
    int rc = object_read(f->st, &u->id, TREE_TEXT_MAX, &text, err);

    u->opened = true;
    if (rc == OBJECT_FINE && tree_read(&tree, buf_str(&text), text.len, NULL) < 0)
        u->damaged = true;
    u->entry = arena_alloc(&f->arena, (tree.n + 1) * sizeof *u->entry);
    for (size_t k = 0; k < tree.n; k++)
        u->entry[u->n_entries++] =
            use(f, &tree.entry[k].id, tree.entry[k].kind == TREE_TREE, u->step);
    tree_release(&tree);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

/* Those that are added are looked at in turn. */
static int use_trees(struct fsck *f, struct error *err)
{
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = 0; i < f->uses.n; i++) {
            struct use *u = f->uses.entry[i].value;
            int rc = 0;

            if (!u->tree || u->opened)
                continue;
            rc = use_tree(f, u, err);
            if (rc < 0)
                return rc;
            again = true;
        }
    }
    return 0;
}

static bool is_whole(struct use *u)
{
    bool whole = u->seen && !u->damaged;

    if (u->whole != WHOLE_UNKNOWN)
        return u->whole == WHOLE;
    for (size_t i = 0; i < u->n_entries && whole; i++)
        whole = is_whole(u->entry[i]);
    u->whole = whole ? WHOLE : NOT_WHOLE;
    return whole;
}

static bool claim_holds(const struct claim *c)
{
    for (size_t i = 0; i < c->n_uses; i++)
        if (!is_whole(c->use[i]))
            return false;
    return true;
}

static bool need(struct use *u, const char *step)
{
    if (u->needed)
        return false;
    u->needed = true;
    u->step = step;
    return true;
}

static void need_entries(struct use *u)
{
    for (size_t i = 0; i < u->n_entries; i++)
        if (need(u->entry[i], u->step))
            need_entries(u->entry[i]);
}

static void need_claim(const struct claim *c, bool outputs)
{
    for (size_t i = 0; outputs && i < c->n_uses; i++)
        need(c->use[i], c->step);
    if (c->log)
        need(c->log, c->step);
}

/* Where one record of a key holds, its step is done, and what others of that key named
 * need not come back: a step that gives other bytes each time never makes it again. */
static void find_needed(struct fsck *f)
{
    for (size_t i = 0, end; i < f->n_claims; i = end) {
        bool any = false;

        for (end = i;
             end < f->n_claims && digest_equal(&f->claim[end].key, &f->claim[i].key);
             end++)
            any = any || claim_holds(&f->claim[end]);
        for (size_t k = i; k < end; k++)
            if (f->claim[k].own && (!any || claim_holds(&f->claim[k])))
                need_claim(&f->claim[k], !any);
    }
    /* Who names it itself comes before who names a folder that it is in. */
    for (size_t i = 0; i < f->uses.n; i++) {
        struct use *u = f->uses.entry[i].value;

        if (u->needed)
            need_entries(u);
    }
}

static void find_lost(struct fsck *f)
{
    struct buf path = { 0 };

    for (size_t i = 0; i < f->uses.n; i++) {
        const struct use *u = f->uses.entry[i].value;

        if (!u->damaged && (u->seen || !u->needed))
            continue;
        buf_reset(&path);
        layout_object(f->st, &u->id, &path);
        find(f, u->damaged ? "damaged" : "absent", &u->id,
             path.s + strlen(f->st->path) + 1, u->step);
    }
    buf_release(&path);
}

static int compare_findings(const void *a, const void *b)
{
    const struct store_finding *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order ? order : strcmp(x->what, y->what);
}

static int check(struct fsck *f, struct error *err)
{
    bool objects = true;
    int rc;

    rc = walk(f, "", visit_top, NULL, err);
    if (rc == 0)
        rc = walk(f, "ac", visit_prefix, NULL, err);
    if (rc == 0)
        rc = check_pins(f, err);
    if (rc == 0)
        rc = use_trees(f, err);
    if (rc == 0)
        rc = walk(f, "cas", visit_prefix, &objects, err);
    if (rc < 0)
        return rc;
    find_needed(f);
    find_lost(f);
    if (f->n)
        qsort(f->finding, f->n, sizeof *f->finding, compare_findings);
    return 0;
}

/* ---- repairing --------------------------------------------------------------------- */

/* The same result, which holds, as if its step had printed nothing. */
static int forget_log(struct fsck *f, const struct claim *c, struct error *err)
{
    struct record *r = NULL;
    struct buf text = { 0 };
    int rc = store_find_record(f->st, &c->key, &c->id, &r, err);

    if (rc == STORE_HIT) {
        r->log = (struct object){ .kind = OBJECT_FILE };
        record_write(r, &text);
        rc = signed_keep(f->st, r, text.s, text.len, err);
    }
    record_free(r);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

/* A record that was made here goes when something that it names is lost: no look-up takes
 * it. One that lost its log alone is written anew without it. */
static int repair_claim(struct fsck *f, const struct claim *c, struct error *err)
{
    bool holds = claim_holds(c);
    int rc = 0;

    if (!c->own || (holds && (!c->log || is_whole(c->log))))
        return 0;
    if (holds)
        rc = forget_log(f, c, err);
    return rc < 0 ? rc : store_drop_record(f->st, &c->key, &c->id, err);
}

static int remove_below(struct fsck *f, const char *path, struct error *err)
{
    struct buf full = { 0 };
    int rc;

    fs_join(&full, f->st->path, path);
    rc = fs_remove(full.s, err);
    buf_release(&full);
    return rc;
}

static int repair(struct fsck *f, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < f->n_torn && rc >= 0; i++) {
        struct record **rec = NULL;
        size_t n = 0;

        rc = store_find(f->st, &f->torn[i], &rec, &n, err); /* which removes it */
        records_free(rec, n);
    }
    for (size_t i = 0; i < f->n_forged && rc >= 0; i++)
        rc = store_drop_record(f->st, &f->forged[i].key, &f->forged[i].id, err);
    for (size_t i = 0; i < f->n_claims && rc >= 0; i++)
        rc = repair_claim(f, &f->claim[i], err);
    for (size_t i = 0; i < f->n && rc >= 0; i++) {
        struct store_finding *found = &f->finding[i];

        if (!strcmp(found->what, "damaged"))
            rc = store_discard(f->st, &found->id, err);
        else if (!strcmp(found->what, "torn attestation"))
            rc = remove_below(f, found->path, err);
        found->repaired = strcmp(found->what, "stray file") != 0 &&
                          strcmp(found->what, "damaged pin") != 0;
    }
    return rc < 0 ? rc : 0;
}

/* Nobody may be about to use what goes. */
static int be_alone(struct store *st, int *fd, struct error *err)
{
    int rc = lockfile_open(st, fd, err);

    if (rc == 0)
        rc = lockfile_take(*fd, LOCK_ALONE, lockfile_runs, err);
    return rc == LOCK_BUSY ? error_set(err, E_SYSTEM,
                                       "a run uses the store; repair it when that has "
                                       "ended")
                           : rc;
}

/* ---- the calls --------------------------------------------------------------------- */

static int tell_all(struct fsck *f,
                    void (*tell)(void *self, const struct store_finding *f), void *self)
{
    for (size_t i = 0; i < f->n; i++)
        tell(self, &f->finding[i]);
    return f->n < INT32_MAX ? (int)f->n : INT32_MAX;
}

static void release(struct fsck *f)
{
    map_release(&f->uses);
    free(f->claim);
    free(f->torn);
    free(f->forged);
    free(f->finding);
    arena_release(&f->arena);
}

int store_fsck(struct store *st, void (*tell)(void *self, const struct store_finding *f),
               void *self, struct error *err)
{
    struct fsck f = { .st = st };
    int rc = check(&f, err);

    if (rc == 0)
        rc = tell_all(&f, tell, self);
    release(&f);
    return rc < 0 ? error_context(err, "checking the store") : rc;
}

int store_repair(struct store *st,
                 void (*tell)(void *self, const struct store_finding *f), void *self,
                 struct error *err)
{
    struct fsck f = { .st = st };
    int fd = -1, rc = be_alone(st, &fd, err);

    if (rc == 0)
        rc = check(&f, err);
    if (rc == 0)
        rc = repair(&f, err);
    if (rc == 0)
        rc = tell_all(&f, tell, self);
    release(&f);
    if (fd >= 0)
        io_close(fd);
    return rc < 0 ? error_context(err, "repairing the store") : rc;
}
