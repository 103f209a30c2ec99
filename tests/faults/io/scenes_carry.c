/*
 * Bundles: what is packed into files, and taken from them.
 */
#include <stdio.h>
#include <string.h>

#include "larder/bundle.h"
#include "larder/trust.h"
#include "larder/unbundle.h"
#include "scene.h"

#include "larder/banned.h"

static void has_result(struct scene *s)
{
    s->tree = added_tree(s, "store");
    recorded(s, "store", KEY_TEXT, &s->tree, 1);
}

static int add_result(struct scene *s, struct store *st, struct bundle *b,
                      struct error *err)
{
    struct record **rec = NULL;
    struct digest key;
    size_t n;
    int rc;

    digest_bytes(&key, KEY_TEXT, strlen(KEY_TEXT));
    rc = store_find(st, &key, &rec, &n, err);
    if (rc != STORE_HIT)
        return rc < 0 ? rc : error_set(err, E_CORRUPT, "the record is gone");
    bundle_for(b, "bake");
    rc = bundle_add_record(b, rec[0], err);
    if (rc == 0)
        rc = bundle_add_object(b, &s->tree, err);
    if (rc == 0)
        bundle_add_target(
            b, &(struct bundle_target){
                   .step = "bake", .output = "out", .key = key, .object = s->tree });
    records_free(rec, n);
    return rc;
}

static int pack(struct scene *s, struct store *st, long long max_size, struct error *err)
{
    const struct bundle_order order = {
        .store = st, .signer = s->signer, .closure = CLOSURE_OUTPUTS, .max_size = max_size
    };
    struct bundle *b;
    int rc;

    bundle_new(&b, &order);
    rc = add_result(s, st, b, err);
    if (rc == 0)
        rc = bundle_write(b, at(s, "home/x.tar.zst"), err);
    bundle_free(b);
    return rc;
}

static int pack_one(struct scene *s, struct store *st, struct error *err)
{
    return pack(s, st, 0, err);
}

/* The least that a file may have, so that there are several. */
static int pack_several(struct scene *s, struct store *st, struct error *err)
{
    return pack(s, st, 8192, err);
}

static void has_old_bundle(struct scene *s)
{
    has_result(s);
    put(s, "home/x.tar.zst", "an older one\n");
}

/* Another lab's bundle; here is nothing yet. */
static void is_packed(struct scene *s)
{
    struct error err = { 0 };
    struct store *st;

    added(s, "store", "something\n");
    s->tree = added_tree(s, "other");
    recorded(s, "other", KEY_TEXT, &s->tree, 1);
    insist(scene_store(s, "other", &st, &err), &err, "other");
    insist(pack_one(s, st, &err), &err, "a bundle");
    store_close(st);
}

static void is_packed_and_damaged(struct scene *s)
{
    is_packed(s);
    cut(s, "home/x.tar.zst", 40);
}

/* How many results were taken, or are good where nothing is taken. */
static int unpack(struct scene *s, struct store *st, struct error *err)
{
    struct unbundle_totals sum = { 0 };
    struct trust *trust = NULL;
    struct unbundle *u;
    int rc = trust_open(&trust, at(s, "home/larder.trust"), "larder.trust", err);

    if (rc < 0)
        return rc;
    trust_own(trust, signer_key(s->signer), "lab-a");
    unbundle_open(&u, &(struct unbundle_order){ .store = st, .trust = trust });
    rc = unbundle_read(u, at(s, "home/x.tar.zst"), err);
    if (rc == 0)
        rc = unbundle_finish(u, err);
    unbundle_count_up(u, &sum);
    unbundle_close(u);
    trust_close(trust);
    if (rc == 0 && st && store_check(st, &s->tree, false, NULL, err) != OBJECT_FINE)
        rc = err->code ? err->code : error_set(err, E_STAGE, "the tree is not here");
    return rc < 0 ? rc : (int)(100 * sum.n_trusted + sum.n_objects);
}

static int look_into(struct scene *s, struct error *err)
{
    return unpack(s, NULL, err);
}

/* What is damaged is found to be so, each time. */
static int unpack_damaged(struct scene *s, struct store *st, struct error *err)
{
    int rc = unpack(s, st, err);

    return rc == E_CORRUPT ? 1 : rc;
}

const struct scenario carry_scenario[] = {
    { .name = "pack", .prepare = has_result, .with = pack_one },
    { .name = "pack-over", .prepare = has_old_bundle, .with = pack_one },
    { .name = "pack-several", .prepare = has_result, .with = pack_several },
    { .name = "unpack", .prepare = is_packed, .with = unpack },
    { .name = "unpack-damaged",
      .prepare = is_packed_and_damaged,
      .with = unpack_damaged },
    { .name = "look-into", .prepare = is_packed, .act = look_into, .rules = UNCHANGED },
};
const size_t n_carry_scenarios = sizeof carry_scenario / sizeof *carry_scenario;
