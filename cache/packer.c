#include "packer.h"

#include <stdlib.h>

#include "body.h"
#include "envelope.h"
#include "larder/mem.h"
#include "object.h"
#include "tempfile.h"

#include "larder/banned.h"

enum {
    PACK_FULL = 32 << 20, /* from so many bytes on a pack is given */
    INDEXES_MAX = 16,     /* more become one */
    PIECE = 256 << 10     /* bytes that are written at once */
};

/* What waits to be given: one pack of objects, one of records. */
struct heap {
    struct tempfile file;
    struct buf piece; /* the last bytes, not yet in the file */
    struct hasher *hasher;
    struct catalog part; /* its entries, in a pack 0 */
    long long size;
};

struct packer {
    struct peer *peer;
    struct store *store;
    struct packs *packs;
    const struct signer *signer;
    struct heap objects, records;
};

static void heap_release(struct heap *h)
{
    tempfile_release(&h->file);
    buf_release(&h->piece);
    hasher_free(h->hasher);
    catalog_release(&h->part);
    *h = (struct heap){ 0 };
}

static int heap_write(struct heap *h, struct error *err)
{
    int rc = tempfile_write(&h->file, buf_str(&h->piece), h->piece.len, err);

    hasher_add(h->hasher, buf_str(&h->piece), h->piece.len);
    buf_reset(&h->piece);
    return rc;
}

static int heap_add(struct packer *k, struct heap *h, const struct digest *id,
                    const struct key_id *by, const struct buf *bytes, struct error *err)
{
    int rc = 0;

    if (!h->hasher) {
        h->hasher = hasher_new();
        rc = tempfile_open(&h->file, k->store, err);
    }
    if (rc == 0) {
        buf_add(&h->piece, buf_str(bytes), bytes->len);
        if (h->piece.len >= PIECE)
            rc = heap_write(h, err);
    }
    if (rc < 0)
        return rc;
    catalog_add(&h->part, id, by, 0, h->size, (long long)bytes->len);
    h->size += (long long)bytes->len;
    return 0;
}

int packer_open(struct packer **to, struct peer *peer, struct store *store,
                struct packs *packs, const struct signer *signer, struct error *err)
{
    struct packer *k = xcalloc(1, sizeof *k);

    *k =
        (struct packer){ .peer = peer, .store = store, .packs = packs, .signer = signer };
    *to = k;
    return packs_learn(packs, signer_key(signer), err);
}

void packer_close(struct packer *k)
{
    if (!k)
        return;
    heap_release(&k->objects);
    heap_release(&k->records);
    free(k);
}

void packer_count_waiting(const struct packer *k, size_t *objects, size_t *records,
                          long long *bytes)
{
    *objects = k ? k->objects.part.n : 0;
    *records = k ? k->records.part.n : 0;
    *bytes = k ? k->objects.size : 0;
}

/* ---- giving --------------------------------------------------------------------------
 */

static int put_text(struct packer *k, const char *name, const struct buf *text,
                    struct error *err)
{
    struct body_text at = { buf_str(text), text->len, 0 };
    struct remote_body body = body_of_text(&at);

    return peer_put(k->peer, name, &body, PUT_NEW, err);
}

static bool is_known(const struct catalog *c, const struct digest *id)
{
    for (size_t i = 0; i < c->n_packs; i++)
        if (digest_equal(&c->pack[i].id, id))
            return true;
    return false;
}

static int hash_heap(const struct heap *h, struct digest *id, struct error *err)
{
    struct body_file at = { h->file.fd, h->size, 0 };
    const struct remote_body body = body_of_file(&at);

    return body_hash(&body, id, err);
}

/* The name of a pack. One that has it already is damaged there, or nothing would be given
 * anew, and few servers let it be replaced: with a byte behind all that is in it, this
 * one has another name. */
static int name_heap(const struct packer *k, struct heap *h, struct digest *id,
                     struct error *err)
{
    int rc = heap_write(h, err);

    hasher_finish(h->hasher, id);
    while (rc == 0 && is_known(packs_catalog(k->packs), id)) {
        rc = tempfile_write(&h->file, "\n", 1, err);
        h->size++;
        if (rc == 0)
            rc = hash_heap(h, id, err);
    }
    return rc;
}

/* Gives a heap as a pack, and enters it and what it has into the catalog. */
static int put_heap(struct packer *k, struct heap *h, struct error *err)
{
    struct catalog *all = packs_catalog(k->packs);
    struct buf name = { 0 };
    struct body_file at;
    struct remote_body body;
    struct digest id;
    uint32_t pack;
    int rc;

    if (h->part.n == 0)
        return 0;
    rc = name_heap(k, h, &id, err);
    if (rc < 0)
        return rc;
    at = (struct body_file){ h->file.fd, h->size, 0 };
    body = body_of_file(&at);
    packed_name("pack", &id, &name);
    rc = peer_put(k->peer, name.s, &body, PUT_NEW, err);
    buf_release(&name);
    if (rc < 0)
        return rc;
    pack = catalog_add_pack(all, &id, h->size);
    for (size_t i = 0; i < h->part.n; i++) {
        const struct catalog_entry *e = &h->part.entry[i];

        catalog_add(all, &e->id, *e->by.text ? &e->by : NULL, pack, e->from, e->size);
    }
    heap_release(h);
    return 0;
}

/* The index of the packs from that number on; or, when there are many, one of all. */
static int put_index(struct packer *k, struct root *r, uint32_t first_pack,
                     struct error *err)
{
    struct buf text = { 0 }, name = { 0 };
    struct root_index index;
    int rc;

    if (r->n >= INDEXES_MAX) {
        first_pack = 0;
        r->n = 0;
    }
    catalog_write(packs_catalog(k->packs), first_pack, &text);
    digest_bytes(&index.id, text.s, text.len);
    index.size = (long long)text.len;
    packed_name("index", &index.id, &name);
    rc = put_text(k, name.s, &text, err);
    if (rc >= 0) {
        struct intake in = { .st = k->store, .how = TAKE_MOVE };
        struct digest same;

        GROW(r->index, r->n + 1, r->cap);
        r->index[r->n++] = index;
        rc = object_take_bytes(&in, text.s, text.len, &same, err);
    }
    buf_release(&name);
    buf_release(&text);
    return rc;
}

static int put_root(struct packer *k, struct root *r, struct error *err)
{
    struct buf text = { 0 }, envelope = { 0 }, name = { 0 };
    struct digest before = r->id;
    struct envelope e;
    long long size;
    int rc;

    r->number++;
    root_write(r, &before, &text);
    root_name(&r->by, r->number, &name);
    rc = envelope_sign(&e, ENVELOPE_ROOT, k->signer, text.s, text.len, err);
    if (rc == 0) {
        envelope_write(&e, &envelope);
        rc = peer_has(k->peer, name.s, &size, err); /* not every server heeds PUT_NEW */
    }
    if (rc == REMOTE_ABSENT)
        rc = put_text(k, name.s, &envelope, err);
    if (rc == REMOTE_THERE)
        rc =
            error_set(err, E_REMOTE,
                      "remote %s: somebody else pushes with the same key at this moment; "
                      "push again when that is done",
                      k->peer->name);
    if (rc == REMOTE_DONE) {
        digest_bytes(&r->id, text.s, text.len);
        packs_remember(k->packs, r, &envelope);
    }
    buf_release(&name);
    buf_release(&envelope);
    buf_release(&text);
    return rc;
}

int packer_flush(struct packer *k, struct error *err)
{
    struct key_id by = key_id_of(signer_key(k->signer));
    uint32_t first_pack = (uint32_t)packs_catalog(k->packs)->n_packs;
    int rc = 0;

    if (k->objects.part.n == 0 && k->records.part.n == 0)
        return 0;
    rc = put_heap(k, &k->objects, err);
    if (rc >= 0)
        rc = put_heap(k, &k->records, err);
    if (rc >= 0)
        rc = put_index(k, packs_root(k->packs, &by), first_pack, err);
    if (rc >= 0)
        rc = put_root(k, packs_root(k->packs, &by), err);
    return rc < 0 ? rc : 0;
}

int packer_add_object(struct packer *k, const struct digest *id, const struct buf *bytes,
                      struct error *err)
{
    int rc = heap_add(k, &k->objects, id, NULL, bytes, err);

    return rc == 0 && k->objects.size >= PACK_FULL ? packer_flush(k, err) : rc;
}

int packer_add_record(struct packer *k, const struct digest *key, const struct key_id *by,
                      const struct buf *envelope, struct error *err)
{
    int rc = heap_add(k, &k->records, key, by, envelope, err);

    return rc == 0 && k->records.size >= PACK_FULL ? packer_flush(k, err) : rc;
}
