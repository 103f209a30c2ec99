#include "packs.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "envelope.h"
#include "larder/formats.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "layout.h"
#include "object.h"
#include "scan.h"

#include "larder/banned.h"

enum {
    WINDOW_FIRST = 1 << 20, /* bytes that the second request for a pack asks for, */
    WINDOW_GROWS = 8,       /* and how much more the one after it, */
    WINDOW_MAX = 64 << 20   /* up to so many */
};

struct packs {
    struct peer *peer;
    struct store *store;
    void (*tell)(void *self, const char *line);
    void *self;
    struct catalog catalog;
    struct root **root; /* of each key that was learnt */
    size_t n_roots, cap_roots;
    struct buf window;                  /* some bytes of a pack, from there on */
    long long window_from, window_size; /* and how many the last request was for */
    uint32_t window_pack;
};

struct packs *packs_new(struct peer *peer, struct store *store,
                        void (*tell)(void *self, const char *line), void *self)
{
    struct packs *p = xcalloc(1, sizeof *p);

    p->peer = peer;
    p->store = store;
    p->tell = tell;
    p->self = self;
    return p;
}

static void root_free(struct root *r)
{
    if (r)
        free(r->index);
    free(r);
}

void packs_free(struct packs *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_roots; i++)
        root_free(p->root[i]);
    free(p->root);
    catalog_release(&p->catalog);
    buf_release(&p->window);
    free(p);
}

bool packs_is_empty(const struct packs *p)
{
    for (size_t i = 0; i < p->n_roots; i++)
        if (p->root[i]->number > 0)
            return false;
    return p->peer->n_failures == 0;
}

struct catalog *packs_catalog(struct packs *p)
{
    return &p->catalog;
}

struct root *packs_root(struct packs *p, const struct key_id *by)
{
    for (size_t i = 0; i < p->n_roots; i++)
        if (!strcmp(p->root[i]->by.text, by->text))
            return p->root[i];
    return NULL;
}

/* ---- texts ---------------------------------------------------------------------------
 */

void packed_name(const char *what, const struct digest *id, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(id, hex);
    buf_printf(to, "%s/%.2s/%s", what, hex, hex);
}

void root_name(const struct key_id *by, long long number, struct buf *to)
{
    buf_printf(to, "root/%s/%lld", by->text, number);
}

void root_write(const struct root *r, const struct digest *before, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, FORMAT_ROOT "\nnumber %lld\n", r->number);
    if (r->number > 1)
        buf_printf(to, "before sha256:%s\n", digest_hex(before, hex));
    for (size_t i = 0; i < r->n; i++)
        buf_printf(to, "index sha256:%s %lld\n", digest_hex(&r->index[i].id, hex),
                   r->index[i].size);
}

/* *before is all-zero where there is none. */
static bool root_read(struct root *r, struct digest *before, const char *text, size_t n)
{
    struct scan s;

    *before = (struct digest){ 0 };
    scan_start(&s, text, n);
    if (!scan_text(&s, FORMAT_ROOT) || !scan_newline(&s) || !scan_text(&s, "number ") ||
        !scan_number(&s, &r->number) || !scan_newline(&s) || r->number < 1)
        return false;
    if (r->number > 1 &&
        (!scan_text(&s, "before ") || !scan_digest(&s, before) || !scan_newline(&s)))
        return false;
    while (!scan_done(&s)) {
        struct root_index index;

        if (!scan_text(&s, "index ") || !scan_digest(&s, &index.id) ||
            !scan_text(&s, " ") || !scan_number(&s, &index.size) || !scan_newline(&s) ||
            index.size > INDEX_MAX)
            return false;
        GROW(r->index, r->n + 1, r->cap);
        r->index[r->n++] = index;
    }
    digest_bytes(&r->id, text, n);
    return true;
}

bool root_is(const char *text, size_t n, long long number)
{
    struct root r = { 0 };
    struct digest before;
    bool is = root_read(&r, &before, text, n) && r.number == number;

    free(r.index);
    return is;
}

/* The root in an envelope that the key has signed; new, or NULL. */
static struct root *open_envelope(const struct public_key *key, const struct buf *text,
                                  struct digest *before)
{
    struct root *r = xcalloc(1, sizeof *r);
    struct envelope e;

    if (envelope_read(&e, ENVELOPE_ROOT, buf_str(text), text->len, NULL) == 0 &&
        public_key_equal(&e.signer, key) && envelope_is_true(&e) &&
        root_read(r, before, e.record, e.size)) {
        r->by = key_id_of(key);
        return r;
    }
    root_free(r);
    return NULL;
}

/* ---- what is remembered --------------------------------------------------------------
 */

/* STORE/remotes/<16 hex of the place>-<id of the key>: the last root that was seen. */
static void memory_path(const struct packs *p, const struct key_id *by, struct buf *path)
{
    char hex[DIGEST_HEX + 1];
    struct buf place = { 0 };
    struct digest d;

    buf_printf(&place, "%s%s", p->peer->kind->scheme, p->peer->place);
    digest_bytes(&d, place.s, place.len);
    buf_printf(path, "%s/remotes/%.16s-%s", p->store->path, digest_hex(&d, hex),
               by->text);
    buf_release(&place);
}

void packs_remember(struct packs *p, const struct root *r, const struct buf *envelope)
{
    struct buf path = { 0 }, folder = { 0 };

    memory_path(p, &r->by, &path);
    fs_dirname(&folder, path.s);
    if (fs_mkdirs(folder.s, NULL) == 0)
        fs_write(path.s, envelope->s, envelope->len, true, NULL);
    buf_release(&folder);
    buf_release(&path);
}

static struct root *recall(const struct packs *p, const struct public_key *key)
{
    struct key_id by = key_id_of(key);
    struct buf path = { 0 }, text = { 0 };
    struct digest before;
    struct root *r = NULL;

    memory_path(p, &by, &path);
    if (fs_exists(path.s) && fs_read(path.s, &text, NULL) == 0)
        r = open_envelope(key, &text, &before);
    buf_release(&text);
    buf_release(&path);
    return r;
}

/* ---- the latest root -----------------------------------------------------------------
 */

static void tell_ignored(struct packs *p, const char *name)
{
    struct buf line = { 0 };

    if (!p->tell)
        return;
    buf_printf(&line, "remote %s: %s ignored: it is not what its name says",
               p->peer->name, name);
    p->tell(p->self, line.s);
    buf_release(&line);
}

/* A file of the remote that is not longer than that: REMOTE_DONE, REMOTE_ABSENT or an
 * error. */
static int get_text(struct packs *p, const char *name, size_t max, struct buf *to,
                    struct error *err)
{
    struct sink_text letter = { .max = max };
    const struct remote_sink sink = sink_to_text(&letter);
    int rc = peer_get(p->peer, name, NULL, &sink, err);

    if (rc == REMOTE_DONE)
        *to = letter.text;
    else
        buf_release(&letter.text);
    if (letter.too_long)
        tell_ignored(p, name);
    return rc < 0 && letter.too_long ? REMOTE_ABSENT : rc;
}

/* *r: the root of that number, new; REMOTE_DONE, REMOTE_ABSENT or an error. */
static int get_root(struct packs *p, const struct public_key *key, long long number,
                    struct root **r, struct digest *before, struct buf *envelope,
                    struct error *err)
{
    struct key_id by = key_id_of(key);
    struct buf name = { 0 };
    int rc;

    *r = NULL;
    buf_reset(envelope);
    root_name(&by, number, &name);
    rc = get_text(p, name.s, ROOT_MAX, envelope, err);
    if (rc == REMOTE_DONE) {
        *r = open_envelope(key, envelope, before);
        if (*r && (*r)->number != number) {
            root_free(*r);
            *r = NULL;
        }
        if (!*r)
            tell_ignored(p, name.s);
        rc = *r ? REMOTE_DONE : REMOTE_ABSENT;
    }
    buf_release(&name);
    return rc;
}

static void tell_gone_back(struct packs *p, const struct root *last)
{
    struct buf line = { 0 };

    if (!p->tell)
        return;
    buf_printf(
        &line,
        "remote %s has gone back: root %lld of key %s, which it had, is gone or another",
        p->peer->name, last->number, last->by.text);
    p->tell(p->self, line.s);
    buf_release(&line);
}

/* What follows on the last one, in steps that double until there is none, then by halves.
 * *last is given away and taken anew. */
static int find_latest(struct packs *p, const struct public_key *key, struct root **last,
                       struct buf *envelope, struct error *err)
{
    long long known = *last ? (*last)->number : 0, step = 1, beyond = -1;

    while (beyond < 0 || beyond > known + 1) {
        long long at = beyond < 0 ? known + step : known + (beyond - known) / 2;
        struct buf text = { 0 };
        struct digest before;
        struct root *next;
        int rc = get_root(p, key, at, &next, &before, &text, err);

        if (rc < 0) {
            buf_release(&text);
            return rc;
        }
        if (next && *last && at == known + 1 && !digest_equal(&before, &(*last)->id)) {
            tell_gone_back(p, *last);
            root_free(*last); /* another line of roots: it begins anew */
            *last = NULL;
        }
        if (next) {
            root_free(*last);
            *last = next;
            known = at;
            step *= 2;
            buf_release(envelope);
            *envelope = text;
        } else {
            beyond = at;
            buf_release(&text);
        }
    }
    return 0;
}

/* A root that was seen must still be there, or the remote is not what it was. */
static int check_last(struct packs *p, const struct public_key *key, struct root **last,
                      struct error *err)
{
    struct buf text = { 0 };
    struct digest before;
    struct root *same;
    int rc = *last ? get_root(p, key, (*last)->number, &same, &before, &text, err) : 0;

    buf_release(&text);
    if (!*last || rc < 0)
        return rc < 0 ? rc : 0;
    if (!same && p->peer->n_failures)
        return 0; /* it is away: what it had is what we know */
    if (!same || !digest_equal(&same->id, &(*last)->id)) {
        tell_gone_back(p, *last);
        root_free(*last);
        *last = NULL;
    }
    root_free(same);
    return 0;
}

/* ---- indexes -------------------------------------------------------------------------
 */

/* From our store, where it is kept as an object, or from the remote. */
static int read_index(struct packs *p, const struct root_index *index, struct error *err)
{
    struct buf name = { 0 }, text = { 0 };
    struct digest id;
    int rc = object_read(p->store, &index->id, INDEX_MAX, &text, err);

    if (rc > OBJECT_FINE) {
        packed_name("index", &index->id, &name);
        buf_reset(&text);
        rc = get_text(p, name.s, (size_t)index->size, &text, err);
        if (rc == REMOTE_DONE) {
            digest_bytes(&id, buf_str(&text), text.len);
            rc = digest_equal(&id, &index->id) ? 0 : REMOTE_ABSENT;
            if (rc == REMOTE_ABSENT)
                tell_ignored(p, name.s);
        }
        if (rc == 0) {
            struct intake in = { .st = p->store, .how = TAKE_MOVE };

            rc = object_take_bytes(&in, text.s, text.len, &id, err);
        }
    }
    if (rc == 0)
        catalog_read(&p->catalog, buf_str(&text), text.len, NULL);
    buf_release(&name);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

int packs_learn(struct packs *p, const struct public_key *key, struct error *err)
{
    struct key_id by = key_id_of(key);
    struct buf envelope = { 0 };
    struct root *last;
    int rc;

    if (packs_root(p, &by))
        return 0;
    last = recall(p, key);
    rc = check_last(p, key, &last, err);
    if (rc == 0)
        rc = find_latest(p, key, &last, &envelope, err);
    for (size_t i = 0; rc == 0 && last && i < last->n; i++)
        rc = read_index(p, &last->index[i], err);
    if (rc == 0 && envelope.len)
        packs_remember(p, last, &envelope);
    buf_release(&envelope);
    if (!last)
        last = xcalloc(1, sizeof *last);
    last->by = by;
    GROW(p->root, p->n_roots + 1, p->cap_roots);
    p->root[p->n_roots++] = last;
    return rc;
}

/* ---- packs ---------------------------------------------------------------------------
 */

static bool in_window(const struct packs *p, const struct catalog_entry *e)
{
    return p->window.len && e->pack == p->window_pack && e->from >= p->window_from &&
           e->from + e->size <= p->window_from + (long long)p->window.len;
}

/* How much to ask for: of another pack, or of what lies before, only the thing itself. */
static long long window_for(const struct packs *p, const struct catalog_entry *e)
{
    long long left = p->catalog.pack[e->pack].size - e->from, size = e->size;

    if (p->window.len && e->pack == p->window_pack && e->from > p->window_from) {
        size =
            p->window_size < WINDOW_FIRST ? WINDOW_FIRST : p->window_size * WINDOW_GROWS;
        if (size > WINDOW_MAX)
            size = WINDOW_MAX;
        if (size < e->size)
            size = e->size;
    }
    return size < left ? size : left;
}

int packs_get(struct packs *p, const struct catalog_entry *e,
              const struct remote_sink *to, struct error *err)
{
    struct buf name = { 0 };
    int rc = REMOTE_DONE;

    if (e->size > WINDOW_MAX)
        return REMOTE_ABSENT; /* nobody packs what is so large */
    if (e->size && !in_window(p, e)) {
        struct remote_part part = { e->from, window_for(p, e) };
        struct sink_text letter = { .max = (size_t)part.size };
        const struct remote_sink into = sink_to_text(&letter);

        packed_name("pack", &p->catalog.pack[e->pack].id, &name);
        rc = peer_get(p->peer, name.s, &part, &into, err);
        if (rc == REMOTE_DONE && letter.text.len != (size_t)part.size)
            rc = REMOTE_ABSENT; /* nothing is read behind what there is */
        if (rc == REMOTE_DONE) {
            buf_release(&p->window);
            p->window = letter.text;
            p->window_from = part.from;
            p->window_size = part.size;
            p->window_pack = e->pack;
        } else {
            buf_release(&letter.text);
        }
    }
    if (rc == REMOTE_DONE && e->size)
        rc = to->take(to->self, p->window.s + (e->from - p->window_from), (size_t)e->size,
                      err);
    buf_release(&name);
    return rc;
}
