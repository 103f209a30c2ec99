/*
 * gc_crowd FOLDER SECONDS - 28 processes add, find, fetch and read results in a store of
 * the folder, again and again, 4 clean it of all that nobody relies on, and of both kinds
 * some are killed. What a process has found must stay whole until it lets go; in the end
 * the store is clean, and all of it can go.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "envelope.h"
#include "larder/gc.h"
#include "larder/use.h"
#include "signed.h"

enum { N_WORKERS = 28, N_CLEANERS = 4, N_KEYS = 3000, N_SHARED = 7 };

static struct store *st;
static unsigned long long chance;
/* Counted by all of them together, also by those that are killed. */
static struct counts {
    atomic_long hits, made, fetched, went;
} * count;

static unsigned below(unsigned n)
{
    chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(chance >> 33) % n;
}

static void fail(const char *what, const struct error *err)
{
    fprintf(stderr, "%d: %s%s%s\n", (int)getpid(), what, err && err->code ? ": " : "",
            err && err->code ? err->text : "");
    _exit(3);
}

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = (long)ms * 1000000 }, NULL);
}

/* ---- a result ---------------------------------------------------------------------- */

static void add_text(const char *what, unsigned n, struct object *o)
{
    char text[100];
    struct error err = { 0 };

    snprintf(text, sizeof text, "%s %u, as it is each time\n", what, n);
    if (store_add_bytes(st, text, strlen(text), false, o, &err) < 0)
        fail("adding", &err);
}

/* A file that some keys have in common, and a folder with that, one that others share,
 * and one of its own. */
static void add_outputs(unsigned k, struct object o[2])
{
    struct store_entry entry[3] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };
    struct error err = { 0 };

    add_text("shared", k % N_SHARED, &o[0]);
    add_text("shared", (k + 1) % N_SHARED, &entry[0].object);
    add_text("own", k, &entry[1].object);
    add_text("half", k / 2, &entry[2].object);
    if (store_add_folder(st, entry, 3, &o[1], &err) < 0)
        fail("adding a folder", &err);
}

/* The same, only named. */
static void name_text(const char *what, unsigned n, struct object *o)
{
    char text[100];

    *o = (struct object){ .kind = OBJECT_FILE };
    snprintf(text, sizeof text, "%s %u, as it is each time\n", what, n);
    digest_bytes(&o->id, text, strlen(text));
    o->size = (long long)strlen(text);
}

static void name_outputs(unsigned k, struct object o[2])
{
    struct store_entry entry[3] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };
    struct error err = { 0 };

    name_text("shared", k % N_SHARED, &o[0]);
    name_text("shared", (k + 1) % N_SHARED, &entry[0].object);
    name_text("own", k, &entry[1].object);
    name_text("half", k / 2, &entry[2].object);
    if (store_name_folder(entry, 3, &o[1], &err) < 0)
        fail("naming a folder", &err);
}

static void key_text(unsigned k, char text[64])
{
    snprintf(text, 64, "larder-key 1\nresult %u\n", k);
}

static struct record *make_record(unsigned k, const struct object o[2])
{
    struct record *r = record_new();
    char text[64];

    key_text(k, text);
    r->key_text = arena_strdup(&r->arena, text);
    digest_bytes(&r->key, text, strlen(text));
    r->step = arena_printf(&r->arena, "step@k=%u", k);
    r->program = "step";
    r->output = arena_alloc(&r->arena, 2 * sizeof *r->output);
    r->output[0] = (struct record_output){ .name = "file", .object = o[0] };
    r->output[1] = (struct record_output){ .name = "folder", .object = o[1] };
    r->n_outputs = 2;
    r->wall = k % 10;
    r->made = 1700000000;
    r->platform = "x86_64";
    r->segments = 1;
    return r;
}

/* ---- who works --------------------------------------------------------------------- */

static void must_be_whole(const struct record *r, const char *when)
{
    for (size_t i = 0; i < r->n_outputs; i++) {
        struct error err = { 0 };
        struct digest bad;
        char what[200], hex[DIGEST_HEX + 1];
        int rc = store_check(st, &r->output[i].object, true, &bad, &err);

        if (rc == OBJECT_FINE)
            continue;
        snprintf(what, sizeof what, "%s of %s is %s %s: sha256:%s", r->output[i].name,
                 r->step, rc == OBJECT_ABSENT ? "absent" : "damaged", when,
                 digest_hex(&bad, hex));
        fail(what, &err);
    }
}

static void make(unsigned k)
{
    struct object o[2];
    struct record *r;
    struct error err = { 0 };

    add_outputs(k, o);
    pause_ms(below(3));
    r = make_record(k, o);
    if (store_record(st, r, false, &err) < 0)
        fail("recording", &err);
    must_be_whole(r, "when it was made");
    count->made++;
    record_free(r);
}

/* As from a remote: the record comes first, signed, and then what is not here. */
static void fetch(unsigned k)
{
    static const unsigned char seed[SEED_SIZE] = { 1, 2, 3 };
    struct signer *signer;
    struct envelope e;
    struct object o[2];
    struct record *r, *named;
    struct buf text = { 0 }, whole = { 0 };
    struct error err = { 0 };

    /* what is there is known by its name alone */
    name_outputs(k, o);
    named = make_record(k, o);
    named->made++; /* another lab made it */
    record_write(named, &text);
    if (signer_new(&signer, seed, &err) < 0 ||
        envelope_sign(&e, ENVELOPE_RECORD, signer, text.s, text.len, &err) < 0)
        fail("signing", &err);
    envelope_write(&e, &whole);
    if (signed_read(&r, whole.s, whole.len, &err) < 0 ||
        signed_keep(st, r, whole.s, whole.len, &err) < 0)
        fail("keeping a record", &err);
    pause_ms(below(3));
    if (store_check(st, &r->output[0].object, true, NULL, NULL) == OBJECT_FINE &&
        store_check(st, &r->output[1].object, true, NULL, NULL) == OBJECT_FINE) {
        pause_ms(below(3));
        must_be_whole(r, "though it was here");
    }
    add_outputs(k, o);
    must_be_whole(r, "when it was fetched");
    count->fetched++;
    buf_release(&whole);
    buf_release(&text);
    signer_free(signer);
    record_free(named);
    record_free(r);
}

static void find(unsigned k)
{
    struct record **rec;
    struct digest key;
    struct error err = { 0 };
    char text[64];
    size_t n_found;
    int rc;

    key_text(k, text);
    digest_bytes(&key, text, strlen(text));
    rc = store_find(st, &key, &rec, &n_found, &err);
    if (rc < 0)
        fail("finding", &err);
    if (rc == STORE_MISS && below(3) == 0)
        fetch(k);
    else if (rc == STORE_MISS)
        make(k);
    for (size_t i = 0; rc == STORE_HIT && i < n_found; i++) {
        if (rec[i]->by) /* what others made need not be here */
            continue;
        must_be_whole(rec[i], "when it was found");
        pause_ms(below(4));
        must_be_whole(rec[i], "while it was used");
        count->hits++;
    }
    records_free(rec, n_found);
}

static void work(const char *folder, time_t end)
{
    while (time(NULL) < end) {
        struct error err = { 0 };
        struct use *u;
        unsigned first = below(N_KEYS);

        if (store_open(&st, folder, NULL, &err) < 0 || use_open(&u, st, &err) < 0)
            fail("opening", &err);
        for (unsigned left = below(6) + 1; left > 0; left--)
            find((first + below(10)) % N_KEYS);
        if (below(2))
            use_keep(u, "0123456789abcdef", false);
        use_close(u);
        store_close(st);
    }
}

/* ---- who cleans -------------------------------------------------------------------- */

static void clean(const char *folder, time_t end)
{
    struct error err = { 0 };

    if (store_open(&st, folder, NULL, &err) < 0)
        fail("opening", &err);
    while (time(NULL) < end) {
        struct gc_order order = { .older = below(2) ? 0 : -1,
                                  .quota = below(3) ? (long long)below(4000) : -1 };
        struct gc_totals t;
        int rc = store_gc(st, &order, &t, &err);

        if (rc < 0 && !strstr(err.text, "another gc goes on"))
            fail("gc", &err);
        count->went += rc == 0 ? (long)t.n_objects : 0;
        pause_ms(below(20));
    }
    store_close(st);
}

/* ---- all of them ------------------------------------------------------------------- */

static pid_t start(const char *folder, time_t end, int i)
{
    static unsigned number;
    pid_t pid;

    number++;
    fflush(stdout);
    pid = fork();
    if (pid)
        return pid;
    chance = number * 0x9e3779b97f4a7c15ULL;
    below(2);
    chance ^= chance >> 29;
    if (i < N_WORKERS)
        work(folder, end);
    else
        clean(folder, end);
    fflush(stdout);
    _exit(0);
}

/* Kills some of them, and lets others take their places, until the time is over. */
static int conduct(const char *folder, time_t end)
{
    enum { N = N_WORKERS + N_CLEANERS };
    pid_t pid[N];
    int status, bad = 0;

    for (int i = 0; i < N; i++)
        pid[i] = start(folder, end, i);
    while (time(NULL) < end) {
        int i = (int)below(N);

        pause_ms(10);
        if (below(i < N_WORKERS ? 4 : 32) == 0)
            kill(pid[i], SIGKILL);
        if (waitpid(pid[i], &status, WNOHANG) == pid[i]) {
            bad |= WIFEXITED(status) && WEXITSTATUS(status) != 0;
            pid[i] = start(folder, end, i);
        }
    }
    for (int i = 0; i < N; i++) {
        waitpid(pid[i], &status, 0);
        bad |= WIFEXITED(status) && WEXITSTATUS(status) != 0;
    }
    return bad;
}

static void tell_finding(void *self, const struct store_finding *f)
{
    (void)self;
    fprintf(stderr, "%s %s of %s\n", f->what, f->path, f->used_by ? f->used_by : "-");
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct gc_totals t;
    int bad;

    if (argc != 3)
        return 2;
    chance = 1;
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    if (count == MAP_FAILED)
        return 2;
    bad = conduct(argv[1], time(NULL) + strtol(argv[2], NULL, 10));
    if (store_open(&st, argv[1], NULL, &err) < 0)
        fail("opening", &err);
    if (store_fsck(st, tell_finding, NULL, &err) != 0)
        fail("the store is not clean", &err);
    pause_ms(20);
    if (store_gc(st, &(struct gc_order){ .older = 0 }, &t, &err) < 0)
        fail("gc", &err);
    if (t.before != t.bytes)
        fail("not all of it went", NULL);
    store_close(st);
    printf("%ld %ld %ld %ld\n", count->hits, count->made, count->fetched, count->went);
    return bad ? 1 : 0;
}
