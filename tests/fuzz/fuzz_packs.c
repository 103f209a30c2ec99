/*
 * Packs of a remote that answers as it likes, in the name of somebody whom we trust. The
 * input is three texts, each behind a line "--": the root (or "-": one that names the
 * index), the index, and the pack. Whatever they say, what is asked for lies in the pack
 * and is no more than was said.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "larder/formats.h"
#include "larder/fs.h"
#include "packs.h"
#include "place.h"

static const char separator[] = "\n--\n";

struct text {
    const char *s;
    size_t n;
};

/* A remote that has these and nothing else. */
static struct {
    struct remote remote;
    struct buf root;
    struct text index, pack;
} world;

static int open_world(struct remote **r, const char *place, struct error *err)
{
    (void)place;
    (void)err;
    *r = &world.remote;
    return 0;
}

static void close_world(struct remote *r)
{
    (void)r;
}

/* In two pieces, as a transfer comes. */
static int give(struct text t, const struct remote_part *part,
                const struct remote_sink *to, struct error *err)
{
    size_t from = part ? (size_t)part->from : 0, size = part ? (size_t)part->size : t.n;
    int rc;

    if (part && (part->from < 0 || part->size <= 0))
        abort();
    from = from < t.n ? from : t.n; /* one that gives less than it should */
    size = size < t.n - from ? size : t.n - from;
    rc = to->take(to->self, t.s + from, size / 2, err);
    return rc < 0 ? rc : to->take(to->self, t.s + from + size / 2, size - size / 2, err);
}

static int get_world(struct remote *r, const char *name, const struct remote_part *part,
                     const struct remote_sink *to, struct error *err)
{
    (void)r;
    if (!strncmp(name, "root/", 5) && !strcmp(strrchr(name, '/'), "/1"))
        return give((struct text){ world.root.s, world.root.len }, part, to, err);
    if (!strncmp(name, "index/", 6))
        return give(world.index, part, to, err);
    if (!strncmp(name, "pack/", 5))
        return give(world.pack, part, to, err);
    if (!strcmp(name, "larder-cache-info"))
        return give((struct text){ FORMAT_REMOTE "\n", sizeof FORMAT_REMOTE }, part, to,
                    err);
    return REMOTE_ABSENT;
}

static const struct remote_kind kind = { .scheme = "fuzz:",
                                         .packs = true,
                                         .open = open_world,
                                         .close = close_world,
                                         .get = get_world };

/* ---- what it has ---------------------------------------------------------------------
 */

static struct text cut(struct text *rest)
{
    const char *end = memmem(rest->s, rest->n, separator, sizeof separator - 1);
    struct text first = { rest->s, end ? (size_t)(end - rest->s) + 1 : rest->n };
    size_t gone = end ? first.n + sizeof separator - 2 : rest->n;

    *rest = (struct text){ rest->s + gone, rest->n - gone };
    return first;
}

static struct signer *signer(void)
{
    static struct signer *s;
    const unsigned char seed[SEED_SIZE] = { 7 };

    if (!s && signer_new(&s, seed, NULL) < 0)
        abort();
    return s;
}

static void sign_root(struct text said)
{
    struct buf text = { 0 };
    struct root_index index = { .size = (long long)world.index.n };
    const struct root standard = { .number = 1, .index = &index, .n = 1 };
    struct envelope e;

    digest_bytes(&index.id, world.index.s, world.index.n);
    if (said.n == 2 && said.s[0] == '-')
        root_write(&standard, NULL, &text);
    else
        buf_add(&text, said.s, said.n);
    buf_reset(&world.root);
    if (envelope_sign(&e, ENVELOPE_ROOT, signer(), buf_str(&text), text.len, NULL) < 0)
        abort();
    envelope_write(&e, &world.root);
    buf_release(&text);
}

/* ---- and what we make of it ----------------------------------------------------------
 */

static struct store *store(void)
{
    static struct store *st;
    struct buf path = { 0 };

    buf_printf(&path, "%s/store", place_folder());
    if (!st && store_open(&st, path.s, NULL, NULL) < 0)
        abort();
    buf_release(&path);
    return st;
}

static int count(void *self, const void *bytes, size_t n, struct error *err)
{
    static volatile char last; /* for the sanitizer */

    (void)err;
    (void)last;
    *(long long *)self += (long long)n;
    if (n > 0)
        last = ((const char *)bytes)[n - 1];
    return 0;
}

static void read_all(struct packs *p)
{
    const struct catalog *c = packs_catalog(p);

    for (size_t i = 0; i < c->n && i < 20; i++) {
        struct catalog_entry e = c->entry[i];
        long long taken = 0;
        const struct remote_sink to = { count, &taken };
        struct error err = { 0 };

        if (packs_get(p, &e, &to, &err) == REMOTE_DONE && taken != e.size)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct text rest = { (const char *)bytes, n }, root = cut(&rest);
    struct peer peer = { .name = strdup("fuzz"), .place = strdup(""), .kind = &kind };
    struct buf memory = { 0 };
    struct error err = { 0 };
    struct packs *p;

    world.remote.kind = &kind;
    world.index = cut(&rest);
    world.pack = rest;
    sign_root(root);
    p = packs_new(&peer, store(), NULL, NULL);
    if (packs_learn(p, signer_key(signer()), &err) < 0)
        abort();
    read_all(p);
    packs_free(p);
    peer_release(&peer);
    /* what is remembered of this one is none of the next one's */
    buf_printf(&memory, "%s/store/remotes", place_folder());
    fs_remove_tree(memory.s, NULL);
    buf_release(&memory);
    return 0;
}
