/*
 * What goes to a remote that is a folder and comes from it; keys and whom we trust.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"
#include "larder/keyring.h"
#include "larder/push.h"
#include "larder/remotes.h"
#include "larder/trust.h"
#include "scene.h"

#include "larder/banned.h"

/* ---- giving ------------------------------------------------------------------------ */

static int open_push(struct scene *s, struct store *st, struct push **p,
                     struct error *err)
{
    struct buf place = { 0 };
    int rc;

    buf_printf(&place, "file:%s", at(s, "remote"));
    rc = push_open(p, st, "lab", place.s, s->signer, err);
    buf_release(&place);
    return rc;
}

static int give(struct scene *s, struct push *p, struct error *err)
{
    struct record *r = record_of(KEY_TEXT, &s->tree, 1);
    struct buf text = { 0 };
    int there, rc;

    record_write(r, &text); /* which gives it its name */
    buf_release(&text);
    rc = there = push_has_record(p, r, err);
    if (rc >= 0)
        rc = push_object(p, &s->tree, !there, err);
    if (rc == 0 && !there)
        rc = push_record(p, r, err);
    if (rc == 0)
        rc = push_finish(p, err);
    record_free(r);
    return rc;
}

static int push(struct scene *s, struct store *st, bool verify, struct error *err)
{
    struct push *p = NULL;
    int rc = open_push(s, st, &p, err);

    if (rc == 0 && verify)
        push_verify(p);
    if (rc == 0)
        rc = give(s, p, err);
    push_close(p);
    return rc;
}

static int push_plain(struct scene *s, struct store *st, struct error *err)
{
    return push(s, st, false, err);
}

static int push_verified(struct scene *s, struct store *st, struct error *err)
{
    return push(s, st, true, err);
}

static struct record *written(struct scene *s, const char *store)
{
    struct record *r = record_of(KEY_TEXT, &s->tree, 1);
    struct error err = { 0 };
    struct store *st;

    insist(scene_store(s, store, &st, &err), &err, store);
    insist(store_record(st, r, true, &err), &err, "a record");
    store_close(st);
    return r;
}

static void has_result(struct scene *s)
{
    s->tree = added_tree(s, "store");
    record_free(written(s, "store"));
}

static void is_packed(struct scene *s)
{
    has_result(s);
    put(s, "remote/larder-cache-info", "larder-cache 1\nsmall in packs\n");
}

static void pushed_from(struct scene *s, const char *store)
{
    struct error err = { 0 };
    struct store *st;

    insist(scene_store(s, store, &st, &err), &err, store);
    insist(push_plain(s, st, &err), &err, "a push");
    store_close(st);
}

static void was_pushed(struct scene *s)
{
    has_result(s);
    pushed_from(s, "store");
}

static void was_packed(struct scene *s)
{
    is_packed(s);
    pushed_from(s, "store");
}

/* The file of the remote that holds a text. */
static const char *theirs(struct scene *s, const char *text)
{
    char hex[DIGEST_HEX + 1], name[120];
    struct digest d;

    digest_bytes(&d, text, strlen(text));
    digest_hex(&d, hex);
    snprintf(name, sizeof name, "remote/cas/%.2s/%s", hex, hex);
    return at(s, name);
}

static void was_pushed_and_damaged(struct scene *s)
{
    was_pushed(s);
    flip(theirs(s, "/sub/c"));
}

static void was_pushed_and_cut(struct scene *s)
{
    was_pushed(s);
    put(s, theirs(s, "/sub/c") + strlen(s->dir) + 1, "/su");
}

/* ---- taking ------------------------------------------------------------------------ */

static void hear(void *self, const char *line)
{
    struct scene *s = self;

    free(s->warning);
    s->warning = xstrdup(line);
}

static int open_remotes(struct scene *s, struct store *st, bool required,
                        struct remotes **r, struct trust **trust, struct error *err)
{
    struct remotes_order order = {
        .store = st, .required = required, .warn = hear, .self = s
    };
    struct buf place = { 0 };
    int rc = trust_open(trust, at(s, "home/larder.trust"), "larder.trust", err);

    *r = NULL;
    if (rc < 0)
        return rc;
    trust_own(*trust, signer_key(s->signer), "lab-a");
    order.trust = *trust;
    remotes_open(r, &order);
    buf_printf(&place, "file:%s", at(s, "remote"));
    rc = remotes_add(*r, "lab", place.s, err);
    buf_release(&place);
    return rc;
}

/* The record and its tree: STORE_HIT when both are here, whole. */
static int fetch(struct scene *s, struct store *st, bool required, struct error *err)
{
    struct digest key;
    struct trust *trust = NULL;
    struct remotes *r = NULL;
    const char *from;
    int rc = open_remotes(s, st, required, &r, &trust, err);

    digest_bytes(&key, KEY_TEXT, strlen(KEY_TEXT));
    if (rc == 0)
        rc = remotes_find_record(r, &key, "bake", &from, err);
    if (rc == STORE_HIT)
        rc = remotes_fetch_object(r, &s->tree, true, err);
    if (rc == STORE_HIT)
        rc = store_check(st, &s->tree, false, NULL, err);
    if (rc == OBJECT_DAMAGED)
        rc = 10;
    remotes_close(r);
    trust_close(trust);
    return rc;
}

static int fetch_if_there(struct scene *s, struct store *st, struct error *err)
{
    return fetch(s, st, false, err);
}

static int fetch_required(struct scene *s, struct store *st, struct error *err)
{
    return fetch(s, st, true, err);
}

/* What a stranger has put there is counted, or the remote fails. */
static int fetch_strange(struct scene *s, struct store *st, struct error *err)
{
    unsigned char seed[SEED_SIZE] = { 2 };
    const struct signer *ours = s->signer;
    struct remotes_totals totals;
    struct trust *trust = NULL;
    struct remotes *r = NULL;
    struct signer *other;
    struct digest key;
    const char *from;
    int rc = signer_new(&other, seed, err);

    s->signer = other;
    if (rc == 0)
        rc = open_remotes(s, st, true, &r, &trust, err);
    s->signer = (struct signer *)ours;
    digest_bytes(&key, KEY_TEXT, strlen(KEY_TEXT));
    if (rc == 0)
        rc = remotes_find_record(r, &key, "bake", &from, err);
    if (rc == STORE_MISS) {
        remotes_count_up(r, &totals);
        rc = 10 + (int)totals.n_ignored;
    }
    remotes_close(r);
    trust_close(trust);
    signer_free(other);
    return rc;
}

static int ask(struct scene *s, struct store *st, struct error *err)
{
    struct trust *trust = NULL;
    struct remotes *r = NULL;
    int rc = open_remotes(s, st, true, &r, &trust, err);

    if (rc == 0)
        rc = remotes_has_object(r, &s->tree.id, err);
    remotes_close(r);
    trust_close(trust);
    return rc;
}

/* What another lab has pushed; here is nothing yet. */
static void is_on_remote(struct scene *s)
{
    added(s, "store", "something\n");
    s->tree = added_tree(s, "other");
    record_free(written(s, "other"));
    pushed_from(s, "other");
}

/* What is remembered of a remote of packs: best effort, and losing it costs requests. */
static bool is_of_roots(const char *path)
{
    return !strncmp(path, "store/remotes", 13);
}

static void is_on_packed_remote(struct scene *s)
{
    put(s, "remote/larder-cache-info", "larder-cache 1\nsmall in packs\n");
    is_on_remote(s);
}

static void is_damaged_on_remote(struct scene *s)
{
    is_on_remote(s);
    flip(theirs(s, "/sub/c"));
}

static void is_in_part_here(struct scene *s)
{
    is_on_remote(s);
    added(s, "store", "/a");
    added(s, "store", "/sub/c");
}

/* ---- keys -------------------------------------------------------------------------- */

static bool is_key(const char *path)
{
    return strstr(path, "home/keys/mine") != NULL;
}

/* A new key, or the one that is there; and then nothing else is in its folder. */
static int make_key(struct scene *s, struct error *err)
{
    const char *folder = at(s, "home/keys");
    struct signer *signer = NULL;
    char **name = NULL;
    size_t n = 0;
    int rc = keyring_open(folder, NULL, &signer, NULL, err);

    if (rc == KEYRING_EMPTY)
        rc = keyring_make(folder, "mine", &signer, err);
    if (rc == 0)
        rc = keyring_list(folder, &name, &n, err);
    if (rc == 0 && n != 1)
        rc = error_set(err, E_STAGE, "%zu keys", n);
    free(name);
    signer_free(signer);
    return rc;
}

static void has_key(struct scene *s)
{
    struct signer *signer;
    struct error err = { 0 };

    insist(keyring_make(at(s, "home/keys"), "mine", &signer, &err), &err, "a key");
    signer_free(signer);
}

static int open_key(struct scene *s, struct error *err)
{
    struct signer *signer = NULL;
    char *used = NULL;
    int rc = keyring_open(at(s, "home/keys"), NULL, &signer, &used, err);

    signer_free(signer);
    free(used);
    return rc;
}

static void has_trust(struct scene *s)
{
    put(s, "home/larder.trust", "larder-trust 1\n# reviewed\nnever-remote secret-*\n");
}

static int add_trust(struct scene *s, struct error *err)
{
    struct trust *t = NULL;
    int rc = trust_open(&t, at(s, "home/larder.trust"), "larder.trust", err);

    if (rc == 0)
        rc = trust_add(t, signer_key(s->signer), "lab-a", "train*", err);
    trust_close(t);
    return rc;
}

static void has_trusted(struct scene *s)
{
    struct error err = { 0 };

    has_trust(s);
    insist(add_trust(s, &err), &err, "a trusted key");
}

static int remove_trust(struct scene *s, struct error *err)
{
    struct trust *t = NULL;
    int rc = trust_open(&t, at(s, "home/larder.trust"), "larder.trust", err);

    if (rc == 0 && trust_count(t))
        rc = trust_remove(t, "lab-a", err);
    trust_close(t);
    return rc;
}

/* Named by its digest, since its name goes with it. */
static int revoke_trust(struct scene *s, struct error *err)
{
    struct key_id id = key_id_of(signer_key(s->signer));
    struct trust *t = NULL;
    int rc = trust_open(&t, at(s, "home/larder.trust"), "larder.trust", err);

    if (rc == 0 && !trust_revoked(t, &id))
        rc = trust_revoke(t, id.text, &id, err);
    trust_close(t);
    return rc;
}

/* Whether results of a stage stay at home, which the file says. */
static int ask_trust(struct scene *s, struct error *err)
{
    struct trust *t = NULL;
    int rc = trust_open(&t, at(s, "home/larder.trust"), "larder.trust", err);

    if (rc == 0)
        rc = trust_forbids(t, "secret-stage") ? 1 : 0;
    trust_close(t);
    return rc;
}

const struct scenario share_scenario[] = {
    { .name = "push", .prepare = has_result, .with = push_plain },
    { .name = "push-again", .prepare = was_pushed, .with = push_plain },
    { .name = "push-verify", .prepare = was_pushed, .with = push_verified },
    { .name = "push-over-damage",
      .prepare = was_pushed_and_damaged,
      .with = push_verified },
    { .name = "push-over-cut", .prepare = was_pushed_and_cut, .with = push_plain },
    { .name = "push-unlinked",
      .prepare = has_result,
      .with = push_plain,
      .fs = FS_NO_LINKS },
    { .name = "push-packs",
      .prepare = is_packed,
      .with = push_plain,
      .varies = is_of_roots },
    { .name = "push-packs-again",
      .prepare = was_packed,
      .with = push_verified,
      .varies = is_of_roots },
    { .name = "fetch",
      .prepare = is_on_remote,
      .with = fetch_if_there,
      .rules = LENIENT_MISS },
    { .name = "fetch-required", .prepare = is_on_remote, .with = fetch_required },
    { .name = "fetch-rest", .prepare = is_in_part_here, .with = fetch_required },
    { .name = "fetch-damaged", .prepare = is_damaged_on_remote, .with = fetch_required },
    { .name = "fetch-packs",
      .prepare = is_on_packed_remote,
      .with = fetch_required,
      .varies = is_of_roots },
    { .name = "fetch-strange",
      .prepare = is_on_remote,
      .with = fetch_strange,
      .rules = UNCHANGED },
    { .name = "ask", .prepare = is_on_remote, .with = ask, .rules = UNCHANGED },
    { .name = "key-new", .act = make_key, .varies = is_key },
    { .name = "key-open",
      .prepare = has_key,
      .act = open_key,
      .varies = is_key,
      .rules = UNCHANGED },
    { .name = "trust-add", .prepare = has_trust, .act = add_trust },
    { .name = "trust-remove", .prepare = has_trusted, .act = remove_trust },
    { .name = "trust-revoke", .prepare = has_trusted, .act = revoke_trust },
    { .name = "trust-ask", .prepare = has_trust, .act = ask_trust, .rules = UNCHANGED },
};
const size_t n_share_scenarios = sizeof share_scenario / sizeof *share_scenario;
