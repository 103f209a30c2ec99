#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrival.h"
#include "attested.h"
#include "envelope.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "listener.h"
#include "offer.h"
#include "packs.h"
#include "remote_name.h"
#include "store_fixture.h"
#include "token.h"

#define ID \
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" /* of "test" */
#define WHO "56475aa75463474c"
#define HALF "9f86d081884c7d659a2feaa0c55ad015"

Test(remote_name, one_spelling)
{
    static const char *const good[] = {
        "larder-cache-info",
        "cas/9f/" ID,
        "pack/9f/" ID,
        "index/9f/" ID,
        "ac/9f/" ID "/" WHO,
        "root/" WHO "/1",
        "root/" WHO "/1234567",
        "root/" WHO "/999999999999999999",
        "ac/9f/" ID "/" WHO "." HALF,
    };
    static const char *const bad[] = {
        "",
        "/",
        "cas",
        "cas/",
        "cas/9f",
        "cas/9f/",
        "cas/00/" ID,
        "cas/9F/" ID,
        "cas//9f/" ID,
        "/cas/9f/" ID,
        "cas/9f/" ID "/",
        "cas/9f/" ID "0",
        "cas/9f/../9f/" ID,
        "../cas/9f/" ID,
        "Cas/9f/" ID,
        "tmp/0123456789abcdef",
        "larder-store",
        "larder-cache-info/",
        "locks",
        "ac/9f/" ID,
        "ac/9f/" ID "/",
        "ac/9f/" ID "/" WHO "/",
        "ac/9f/" ID "/56475AA75463474C",
        "ac/9f/" ID ".more/" WHO,
        "ac/9f/" ID "/" WHO ".",
        "ac/9f/" ID "/" WHO "." WHO,
        "ac/9f/" ID "/" WHO "." ID,
        "ac/9f/" ID "/" WHO "." HALF "/",
        "root/" WHO "." HALF "/1",
        "root/" WHO,
        "root/" WHO "/",
        "root/" WHO "/0",
        "root/" WHO "/01",
        "root/" WHO "/-1",
        "root/" WHO "/1x",
        "root/" WHO "/1000000000000000000",
        "root/" WHO "0/1",
    };
    struct remote_name n;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(remote_name_parse(&n, good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(remote_name_parse(&n, bad[i]), "%s", bad[i]);
    cr_assert(remote_name_parse(&n, good[6]));
    cr_assert_eq(n.number, 1234567);
    cr_assert_str_eq(n.by.text, WHO);
}

/* A change of any byte of it, and any other name for it, is found out. */
Test(remote_name, an_attestation_fits_one_name)
{
    struct attested_output out = { .name = "out", .same = true };
    struct attestation a = { .made = 1, .output = &out, .n_outputs = 1 };
    struct buf text = { 0 }, envelope = { 0 }, name = { 0 };
    unsigned char seed[SEED_SIZE] = { 1 };
    struct remote_name n, other;
    struct key_id id;
    struct signer *s;
    struct envelope e;

    cr_assert_eq(signer_new(&s, seed, NULL), 0);
    id = key_id_of(signer_key(s));
    digest_bytes(&a.key, "key", 3);
    digest_bytes(&a.record, "record", 6);
    attestation_write(&a, &text);
    cr_assert_eq(envelope_sign(&e, ENVELOPE_ATTESTATION, s, text.s, text.len, NULL), 0);
    envelope_write(&e, &envelope);
    attested_name(&a.key, &a.record, &id, &name);
    cr_assert(remote_name_parse(&n, name.s) && n.kind == NAME_ATTESTATION);
    cr_assert(remote_name_fits(&n, &envelope));
    other = n;
    other.record[31] ^= 1;
    cr_assert_not(remote_name_fits(&other, &envelope));
    other = n;
    other.id.byte[0] ^= 1;
    cr_assert_not(remote_name_fits(&other, &envelope));
    other = n;
    other.by.text[0] ^= 1;
    cr_assert_not(remote_name_fits(&other, &envelope));
    for (size_t i = 0; i < envelope.len; i++) {
        envelope.s[i] ^= 1;
        cr_assert_not(remote_name_fits(&n, &envelope), "byte %zu", i);
        envelope.s[i] ^= 1;
    }
    signer_free(s);
    buf_release(&text);
    buf_release(&envelope);
    buf_release(&name);
}

/* A change of any byte of what is signed, and any other name for it, is found out. */
Test(remote_name, a_root_fits_one_name)
{
    struct buf text = { 0 }, envelope = { 0 }, name = { 0 };
    struct root root = { .number = 3 };
    unsigned char seed[SEED_SIZE] = { 1 };
    struct digest before = { { 7 } };
    struct remote_name n, other;
    struct signer *s;
    struct envelope e;

    cr_assert_eq(signer_new(&s, seed, NULL), 0);
    root.by = key_id_of(signer_key(s));
    root_write(&root, &before, &text);
    cr_assert_eq(envelope_sign(&e, ENVELOPE_ROOT, s, text.s, text.len, NULL), 0);
    envelope_write(&e, &envelope);
    root_name(&root.by, 3, &name);
    cr_assert(remote_name_parse(&n, name.s) && remote_name_fits(&n, &envelope));
    other = n;
    other.number = 2;
    cr_assert_not(remote_name_fits(&other, &envelope));
    other = n;
    other.by.text[0] ^= 1;
    cr_assert_not(remote_name_fits(&other, &envelope));
    for (size_t i = 0; i < envelope.len; i++) {
        envelope.s[i] ^= 1;
        cr_assert_not(remote_name_fits(&n, &envelope), "byte %zu", i);
        envelope.s[i] ^= 1;
    }
    cr_assert(remote_name_fits(&n, &envelope));
    buf_cut(&envelope, envelope.len - 1);
    cr_assert_not(remote_name_fits(&n, &envelope));
    signer_free(s);
    buf_release(&text);
    buf_release(&envelope);
    buf_release(&name);
}

Test(token, who_is_admitted)
{
    struct token t;

    digest_bytes(&t.digest, "0123456789abcdef", 16);
    cr_assert(token_admits(&t, "Bearer 0123456789abcdef"));
    cr_assert(token_admits(&t, "bearer  0123456789abcdef"));
    cr_assert(token_admits(&t, "Basic bGFyZGVyOjAxMjM0NTY3ODlhYmNkZWY=")); /* larder:… */
    cr_assert(token_admits(&t, "Basic OjAxMjM0NTY3ODlhYmNkZWY="));         /* :… */
    cr_assert_not(token_admits(&t, NULL));
    cr_assert_not(token_admits(&t, ""));
    cr_assert_not(token_admits(&t, "Bearer"));
    cr_assert_not(token_admits(&t, "Bearer "));
    cr_assert_not(token_admits(&t, "Bearer0123456789abcdef"));
    cr_assert_not(token_admits(&t, "Bearer 0123456789abcde"));
    cr_assert_not(token_admits(&t, "Bearer 0123456789abcdefg"));
    cr_assert_not(token_admits(&t, "Basic MDEyMzQ1Njc4OWFiY2RlZg==")); /* no user */
    cr_assert_not(token_admits(&t, "Basic MDEyMzQ1Njc4OWFiY2RlZjo=")); /* as the user */
    cr_assert_not(token_admits(&t, "Basic !"));
    cr_assert_not(token_admits(&t, "Digest 0123456789abcdef"));
}

Test(listener, addresses)
{
    static const char *const bad[] = {
        "",       ":1",    "127.0.0.1:",      "127.0.0.1:x",
        "[::1]1", "::1:1", "127.0.0.1:65536", "[::1"
    };
    struct listener l, second;
    struct buf same = { 0 };
    struct error err;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(listener_open(&l, bad[i], 1, &err), E_USAGE, "%s", bad[i]);
    cr_assert_eq(listener_open(&l, "127.0.0.1", 0, &err), 0, "%s", err.text);
    cr_assert(l.loopback && l.port > 0);
    cr_assert_str_eq(l.host.s, "127.0.0.1");
    buf_printf(&same, "127.0.0.1:%d", l.port);
    cr_assert_eq(listener_open(&second, same.s, 1, &err), E_SYSTEM);
    cr_assert(strstr(err.text, "--listen=ADDRESS:PORT"));
    listener_close(&l);
    cr_assert_eq(listener_open(&l, "0.0.0.0:0", 1, &err), 0, "%s", err.text);
    cr_assert_not(l.loopback);
    listener_close(&l);
    buf_release(&same);
}

/* A folder, and what arrives there. */
struct shelf {
    char path[64];
    int root;
};

static void shelf_open(struct shelf *s)
{
    snprintf(s->path, sizeof s->path, "/tmp/larder-shelf-XXXXXX");
    cr_assert(mkdtemp(s->path));
    s->root = open(s->path, O_RDONLY | O_DIRECTORY);
    cr_assert(s->root >= 0);
}

static void shelf_close(struct shelf *s)
{
    char **name;
    size_t n;
    struct buf tmp = { 0 };

    buf_printf(&tmp, "%s/tmp", s->path);
    if (fs_exists(tmp.s)) {
        cr_assert_eq(fs_list(tmp.s, &name, &n, NULL), 0);
        cr_assert_eq(n, 0, "something is left under tmp/");
        free(name);
    }
    buf_release(&tmp);
    close(s->root);
    cr_assert_eq(fs_remove_tree(s->path, NULL), 0);
}

/* What it comes to, in pieces of so many bytes. */
static int arrive(struct shelf *s, const char *name, const char *bytes, long long size,
                  size_t piece, enum remote_put how)
{
    struct arrival a;
    int rc = arrival_begin(&a, s->root, name, size, how, NULL);
    size_t n = strlen(bytes);

    for (size_t at = 0; at < n && rc == 0; at += piece)
        rc = arrival_take(&a, bytes + at, n - at < piece ? n - at : piece, NULL);
    if (rc == 0)
        rc = arrival_finish(&a, NULL);
    arrival_release(&a);
    return rc;
}

static void has(struct shelf *s, const char *name, const char *bytes)
{
    struct buf path = { 0 }, text = { 0 };

    buf_printf(&path, "%s/%s", s->path, name);
    cr_assert_eq(fs_exists(path.s), bytes != NULL, "%s", name);
    if (bytes) {
        cr_assert_eq(fs_read(path.s, &text, NULL), 0);
        cr_assert_str_eq(buf_str(&text), bytes);
    }
    buf_release(&text);
    buf_release(&path);
}

Test(arrival, nothing_but_what_its_name_says)
{
    static const char name[] = "cas/9f/" ID;
    struct shelf s;

    shelf_open(&s);
    for (size_t piece = 1; piece <= 4; piece++) {
        cr_assert_eq(arrive(&s, name, "tess", 4, piece, PUT_NEW), E_CORRUPT);
        cr_assert_eq(arrive(&s, name, "tes", 3, piece, PUT_NEW), E_CORRUPT);
        cr_assert_eq(arrive(&s, name, "tes", 4, piece, PUT_OVER), E_CORRUPT);
        cr_assert_eq(arrive(&s, name, "test", 3, piece, PUT_OVER), E_CORRUPT);
        cr_assert_eq(arrive(&s, name, "", 0, piece, PUT_NEW), E_CORRUPT);
    }
    cr_assert_eq(arrive(&s, "../evil", "test", 4, 4, PUT_NEW), E_INPUT);
    cr_assert_eq(arrive(&s, "larder-cache-info", "larder-cache 2\n", 15, 4, PUT_NEW),
                 E_CORRUPT);
    cr_assert_eq(arrive(&s, "root/" WHO "/1", "a root", 6, 4, PUT_NEW), E_CORRUPT);
    cr_assert_eq(arrive(&s, "root/" WHO "/1", "", ROOT_MAX + 1LL, 4, PUT_NEW), E_INPUT);
    has(&s, name, NULL);
    cr_assert_eq(arrive(&s, name, "test", 4, 3, PUT_NEW), REMOTE_DONE);
    has(&s, name, "test");
    shelf_close(&s);
}

Test(arrival, what_is_whole_stays)
{
    static const char name[] = "pack/9f/" ID;
    static const char *const damaged[] = { "", "tes", "tests", "tesT", "Test" };
    struct buf path = { 0 };
    struct shelf s;

    shelf_open(&s);
    buf_printf(&path, "%s/%s", s.path, name);
    cr_assert_eq(arrive(&s, name, "test", 4, 3, PUT_OVER), REMOTE_DONE);
    cr_assert_eq(arrive(&s, name, "test", 4, 3, PUT_OVER), REMOTE_THERE);
    cr_assert_eq(arrive(&s, name, "test", 4, 3, PUT_NEW), REMOTE_THERE);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        cr_assert_eq(chmod(path.s, 0644), 0);
        cr_assert_eq(fs_write(path.s, damaged[i], strlen(damaged[i]), false, NULL), 0);
        cr_assert_eq(arrive(&s, name, "test", 4, 3, PUT_NEW), REMOTE_THERE);
        cr_assert_eq(arrive(&s, name, "rest", 4, 3, PUT_OVER), E_CORRUPT);
        has(&s, name, damaged[i]);
        cr_assert_eq(arrive(&s, name, "test", 4, 3, PUT_OVER), REMOTE_DONE);
        has(&s, name, "test");
    }
    buf_release(&path);
    shelf_close(&s);
}

/* Whoever may write into the folder cannot make the server read or write elsewhere. */
Test(arrival, links_lead_nowhere)
{
    struct buf path = { 0 }, other = { 0 };
    struct shelf s, elsewhere;
    long long size;

    shelf_open(&s);
    shelf_open(&elsewhere);
    buf_printf(&path, "%s/cas", s.path);
    buf_printf(&other, "%s/9f", elsewhere.path);
    cr_assert_eq(fs_mkdirs(other.s, NULL), 0);
    cr_assert_eq(symlink(elsewhere.path, path.s), 0);
    cr_assert(arrive(&s, "cas/9f/" ID, "test", 4, 4, PUT_NEW) < 0);
    has(&elsewhere, "9f/" ID, NULL);
    buf_adds(&other, "/" ID);
    cr_assert_eq(fs_write(other.s, "test", 4, false, NULL), 0);
    cr_assert(landing_read(s.root, "cas/9f/" ID, &size) < 0);
    buf_release(&other);
    buf_release(&path);
    shelf_close(&elsewhere);
    shelf_close(&s);
}
