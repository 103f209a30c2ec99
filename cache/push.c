#include "larder/push.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ahead.h"
#include "attested.h"
#include "body.h"
#include "envelope.h"
#include "larder/io.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "layout.h"
#include "libcurl.h"
#include "object.h"
#include "offer.h"
#include "packer.h"
#include "peer.h"
#include "signed.h"
#include "tree.h"

#include "larder/banned.h"

struct push {
    struct store *store;
    struct peer peer;
    const struct signer *signer;
    struct packs *packs;   /* of a remote that has them, */
    struct packer *packer; /* or NULL */
    struct ahead *ahead;   /* what is in the folder that is being given, or NULL */
    struct map given;      /* hex of objects that the remote has → unhashed or hashed */
    struct push_totals totals;
    push_damage *tell;
    void *self; /* its own */
    bool verify;
    bool record_damaged; /* the one asked for last is there, and is none */
};

/* Whether we have hashed our own bytes too. */
static char unhashed[] = "unhashed", hashed[] = "hashed";

static bool is_given(const struct push *p, const char *hex, bool check)
{
    const char *how = map_get(&p->given, hex);

    return how == hashed || (how && !check);
}

/* Of a peer, which is taken. */
static int open_peer(struct push **to, struct store *store, const struct peer *peer,
                     const struct signer *signer, struct error *err)
{
    struct push *p = xcalloc(1, sizeof *p);
    int rc;

    p->store = store;
    p->signer = signer;
    p->peer = *peer;
    p->peer.required = true;
    rc = peer_found(&p->peer, err);
    if (rc == 0 && p->peer.packed) {
        p->packs = packs_new(&p->peer, store, NULL, NULL);
        rc = packer_open(&p->packer, &p->peer, store, p->packs, signer, err);
    }
    if (rc < 0) {
        push_close(p);
        p = NULL;
    }
    *to = p;
    return rc;
}

void push_expect(const char *place)
{
    if (strncmp(place, "file:", 5) != 0)
        libcurl_expect();
}

int push_open(struct push **to, struct store *store, const char *name, const char *place,
              const struct signer *signer, struct error *err)
{
    struct peer peer;
    int rc = peer_init(&peer, name, place, err);

    *to = NULL;
    return rc < 0 ? rc : open_peer(to, store, &peer, signer, err);
}

int push_open_offer(struct push **to, struct store *store, struct offer *o,
                    const struct signer *signer, struct error *err)
{
    struct peer peer;

    peer_of(&peer, "offer", offer_remote(o));
    return open_peer(to, store, &peer, signer, err);
}

void push_close(struct push *p)
{
    if (!p)
        return;
    packer_close(p->packer);
    packs_free(p->packs);
    peer_release(&p->peer);
    map_release(&p->given);
    free(p);
}

void push_on_damage(struct push *p, push_damage *tell, void *self)
{
    p->tell = tell;
    p->self = self;
}

void push_on_moved(struct push *p, struct moved moved)
{
    p->peer.moved = moved;
}

/* Passes rc on. */
static int tell_damage(const struct push *p, int rc, const struct error *err)
{
    if (rc == E_CORRUPT && p->tell)
        p->tell(p->self, err);
    return rc;
}

void push_verify(struct push *p)
{
    p->verify = true;
}

void push_count_up(const struct push *p, struct push_totals *t)
{
    size_t objects, records;
    long long bytes;

    packer_count_waiting(p->packer, &objects, &records, &bytes);
    *t = p->totals;
    t->n_objects -= objects; /* which are counted when they are given to the packer */
    t->n_records -= records;
    t->bytes -= bytes;
}

/* A file of the store on its way out. Its last bytes are held back until all of them are
 * known to be right. */
struct reader {
    int fd;
    const char *path;
    const struct digest *id;
    struct hasher *hasher;
    long long size, left;
};

static void give_file_again(void *self)
{
    struct reader *r = self;

    io_lseek(r->fd, 0, SEEK_SET);
    hasher_free(r->hasher);
    r->hasher = hasher_new();
    r->left = r->size;
}

static int give_file(void *self, void *bytes, size_t n, size_t *got, struct error *err)
{
    struct reader *r = self;
    struct digest d;
    ssize_t k;

    *got = 0;
    if ((long long)n > r->left)
        n = (size_t)r->left;
    if (n == 0)
        return 0;
    k = io_read(r->fd, bytes, n);
    if (k < 0)
        return error_system(err, "cannot read %s", r->path);
    if (k == 0)
        return error_set(err, E_CORRUPT, "%s became shorter", r->path);
    hasher_add(r->hasher, bytes, (size_t)k);
    r->left -= k;
    if (r->left == 0) {
        hasher_finish(r->hasher, &d);
        if (!digest_equal(&d, r->id))
            return error_set(err, E_CORRUPT, "%s: its bytes have another digest",
                             r->path);
    }
    *got = (size_t)k;
    return 0;
}

static int damaged(const struct digest *id, int found, struct error *err)
{
    char hex[DIGEST_HEX + 1];

    return error_set(err, E_CORRUPT, "object sha256:%s is %s in our own cache",
                     digest_hex(id, hex), found == OBJECT_ABSENT ? "missing" : "damaged");
}

static int open_object(struct push *p, const struct digest *id, struct buf *path, int *fd,
                       long long *size, struct error *err)
{
    struct stat s;

    layout_object(p->store, id, path);
    *fd = io_open(path->s, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (*fd < 0 && errno == ENOENT)
        return damaged(id, OBJECT_ABSENT, err);
    if (*fd < 0 || io_fstat(*fd, &s) < 0)
        return error_system(err, "cannot read %s", path->s);
    *size = s.st_size;
    return 0;
}

/* Gives one file that the remote does not have, or has damaged. */
static int give(struct push *p, const struct digest *id, const char *name,
                enum remote_put how, struct error *err)
{
    struct buf path = { 0 };
    struct reader r = { .fd = -1, .id = id, .hasher = hasher_new() };
    struct remote_body body = { give_file, give_file_again, &r, 0 };
    struct digest empty;
    int rc = open_object(p, id, &path, &r.fd, &body.size, err);

    r.path = path.s;
    r.size = r.left = body.size;
    digest_bytes(&empty, "", 0);
    if (rc == 0 && body.size == 0 && !digest_equal(id, &empty))
        rc = damaged(id, OBJECT_DAMAGED, err);
    if (rc == 0)
        rc = peer_put(&p->peer, name, &body, how, err);
    if (rc == E_CORRUPT)
        object_check(p->store, id, -1, true, NULL); /* so that runs see it too */
    if (rc == REMOTE_DONE) {
        p->totals.n_replaced += how == PUT_OVER;
        p->totals.n_objects++;
        p->totals.bytes += body.size;
    }
    if (r.fd >= 0)
        io_close(r.fd);
    hasher_free(r.hasher);
    buf_release(&path);
    return rc;
}

/* What the remote has, on its way past. */
struct reading {
    struct hasher *hasher;
    struct buf *text; /* gets the bytes too, or NULL */
};

static int read_theirs(void *self, const void *bytes, size_t n, struct error *err)
{
    struct reading *r = self;

    (void)err;
    hasher_add(r->hasher, bytes, n);
    if (r->text && r->text->len < ENVELOPE_MAX)
        buf_add(r->text, bytes, n);
    return 0;
}

/* Reads a file that the remote has; text may be NULL. What is there and cannot be read is
 * no file: its digest is another one. */
static int hash_theirs(struct push *p, const char *name, struct digest *d,
                       struct buf *text, struct error *err)
{
    struct reading r = { hasher_new(), text };
    int rc =
        peer_get(&p->peer, name, NULL, &(struct remote_sink){ read_theirs, &r }, err);

    hasher_finish(r.hasher, d);
    hasher_free(r.hasher);
    if (rc == REMOTE_ABSENT)
        *d = (struct digest){ 0 };
    return rc < 0 ? rc : 0;
}

/* Whether the object that the remote has is right: 1, 0, or an error. size: its own. */
static int is_right(struct push *p, const struct digest *id, long long size,
                    const char *name, struct error *err)
{
    struct buf path = { 0 };
    struct digest d;
    struct stat s;
    int rc = 1;

    layout_object(p->store, id, &path);
    if (size >= 0 && io_lstat(path.s, &s) == 0)
        rc = s.st_size == size;
    else if (size >= 0 && errno != ENOENT)
        rc = error_system(err, "cannot look at %s", path.s);
    buf_release(&path);
    if (rc != 1 || !p->verify)
        return rc;
    rc = hash_theirs(p, name, &d, NULL, err);
    return rc < 0 ? rc : digest_equal(&d, id);
}

static int check_ours(struct push *p, const struct digest *id, struct error *err)
{
    int found = object_check(p->store, id, -1, true, err);

    return found > OBJECT_FINE ? damaged(id, found, err) : found;
}

/* REMOTE_THERE; REMOTE_ABSENT where it is to be put, *how; or an error. */
static int look_there(struct push *p, const struct digest *id, const char *name,
                      enum remote_put *how, struct error *err)
{
    long long size;
    int rc = peer_has(&p->peer, name, &size, err);

    *how = PUT_NEW;
    if (rc != REMOTE_THERE)
        return rc;
    rc = is_right(p, id, size, name, err);
    if (rc != 0)
        return rc < 0 ? rc : REMOTE_THERE;
    *how = PUT_OVER;
    return REMOTE_ABSENT;
}

/* ---- packs ---------------------------------------------------------------------------
 */

/* Whether what lies there is the object: 1, 0, or an error. */
static int is_packed_right(struct push *p, const struct catalog_entry *at,
                           struct error *err)
{
    struct reading r = { hasher_new(), NULL };
    struct digest d;
    int rc = packs_get(p->packs, at, &(struct remote_sink){ read_theirs, &r }, err);

    hasher_finish(r.hasher, &d);
    hasher_free(r.hasher);
    return rc < 0 ? rc : rc == REMOTE_DONE && digest_equal(&d, &at->id);
}

/* 1 when our own file is small enough to be packed. size: as it should be, or -1. */
static int is_small(struct push *p, const struct digest *id, long long size,
                    struct error *err)
{
    struct buf path = { 0 };
    struct stat s;
    int rc;

    if (size >= 0)
        return size <= PACKED_MAX;
    layout_object(p->store, id, &path);
    if (io_lstat(path.s, &s) == 0)
        rc = s.st_size <= PACKED_MAX;
    else
        rc = errno == ENOENT ? damaged(id, OBJECT_ABSENT, err)
                             : error_system(err, "cannot look at %s", path.s);
    buf_release(&path);
    return rc;
}

static int pack(struct push *p, const struct digest *id, struct error *err)
{
    struct buf bytes = { 0 };
    int rc = OBJECT_FINE;

    if (!ahead_take(p->ahead, id, &bytes))
        rc = object_read(p->store, id, PACKED_MAX, &bytes, err);
    if (rc > OBJECT_FINE)
        rc = damaged(id, rc, err);
    if (rc == 0)
        rc = packer_add_object(p->packer, id, &bytes, err);
    if (rc == 0) {
        p->totals.n_objects++;
        p->totals.bytes += (long long)bytes.len;
    }
    buf_release(&bytes);
    return rc;
}

/* A small object: *hashed_ours is set when our own was read. */
static int pack_file(struct push *p, const struct digest *id, bool *hashed_ours,
                     struct error *err)
{
    const struct catalog_entry *at = catalog_find(packs_catalog(p->packs), id, NULL);
    int right = 0;

    if (at)
        right = p->verify ? is_packed_right(p, at, err) : 1;
    if (right < 0)
        return right;
    if (right == 1)
        return *hashed_ours ? check_ours(p, id, err) : 0;
    *hashed_ours = true;
    p->totals.n_replaced += at != NULL;
    return pack(p, id, err);
}

static int push_file(struct push *p, const struct digest *id, long long size, bool check,
                     struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct buf name = { 0 };
    enum remote_put how;
    int rc = 0;

    digest_hex(id, hex);
    if (is_given(p, hex, check))
        return 0;
    if (p->packer && (rc = is_small(p, id, size, err)) != 0) {
        rc = rc < 0 ? rc : pack_file(p, id, &check, err);
        if (rc == 0)
            map_set(&p->given, hex, check ? hashed : unhashed);
        return rc < 0 ? tell_damage(p, rc, err) : 0;
    }
    buf_printf(&name, "cas/%.2s/%s", hex, hex);
    rc = look_there(p, id, name.s, &how, err);
    if (rc == REMOTE_ABSENT) {
        rc = give(p, id, name.s, how, err);
        check = true;
    } else if (rc == REMOTE_THERE && check) {
        rc = check_ours(p, id, err);
    }
    if (rc >= 0)
        map_set(&p->given, hex, check ? hashed : unhashed);
    buf_release(&name);
    return rc < 0 ? tell_damage(p, rc, err) : 0;
}

/* The files that will be packed. new, or NULL. */
static struct ahead *read_ahead(const struct push *p, const struct tree *tree, bool check)
{
    struct ahead_item *item = xcalloc(tree->n + 1, sizeof *item);
    char hex[DIGEST_HEX + 1];
    struct ahead *a;
    size_t n = 0;

    for (size_t i = 0; i < tree->n && p->packer; i++) {
        const struct tree_entry *e = &tree->entry[i];

        if (e->kind != TREE_TREE && e->size <= AHEAD_MAX &&
            !is_given(p, digest_hex(&e->id, hex), check) &&
            !catalog_find(packs_catalog(p->packs), &e->id, NULL))
            item[n++] = (struct ahead_item){ &e->id, e->size };
    }
    a = ahead_new(p->store, item, n);
    free(item);
    return a;
}

static int push_tree(struct push *p, const struct digest *id, int depth, bool check,
                     struct error *err);

/* All of them, also behind a damaged one. */
static int push_entries(struct push *p, const struct tree *tree, int depth, bool check,
                        struct error *err)
{
    struct ahead *outer = p->ahead;
    bool damaged = false;
    int rc = 0;

    p->ahead = read_ahead(p, tree, check);
    for (size_t i = 0; i < tree->n && (rc >= 0 || rc == E_CORRUPT); i++) {
        const struct tree_entry *e = &tree->entry[i];

        rc = e->kind == TREE_TREE ? push_tree(p, &e->id, depth + 1, check, err)
                                  : push_file(p, &e->id, e->size, check, err);
        damaged |= rc == E_CORRUPT;
    }
    ahead_free(p->ahead);
    p->ahead = outer;
    return rc < 0 ? rc : damaged ? E_CORRUPT : 0;
}

static int push_tree(struct push *p, const struct digest *id, int depth, bool check,
                     struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct tree tree = { 0 };
    struct buf text = { 0 };
    int rc;

    if (is_given(p, digest_hex(id, hex), check))
        return 0;
    rc = depth > TREE_DEPTH_MAX ? OBJECT_DAMAGED
                                : object_read(p->store, id, TREE_TEXT_MAX, &text, err);
    if (rc > OBJECT_FINE)
        rc = damaged(id, rc, err);
    if (rc == 0)
        rc = tree_read(&tree, buf_str(&text), text.len, err);
    tell_damage(p, rc, err);
    if (rc == 0)
        rc = push_entries(p, &tree, depth, check, err);
    if (rc == 0)
        rc = push_file(p, id, (long long)text.len, check, err);
    tree_release(&tree);
    buf_release(&text);
    return rc;
}

int push_object(struct push *p, const struct object *o, bool check, struct error *err)
{
    return o->kind == OBJECT_TREE ? push_tree(p, &o->id, 1, check, err)
                                  : push_file(p, &o->id, o->size, check, err);
}

/* Who stands for a record: we, or who signed it. */
static struct key_id stands_for(const struct push *p, const struct record *rec)
{
    return rec->by ? rec->by->id : key_id_of(signer_key(p->signer));
}

static void record_name(const struct push *p, const struct record *rec, struct buf *name)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(&rec->key, hex);
    buf_printf(name, "ac/%.2s/%s/%s", hex, hex, stands_for(p, rec).text);
}

/* Whether the record that the remote has is one of the key, by who stands for it: 1, 0,
 * or an error. */
static int is_record(struct push *p, const struct record *rec, const char *name,
                     const struct catalog_entry *at, struct error *err)
{
    struct key_id id = stands_for(p, rec), theirs;
    struct record *read = NULL;
    struct buf text = { 0 };
    struct reading r = { hasher_new(), &text };
    struct envelope e;
    struct digest ignored;
    bool right = false;
    int rc = at ? packs_get(p->packs, at, &(struct remote_sink){ read_theirs, &r }, err)
                : hash_theirs(p, name, &ignored, &text, err);

    hasher_free(r.hasher);
    if (rc >= 0 &&
        envelope_read(&e, ENVELOPE_RECORD, buf_str(&text), text.len, NULL) == 0 &&
        envelope_is_true(&e) && record_read(&read, e.record, e.size, NULL) == 0) {
        theirs = key_id_of(&e.signer);
        right = digest_equal(&read->key, &rec->key) && !strcmp(theirs.text, id.text);
    }
    record_free(read);
    buf_release(&text);
    return rc < 0 ? rc : right;
}

int push_has_record(struct push *p, const struct record *rec, struct error *err)
{
    struct key_id by = stands_for(p, rec);
    const struct catalog_entry *at = NULL;
    struct buf name = { 0 };
    long long size;
    int rc;

    p->record_damaged = false;
    record_name(p, rec, &name);
    if (p->packer) {
        at = catalog_find(packs_catalog(p->packs), &rec->key, &by);
        rc = at ? REMOTE_THERE : REMOTE_ABSENT;
    } else {
        rc = peer_has(&p->peer, name.s, &size, err);
    }
    if (rc >= 0)
        rc = rc == REMOTE_THERE;
    if (rc == 1 && p->verify) {
        rc = is_record(p, rec, name.s, at, err);
        p->record_damaged = rc == 0;
    }
    buf_release(&name);
    p->totals.n_there += rc == 1;
    return rc;
}

int push_record(struct push *p, const struct record *rec, struct error *err)
{
    struct buf text = { 0 }, name = { 0 };
    int rc = signed_enclose(rec, p->signer, &text, err);

    if (rc == 0 && p->packer) {
        struct key_id by = stands_for(p, rec);

        rc = packer_add_record(p->packer, &rec->key, &by, &text, err);
        p->totals.n_replaced += rc == 0 && p->record_damaged;
    } else if (rc == 0) {
        struct body_text t = { text.s, text.len, 0 };
        struct remote_body body = body_of_text(&t);

        record_name(p, rec, &name);
        rc = peer_put(&p->peer, name.s, &body, p->record_damaged ? PUT_OVER : PUT_NEW,
                      err);
        p->totals.n_replaced += rc == REMOTE_DONE && p->record_damaged;
    }
    if (rc == REMOTE_DONE)
        p->totals.n_records++;
    else if (rc == REMOTE_THERE)
        p->totals.n_there++;
    buf_release(&name);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

/* They are few, and asked for one by one: also where records are in packs, each is a file
 * of its own. */
static int push_letter(void *self, const struct attestation *a, const struct buf *letter,
                       struct error *err)
{
    struct body_text t = { letter->s, letter->len, 0 };
    struct remote_body body = body_of_text(&t);
    struct push *p = self;
    struct buf name = { 0 };
    long long size;
    int rc;

    attested_name(&a->key, &a->record, &a->id, &name);
    rc = peer_has(&p->peer, name.s, &size, err);
    if (rc == REMOTE_ABSENT) {
        rc = peer_put(&p->peer, name.s, &body, PUT_NEW, err);
        p->totals.n_attestations += rc == REMOTE_DONE;
    }
    buf_release(&name);
    return rc < 0 ? rc : 0;
}

int push_attestations(struct push *p, const struct record *rec, struct error *err)
{
    return attested_each(p->store, &rec->key, &rec->id, push_letter, p, err);
}

int push_finish(struct push *p, struct error *err)
{
    return p->packer ? packer_flush(p->packer, err) : 0;
}
