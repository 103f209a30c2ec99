/*
 * What several threads of ours share: workers, the channel of progress, libcrypto's first
 * call, a small network. The preset tsan runs this under ThreadSanitizer, so it is small
 * and needs no more of Criterion than tests/plain has.
 */
#include "nn_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "kit/progress.h"
#include "larder/digest.h"
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
