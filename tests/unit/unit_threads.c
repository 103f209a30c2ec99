/*
 * What several threads of ours share: workers, the channel of progress, libcrypto's first
 * call, a small network. The preset tsan runs this under ThreadSanitizer, so it is small
 * and needs no more of Criterion than tests/plain has.
 */
#include "nn_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ahead.h"
#include "kit/progress.h"
#include "larder/digest.h"
#include "larder/fs.h"
#include "larder/store.h"
#include "nn/alexnet.h"
#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/init.h"
#include "nn/workers.h"
#include "sidehash.h"

enum { ITEMS = 37, ROUNDS = 200, N = 4, LINES = 100 };

struct shared {
    int done[ITEMS];
    int total; /* of the calling thread, which reads what all have written */
    struct digest id[ITEMS];
};

static void count_up(void *context, int item)
{
    ((struct shared *)context)->done[item]++;
}

Test(threads, workers_hand_over_what_they_wrote)
{
    struct error err = { 0 };

    for (int threads = 1; threads <= 5; threads++) {
        struct shared s = { 0 };
        struct workers *w;

        must(workers_open(&w, threads, &err));
        for (int round = 1; round <= ROUNDS; round++) {
            workers_run(w, round % (ITEMS + 1), count_up, &s);
            for (int i = 0; i < ITEMS; i++)
                s.total += s.done[i];
        }
        workers_close(w);
        cr_assert_neq(s.total, 0);
    }
}

static void hash(void *context, int item)
{
    digest_bytes(&((struct shared *)context)->id[item], "apple\n", 6);
}

/* libcrypto is opened by whoever comes first. */
Test(threads, the_first_digest_may_be_of_several_threads)
{
    struct error err = { 0 };
    struct shared s = { 0 };
    struct workers *w;

    must(workers_open(&w, 4, &err));
    workers_run(w, ITEMS, hash, &s);
    workers_close(w);
    for (int i = 1; i < ITEMS; i++)
        cr_assert(digest_equal(&s.id[0], &s.id[i]));
}

static void tell(void *context, int item)
{
    (void)context;
    progress_metric("loss", item);
    progress_step(item, LINES, "pictures");
    progress_note("item %d", item);
}

Test(threads, lines_of_progress_do_not_mix)
{
    struct error err = { 0 };
    struct workers *w;
    char bytes[1 << 16], number[16], *rest = bytes, *line;
    int pair[2], notes = 0;
    ssize_t n;

    cr_assert_eq(pipe(pair), 0);
    snprintf(number, sizeof number, "%d", pair[1]);
    setenv("LARDER_PROGRESS", number, 1);
    must(workers_open(&w, 4, &err));
    workers_run(w, LINES, tell, NULL);
    workers_close(w);
    close(pair[1]);
    n = read(pair[0], bytes, sizeof bytes - 1);
    cr_assert(n > 0 && n < (ssize_t)sizeof bytes - 1);
    bytes[n] = '\0';
    while ((line = strsep(&rest, "\n")) && *line) {
        int kinds = (strncmp(line, "note item ", 10) == 0) +
                    (strncmp(line, "metric loss ", 12) == 0) +
                    (strncmp(line, "progress ", 9) == 0);

        cr_assert_eq(kinds, 1, "%s", line);
        notes += *line == 'n';
    }
    cr_assert_eq(notes, LINES);
}

static struct digest trained(const struct graph *g, int threads)
{
    static const int32_t label[N] = { 3, 1, 9, 0 };
    struct net_options o = { .batch = N,
                             .lanes = N,
                             .threads = threads,
                             .weight_gradient = true,
                             .input_gradient = true };
    struct attack a = { .radius = .75, .step = .25, .steps = 1, .keep_best = true };
    struct sgd sgd = { .lr = .02, .momentum = .9, .weight_decay = 5e-4, .clip = .5 };
    float *x = counted_pictures(g, N, false), loss[N];
    float *moved = malloc((size_t)N * g->C * g->H * g->W * sizeof *moved);
    struct hasher *h = hasher_new();
    struct error err = { 0 };
    struct tensors t = { 0 };
    struct digest d;
    struct net *net;

    must(net_open(&net, g, &o, &err));
    counted_parameters(g, &t);
    must(net_set_parameters(net, &t, &err));
    tensors_release(&t);
    must(attack_l2(net, &a, x, label, N, moved, NULL, &err));
    must(net_forward_training(net, moved, N, NULL, NULL, &err));
    must(net_loss(net, label, loss, &err));
    must(net_backward_weights(net, &err));
    must(net_update(net, &sgd, &err));
    must(net_get_parameters(net, &t, &err));
    for (size_t i = 0; i < t.n; i++)
        hasher_add(h, t.tensor[i].value, t.tensor[i].n * sizeof(float));
    hasher_finish(h, &d);
    hasher_free(h);
    tensors_release(&t);
    net_close(net);
    free(moved);
    free(x);
    return d;
}

Test(threads, a_network_learns_the_same_in_several)
{
    struct graph *g = alexnet_mini(10);
    struct digest one = trained(g, 1), more = trained(g, 4);

    cr_assert(digest_equal(&one, &more));
    graph_free(g);
}

/* The thread takes what the caller goes on changing: it must have its own. */
Test(threads, what_is_hashed_beside_has_the_same_digest)
{
    static unsigned char bytes[100000];
    const size_t sizes[] = { 0, 1, 99999, 262144, 262145, 5000001, 7, 3000000 };
    struct sidehash *side = sidehash_new();
    struct hasher *h = hasher_new();

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct digest a, b;

        for (size_t left = sizes[i], n; left; left -= n) {
            n = left < sizeof bytes ? left : sizeof bytes;
            memset(bytes, (int)(left + i) & 255, n);
            hasher_add(h, bytes, n);
            sidehash_add(side, bytes, n);
        }
        hasher_finish(h, &a);
        sidehash_finish(side, &b);
        cr_assert(digest_equal(&a, &b), "%zu bytes", sizes[i]);
    }
    hasher_free(h);
    sidehash_free(side);
    sidehash_free(sidehash_new());
}

/* The same of what is read straight into its memory. */
Test(threads, what_is_read_into_its_memory_too)
{
    struct sidehash *side = sidehash_new();
    struct hasher *h = hasher_new();

    for (size_t size = 1; size < 4000000; size = size * 3 + 77) {
        struct digest a, b;

        for (size_t left = size, n; left; left -= n) {
            unsigned char *room = sidehash_room(side);

            n = left < SIDEHASH_ROOM ? left : SIDEHASH_ROOM;
            memset(room, (int)(left + size) & 255, n);
            hasher_add(h, room, n);
            sidehash_put(side, n);
        }
        hasher_finish(h, &a);
        sidehash_finish(side, &b);
        cr_assert(digest_equal(&a, &b), "%zu bytes", size);
    }
    hasher_free(h);
    sidehash_free(side);
}

/* Adds size bytes to both. */
static void add_bytes(struct sidehash *side, FILE *f, size_t size)
{
    static char bytes[77777];

    for (size_t left = size, n; left; left -= n) {
        n = left < sizeof bytes ? left : sizeof bytes;
        memset(bytes, (int)(left + size) & 255, n);
        sidehash_add(side, bytes, n);
        cr_assert_eq(fwrite(bytes, 1, n, f), n);
    }
}

/* What it has hashed before is not written, nor what comes after. */
Test(threads, what_is_hashed_is_written_too)
{
    const size_t sizes[] = { 10, 3000000, 0, 400000, 70 };
    struct sidehash *side = sidehash_new();
    struct digest d;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        FILE *got = tmpfile(), *want = tmpfile(), *other = tmpfile();
        int a, b;

        add_bytes(side, other, 500000);
        sidehash_write(side, fileno(got));
        add_bytes(side, want, sizes[i]);
        sidehash_finish(side, &d);
        cr_assert_not(sidehash_failed(side));
        add_bytes(side, other, 99);
        sidehash_finish(side, &d);
        rewind(want);
        rewind(got);
        do {
            a = fgetc(want);
            b = fgetc(got);
            cr_assert_eq(a, b, "of %zu bytes", sizes[i]);
        } while (a != EOF);
        fclose(got);
        fclose(want);
        fclose(other);
    }
    sidehash_free(side);
}

Test(threads, a_write_that_fails_is_told)
{
    const size_t sizes[] = { 10, 3000000 };
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct sidehash *side = sidehash_new();
    struct digest d;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        FILE *other = tmpfile();

        sidehash_write(side, full);
        add_bytes(side, other, sizes[i]);
        sidehash_finish(side, &d);
        cr_assert(sidehash_failed(side));
        cr_assert_eq(errno, ENOSPC);
        fclose(other);
    }
    sidehash_write(side, -1);
    cr_assert_not(sidehash_failed(side));
    sidehash_free(side);
    close(full);
}

enum { SMALL_ONES = 700 };

/* SMALL_ONES objects of some hundred bytes; the last is too large to be read ahead. */
static void make_objects(struct store *st, struct digest *id, struct ahead_item *item)
{
    static char bytes[AHEAD_MAX + 1];
    struct error err = { 0 };

    for (size_t i = 0; i < SMALL_ONES; i++) {
        size_t n = i + 1 < SMALL_ONES ? 1 + i % 500 : sizeof bytes;
        struct object o;

        memset(bytes, 'x', sizeof bytes);
        snprintf(bytes, 9, "%8zu", i);
        must(store_add_bytes(st, bytes, n < 8 ? 8 : n, false, &o, &err));
        id[i] = o.id;
        item[i] = (struct ahead_item){ &id[i], (long long)(n < 8 ? 8 : n) };
    }
}

/* What is there, is small and is right, in whatever part of it is asked for; what is
 * gone, damaged, longer or large is left to who asks. */
Test(threads, small_objects_are_read_before_they_are_asked_for)
{
    static struct digest id[SMALL_ONES];
    static struct ahead_item item[SMALL_ONES];
    char dir[] = "/tmp/larder-test-XXXXXX", path[300], hex[DIGEST_HEX + 1];
    const size_t bad[] = { 3, 100, 255, 256, 600 };
    struct error err = { 0 };
    struct buf bytes = { 0 };
    struct store *st;

    cr_assert_not_null(mkdtemp(dir));
    must(store_open(&st, dir, NULL, &err));
    make_objects(st, id, item);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "%s/cas/%.2s/%s", dir, digest_hex(&id[bad[i]], hex),
                 hex);
        if (i % 2)
            cr_assert_eq(unlink(path), 0);
        else
            must(fs_write(path, "other one", i ? 5 : (size_t)item[bad[i]].size, false,
                          &err));
    }
    for (size_t step = 1; step <= 400; step += 133) {
        struct ahead *a = ahead_new(st, item, SMALL_ONES);
        size_t taken = 0;

        cr_assert_not_null(a);
        for (size_t i = 0; i < SMALL_ONES; i += step) {
            bool is_bad = i == SMALL_ONES - 1;

            for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
                is_bad |= bad[k] == i;
            cr_assert_eq(ahead_take(a, &id[i], &bytes), !is_bad, "object %zu", i);
            if (!is_bad) {
                cr_assert_eq(bytes.len, (size_t)item[i].size);
                cr_assert_eq(strtoul(buf_str(&bytes), NULL, 10), i);
                taken++;
            }
        }
        cr_assert_gt(taken, 0);
        cr_assert_not(ahead_take(a, &id[0], &bytes)); /* that was long ago */
        ahead_free(a);
    }
    ahead_free(ahead_new(st, item, SMALL_ONES)); /* nobody asks */
    cr_assert_null(ahead_new(st, item, 10));
    cr_assert_not(ahead_take(NULL, &id[0], &bytes));
    buf_release(&bytes);
    store_close(st);
    fs_remove_tree(dir, NULL);
}
