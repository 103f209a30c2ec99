#include "larder/remotes.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attested.h"
#include "body.h"
#include "envelope.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "object.h"
#include "packs.h"
#include "peer.h"
#include "receive.h"
#include "sidehash.h"
#include "signed.h"
#include "tree.h"

#include "larder/banned.h"

enum {
    MISSED_S = 60,
    STRANGERS_MAX = 20,
    PARTED_MIN = 16 << 20 /* asked for by its size, so that it can be divided */
};

struct source {
    struct peer peer;
    struct packs *packs; /* where it keeps them; NULL until then */
    size_t n_damaged;    /* objects that were not what their names say */
};

/* Results of one key that were not taken. */
struct stranger {
    size_t n;
};

struct remotes {
    struct remotes_order order;
    struct source *source;
    size_t n, cap;
    struct arena arena;
    struct map missed;    /* hex of a key or object → time_t at which nobody had it */
    struct map whole;     /* hex of trees that are here with all that is in them */
    struct map asked;     /* hex of records whose attestations were asked for */
    struct map strangers; /* id of a key → struct stranger, of the first ones */
    size_t n_others;      /* results of further unknown keys */
    size_t n_false;       /* records whose signature does not fit */
    struct sidehash *beside; /* of large objects; NULL until there is one */
    bool stopped;
    struct remotes_totals totals;
};

void remotes_open(struct remotes **to, const struct remotes_order *order)
{
    struct remotes *r = xcalloc(1, sizeof *r);

    r->order = *order;
    *to = r;
}

void remotes_close(struct remotes *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        packs_free(r->source[i].packs);
        peer_release(&r->source[i].peer);
    }
    free(r->source);
    map_release(&r->missed);
    map_release(&r->whole);
    map_release(&r->asked);
    map_release(&r->strangers);
    arena_release(&r->arena);
    sidehash_free(r->beside);
    free(r);
}

int remotes_add(struct remotes *r, const char *name, const char *place, struct error *err)
{
    struct source *s;
    int rc;

    GROW(r->source, r->n + 1, r->cap);
    s = &r->source[r->n];
    *s = (struct source){ 0 };
    rc = peer_init(&s->peer, name, place, err);
    if (rc < 0)
        return rc;
    s->peer.required = r->order.required;
    s->peer.warn = r->order.warn;
    s->peer.self = r->order.self;
    r->n++;
    return 0;
}

void remotes_on_moved(struct remotes *r, struct moved moved)
{
    for (size_t i = 0; i < r->n; i++)
        r->source[i].peer.moved = moved;
}

/* Whether nobody had it a moment ago. */
static bool was_missed(const struct remotes *r, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];
    const time_t *when = map_get(&r->missed, digest_hex(d, hex));

    return when && time(NULL) - *when < MISSED_S;
}

static int miss(struct remotes *r, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];
    time_t *when = arena_alloc(&r->arena, sizeof *when);

    *when = time(NULL);
    map_set(&r->missed, digest_hex(d, hex), when);
    return STORE_MISS;
}

/* The packs of a source, with all that trusted keys have put there; NULL where it has
 * none. */
static int open_packs(struct remotes *r, struct source *s, struct packs **packs,
                      struct error *err)
{
    int rc = s->packs ? 1 : peer_is_packed(&s->peer, err);

    *packs = NULL;
    if (rc <= 0)
        return rc;
    *packs = s->packs;
    if (s->packs)
        return 0;
    *packs = s->packs = packs_new(&s->peer, r->order.store, r->order.warn, r->order.self);
    rc = 0;
    for (size_t i = 0; i < trust_count(r->order.trust) && rc == 0; i++)
        rc = packs_learn(s->packs, &trust_at(r->order.trust, i)->key, err);
    return rc;
}

/* True when the letter is what `who` has signed of the key; *rec is then new. */
static bool is_believed(const struct sink_text *l, const struct trusted *who,
                        const struct digest *key, struct envelope *e, struct record **rec)
{
    if (l->too_long ||
        envelope_read(e, ENVELOPE_RECORD, buf_str(&l->text), l->text.len, NULL) < 0 ||
        !public_key_equal(&e->signer, &who->key) || !envelope_is_true(e) ||
        record_read(rec, e->record, e->size, NULL) < 0)
        return false;
    if (digest_equal(&(*rec)->key, key))
        return true;
    record_free(*rec);
    *rec = NULL;
    return false;
}

static int get_letter(struct remotes *r, struct source *s, const struct digest *key,
                      const struct trusted *who, struct sink_text *letter,
                      struct error *err)
{
    const struct remote_sink to = sink_to_text(letter);
    const struct catalog_entry *at;
    char hex[DIGEST_HEX + 1];
    struct buf name = { 0 };
    struct packs *packs;
    int rc = open_packs(r, s, &packs, err);

    if (rc < 0)
        return rc;
    if (packs) {
        at = catalog_find(packs_catalog(packs), key, &who->id);
        return at ? packs_get(packs, at, &to, err) : REMOTE_ABSENT;
    }
    digest_hex(key, hex);
    buf_printf(&name, "ac/%.2s/%s/%s", hex, hex, who->id.text);
    rc = peer_get(&s->peer, name.s, NULL, &to, err);
    buf_release(&name);
    return rc;
}

/* What one signer says of a key, on one remote. */
static int take_record(struct remotes *r, struct source *s, const struct digest *key,
                       const struct trusted *who, struct error *err)
{
    struct record *rec = NULL;
    struct sink_text letter = { .max = ENVELOPE_MAX };
    struct envelope e;
    int rc = get_letter(r, s, key, who, &letter, err);

    if (rc == REMOTE_ABSENT || (rc < 0 && !letter.too_long))
        goto out;
    rc = REMOTE_ABSENT;
    if (!is_believed(&letter, who, key, &e, &rec)) {
        r->n_false++;
        r->totals.n_ignored++;
        goto out;
    }
    rc = signed_keep(r->order.store, rec, letter.text.s, letter.text.len, err);
out:
    record_free(rec);
    buf_release(&letter.text);
    return rc;
}

/* Who else has signed something for a key. */
struct others {
    struct remotes *r;
    const char *stage;
};

static bool was_asked_for(const struct others *o, const char *id)
{
    const struct trust *t = o->r->order.trust;

    for (size_t i = 0; i < trust_count(t); i++)
        if (!strcmp(trust_at(t, i)->id.text, id) &&
            trust_covers(trust_at(t, i), o->stage))
            return true;
    return false;
}

static void count_other(void *self, const char *name)
{
    struct others *o = self;
    struct stranger *s;
    struct key_id id;

    if (!key_id_parse(&id, name) || was_asked_for(o, name))
        return;
    o->r->totals.n_ignored++;
    s = map_get(&o->r->strangers, name);
    if (!s && o->r->strangers.n == STRANGERS_MAX) {
        o->r->n_others++;
        return;
    }
    if (!s) {
        s = arena_alloc(&o->r->arena, sizeof *s);
        map_set(&o->r->strangers, name, s);
    }
    s->n++;
}

static int count_others(struct remotes *r, struct source *s, const struct digest *key,
                        const char *stage, struct error *err)
{
    struct others others = { r, stage };
    char hex[DIGEST_HEX + 1];
    struct buf folder = { 0 };
    int rc;

    digest_hex(key, hex);
    buf_printf(&folder, "ac/%.2s/%s", hex, hex);
    rc = peer_list(&s->peer, folder.s, count_other, &others, err);
    buf_release(&folder);
    return rc;
}

/* All that trusted signers say of a key on one remote: STORE_HIT when there is any. */
static int ask_for_records(struct remotes *r, struct source *s, const struct digest *key,
                           const char *stage, struct error *err)
{
    struct packs *packs;
    int rc = open_packs(r, s, &packs, err), answer = STORE_MISS;

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < trust_count(r->order.trust); i++) {
        const struct trusted *who = trust_at(r->order.trust, i);

        if (!trust_covers(who, stage))
            continue;
        rc = take_record(r, s, key, who, err);
        if (rc < 0)
            return rc;
        if (rc == REMOTE_DONE)
            answer = STORE_HIT;
    }
    if (answer == STORE_HIT || packs)
        return answer;
    rc = count_others(r, s, key, stage, err);
    return rc < 0 ? rc : STORE_MISS;
}

int remotes_find_record(struct remotes *r, const struct digest *key, const char *stage,
                        const char **from, struct error *err)
{
    bool all = trust_k(r->order.trust, stage) > 1;

    *from = NULL;
    if (trust_forbids(r->order.trust, stage) || was_missed(r, key))
        return STORE_MISS;
    for (size_t i = 0; i < r->n && (all || !*from); i++) {
        int rc = ask_for_records(r, &r->source[i], key, stage, err);

        if (rc < 0)
            return rc;
        if (rc == STORE_HIT && !*from)
            *from = r->source[i].peer.name;
    }
    return *from ? STORE_HIT : miss(r, key);
}

/* What one signer says of a record, on one remote. */
static int take_attestation(struct remotes *r, struct source *s, const struct digest *key,
                            const struct digest *record, const struct trusted *who,
                            struct error *err)
{
    struct sink_text letter = { .max = ATTESTATION_MAX };
    const struct remote_sink to = sink_to_text(&letter);
    struct attestation *a = NULL;
    struct buf name = { 0 };
    int rc;

    attested_name(key, record, &who->id, &name);
    rc = peer_get(&s->peer, name.s, NULL, &to, err);
    if (rc < 0 && letter.too_long)
        rc = REMOTE_ABSENT;
    if (rc != REMOTE_DONE)
        goto out;
    if (attested_open(&a, buf_str(&letter.text), letter.text.len, NULL) == 0 &&
        public_key_equal(&a->signer, &who->key) && digest_equal(&a->key, key) &&
        digest_equal(&a->record, record)) {
        rc = attested_keep(r->order.store, a, letter.text.s, letter.text.len, err);
        r->totals.n_attestations += rc == 0;
    } else {
        r->n_false++;
        rc = REMOTE_ABSENT;
    }
out:
    attestation_free(a);
    buf_release(&letter.text);
    buf_release(&name);
    return rc < 0 ? rc : 0;
}

int remotes_find_attestations(struct remotes *r, const struct digest *key,
                              const struct digest *record, const char *stage,
                              enum remotes_ask whom, struct error *err)
{
    const struct trust *t = r->order.trust;
    char hex[DIGEST_HEX + 1];
    int rc = 0;

    if (trust_forbids(t, stage) || map_get(&r->asked, digest_hex(record, hex)))
        return 0;
    if (whom == ASK_ALL)
        map_set(&r->asked, hex, r);
    for (size_t i = 0; i < trust_count(t) && rc == 0; i++) {
        const struct trusted *who = trust_at(t, i);

        if (!trust_covers(who, stage))
            continue;
        for (size_t k = 0; k < r->n && rc == 0; k++)
            if ((whom == ASK_ALL || r->source[k].peer.kind->list) &&
                !attested_has(r->order.store, key, record, &who->id))
                rc = take_attestation(r, &r->source[k], key, record, who, err);
    }
    return rc;
}

/* An object on its way in. */
struct arrival {
    struct remotes *r;
    struct receive *in;
};

static int take_bytes(void *self, const void *bytes, size_t n, struct error *err)
{
    struct arrival *a = self;

    if (a->r->order.stops && a->r->order.stops(a->r->order.self)) {
        a->r->stopped = true;
        return error_set(err, E_SYSTEM, "stopped");
    }
    return receive_take(a->in, bytes, n, err);
}

/* One file from one remote: checked, not yet with its name. REMOTE_DONE, REMOTE_ABSENT,
 * or an error of our own store. */
static int get_file(struct remotes *r, struct source *s, struct receive *in,
                    struct error *err)
{
    struct arrival arrival = { r, in };
    const struct remote_sink to = { take_bytes, &arrival };
    const struct remote_part rest = { in->got, in->size - in->got };
    const struct catalog_entry *at = NULL;
    struct packs *packs;
    struct buf name = { 0 };
    int rc = open_packs(r, s, &packs, err);

    if (rc < 0)
        return rc;
    if (packs)
        at = catalog_find(packs_catalog(packs), &in->id, NULL);
    packed_name("cas", &in->id, &name);
    if (at)
        rc = packs_get(packs, at, &to, err);
    else if (packs && in->size >= 0 && in->size <= PACKED_MAX)
        rc = REMOTE_ABSENT;
    else if (in->got == 0 || rest.size > 0)
        rc = peer_get(&s->peer, name.s, in->size >= PARTED_MIN ? &rest : NULL, &to, err);
    if (rc == REMOTE_DONE)
        rc = receive_check(in, err);
    if (rc < 0 && in->rc == E_CORRUPT) {
        s->n_damaged += in->had == 0;
        rc = REMOTE_ABSENT;
    }
    if (rc < 0 && r->stopped)
        rc = REMOTE_ABSENT;
    buf_release(&name);
    return rc;
}

static int open_arrival(struct remotes *r, struct receive *in, const struct digest *id,
                        long long size, struct buf *copy, struct error *err)
{
    if (size < RESUMED_MIN || copy)
        return receive_open(in, r->order.store, id, size, TREE_TEXT_MAX, copy, err);
    if (!r->beside)
        r->beside = sidehash_new();
    return receive_resume(in, r->order.store, id, size, r->beside, err);
}

/* The same from the first remote that has it whole; *in is then to be published. */
static int ask_for_file(struct remotes *r, struct receive *in, const struct digest *id,
                        long long size, struct buf *copy, struct error *err)
{
    if (was_missed(r, id))
        return REMOTE_ABSENT;
    for (size_t i = 0; i < r->n && !r->stopped; i++) {
        int rc = open_arrival(r, in, id, size, copy, err);

        if (rc == 0)
            rc = get_file(r, &r->source[i], in, err);
        if (rc == REMOTE_DONE) {
            r->totals.n_objects++;
            r->totals.bytes += in->got - in->had;
        }
        if (rc != REMOTE_ABSENT)
            return rc;
        if (in->rc == E_CORRUPT && in->had)
            i--; /* what was there before may be to blame; it is gone now */
        receive_release(in);
        if (copy)
            buf_reset(copy);
    }
    miss(r, id);
    return REMOTE_ABSENT;
}

static int fetch_file(struct remotes *r, const struct digest *id, long long size,
                      bool sync, struct error *err)
{
    struct receive in = { 0 };
    int rc = OBJECT_ABSENT;

    if (object_hold(r->order.store, id)) /* no record may name it yet */
        rc = object_check(r->order.store, id, size, false, err);
    if (rc <= OBJECT_FINE)
        return rc;
    rc = ask_for_file(r, &in, id, size, NULL, err);
    if (rc == REMOTE_DONE)
        rc = receive_publish(&in, sync, err);
    receive_release(&in);
    return rc == REMOTE_ABSENT ? STORE_MISS : rc;
}

static int fetch_tree(struct remotes *r, const struct digest *id, long long size,
                      int depth, bool sync, struct error *err);

static int fetch_entries(struct remotes *r, const struct tree *tree, int depth, bool sync,
                         struct error *err)
{
    int rc = STORE_HIT;

    for (size_t i = 0; i < tree->n && rc == STORE_HIT; i++) {
        const struct tree_entry *e = &tree->entry[i];

        rc = e->kind == TREE_TREE ? fetch_tree(r, &e->id, e->size, depth + 1, sync, err)
                                  : fetch_file(r, &e->id, e->size, sync, err);
    }
    return rc;
}

/* The text, from our store or another; in the end it is published behind all it names. */
static int read_tree(struct remotes *r, const struct digest *id, struct receive *in,
                     struct buf *text, struct error *err)
{
    int rc = object_read(r->order.store, id, TREE_TEXT_MAX, text, err);

    return rc > OBJECT_FINE ? ask_for_file(r, in, id, -1, text, err) : rc;
}

/* Whoever signed what names it has not looked at it, or lies. */
static int refuse_tree(struct remotes *r, const struct digest *id)
{
    char hex[DIGEST_HEX + 1];
    struct buf line = { 0 };

    buf_printf(&line, "folder sha256:%s ignored: no folder can have such a text and size",
               digest_hex(id, hex));
    if (r->order.warn)
        r->order.warn(r->order.self, line.s);
    buf_release(&line);
    return miss(r, id);
}

static int fetch_tree(struct remotes *r, const struct digest *id, long long size,
                      int depth, bool sync, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct receive in = { 0 };
    struct tree tree = { 0 };
    struct buf text = { 0 };
    int rc;

    if (map_get(&r->whole, digest_hex(id, hex)))
        return STORE_HIT;
    rc = depth > TREE_DEPTH_MAX ? REMOTE_ABSENT : read_tree(r, id, &in, &text, err);
    if (rc != 0)
        goto out;
    if (tree_read(&tree, buf_str(&text), text.len, NULL) < 0 || tree.size != size)
        rc = refuse_tree(r, id);
    else
        rc = fetch_entries(r, &tree, depth, sync, err);
    if (rc == STORE_HIT && in.temp.st)
        rc = receive_publish(&in, sync, err);
    if (rc == STORE_HIT)
        map_set(&r->whole, hex, r);
out:
    tree_release(&tree);
    buf_release(&text);
    receive_release(&in);
    return rc == REMOTE_ABSENT ? STORE_MISS : rc;
}

int remotes_fetch_object(struct remotes *r, const struct object *o, bool sync,
                         struct error *err)
{
    char hex[DIGEST_HEX + 1];
    int rc = o->kind == OBJECT_TREE ? fetch_tree(r, &o->id, o->size, 1, sync, err)
                                    : fetch_file(r, &o->id, o->size, sync, err);

    return rc < 0
               ? error_context(err, "fetching object sha256:%s", digest_hex(&o->id, hex))
               : rc;
}

int remotes_has_object(struct remotes *r, const struct digest *id, struct error *err)
{
    struct buf name = { 0 };
    int rc = REMOTE_ABSENT;

    packed_name("cas", id, &name);
    for (size_t i = 0; i < r->n && rc == REMOTE_ABSENT && !was_missed(r, id); i++) {
        struct packs *packs;
        long long size;

        rc = open_packs(r, &r->source[i], &packs, err);
        if (rc == 0 && packs && catalog_find(packs_catalog(packs), id, NULL))
            rc = REMOTE_THERE;
        else if (rc == 0)
            rc = peer_has(&r->source[i].peer, name.s, &size, err);
    }
    buf_release(&name);
    return rc < 0 ? rc : rc == REMOTE_THERE ? STORE_HIT : miss(r, id);
}

void remotes_count_up(const struct remotes *r, struct remotes_totals *t)
{
    *t = r->totals;
}

static void tell(struct remotes *r, struct buf *line)
{
    if (r->order.warn)
        r->order.warn(r->order.self, buf_str(line));
    buf_reset(line);
}

/* Those that are trusted, but not with these stages, or those that are not at all. */
static void tell_strangers(struct remotes *r, bool known)
{
    struct buf line = { 0 };

    for (size_t i = 0; i < r->strangers.n; i++) {
        const struct map_entry *e = &r->strangers.entry[i];
        const struct trusted *who = trust_find(r->order.trust, e->key);
        size_t n = ((const struct stranger *)e->value)->n;
        struct key_id id = { 0 };

        key_id_parse(&id, e->key);
        if ((who != NULL) != known)
            continue;
        buf_printf(&line, "%zu result%s ignored: ", n, n == 1 ? "" : "s");
        if (who)
            buf_printf(&line, "%s, id %s, is not trusted with these stages", who->name,
                       e->key);
        else if (trust_revoked(r->order.trust, &id))
            buf_printf(&line, "the key %s is revoked", e->key);
        else
            buf_printf(&line,
                       "unknown key %s; `larder trust add` its public key to use %s",
                       e->key, n == 1 ? "it" : "them");
        tell(r, &line);
    }
    buf_release(&line);
}

void remotes_tell_ignored(struct remotes *r)
{
    struct buf line = { 0 };

    tell_strangers(r, true);
    tell_strangers(r, false);
    if (r->n_others) {
        buf_printf(&line, "%zu result%s ignored: further unknown keys", r->n_others,
                   r->n_others == 1 ? "" : "s");
        tell(r, &line);
    }
    if (r->n_false) {
        buf_printf(&line, "%zu result%s ignored: not what a trusted key has signed",
                   r->n_false, r->n_false == 1 ? "" : "s");
        tell(r, &line);
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct source *s = &r->source[i];

        if (s->packs && packs_is_empty(s->packs)) {
            buf_printf(&line,
                       "remote %s has nothing that a trusted key has signed; `larder "
                       "trust add` the public key of who pushes there",
                       s->peer.name);
            tell(r, &line);
        }
        if (s->n_damaged) {
            buf_printf(&line,
                       "%zu object%s ignored: not what %s name says, on remote %s; "
                       "`larder push --verify` replaces what is here by now",
                       s->n_damaged, s->n_damaged == 1 ? "" : "s",
                       s->n_damaged == 1 ? "its" : "their", s->peer.name);
            tell(r, &line);
        }
    }
    buf_release(&line);
}
