#include "launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "fiber.h"
#include "memory.h"
#include "setting.h"
#include "stream.h"
#include "told.h"

enum { MOST_THREADS = 1024, MOST_SHARED = 48 << 10 };

struct launch {
    const char *name;
    int device;
    dim3 grid, block;
    size_t shared, size;
    void (*thread)(const void *arguments);
    _Alignas(64) unsigned char arguments[];
};

__thread struct launch_place launch_place;

/* A stack on which threads run; where the one that waits at a barrier stands. */
struct runner {
    struct fiber *fiber;
    uint3 thread;
    uint32_t number;
    const char *file;
    int line;
};

/* The launch that runs; the lock of call.h is held. */
static struct {
    const struct launch *launch;
    uint3 block, thread;
    struct runner *runner;           /* the one that runs */
    struct runner all[MOST_THREADS]; /* made when needed, the first ones first */
    struct runner *waits[2][MOST_THREADS];
    struct runner **here, **goes; /* those at the barrier; those that go on from it */
    unsigned n_here, n_goes, next; /* next: of those that go on */
    unsigned n_threads, started;
    struct walk walk; /* over the threads */
} now;

uint3 launch_thread(void)
{
    return now.thread;
}

uint3 launch_block(void)
{
    return now.block;
}

dim3 launch_block_dim(void)
{
    return now.launch->block;
}

dim3 launch_grid_dim(void)
{
    return now.launch->grid;
}

void *launch_dynamic_shared(void)
{
    return launch_place.dynamic;
}

bool launch_runs(void)
{
    return launch_place.runs;
}

const char *launch_who(void)
{
    static char text[200];

    if (!launch_place.runs)
        return "the host program";
    snprintf(text, sizeof text, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u)",
             now.launch->name, now.block.x, now.block.y, now.block.z, now.thread.x,
             now.thread.y, now.thread.z);
    return text;
}

static void be(struct runner *r)
{
    now.runner = r;
    now.thread = r->thread;
    launch_place.thread = r->number;
}

static void run_threads(void);

/* All threads are at the barrier or at their ends: those at the barrier go on. */
static void release(void)
{
    struct runner **here = now.here;

    for (unsigned i = 1; i < now.n_here; i++)
        if (here[i]->line != here[0]->line || here[i]->file != here[0]->file)
            told_stop("%s: threads of a block wait at two barriers, %s:%d and %s:%d",
                      launch_who(), here[0]->file, here[0]->line, here[i]->file,
                      here[i]->line);
    launch_place.phase++;
    now.here = now.goes;
    now.goes = here;
    now.n_goes = now.n_here;
    now.n_here = now.next = 0;
}

/* Who runs when the one that runs cannot go on: first all that have not begun, each on a
 * stack on which nobody waits; NULL: the block is done. */
static struct runner *successor(void)
{
    if (now.started < now.n_threads) {
        struct runner *r = &now.all[now.n_here];
        if (r->fiber == NULL)
            r->fiber = fiber_new(run_threads);
        return r;
    }
    if (now.next == now.n_goes)
        release();
    return now.next < now.n_goes ? now.goes[now.next++] : NULL;
}

static void go_on(void)
{
    struct runner *from = now.runner, *to = successor();

    if (to != NULL)
        be(to);
    if (to != from)
        fiber_go(to != NULL ? to->fiber : NULL);
}

/* Runs threads, one behind the other, until none is left to start. */
static void run_threads(void)
{
    struct runner *r = now.runner;
    const dim3 *d = &now.launch->block;

    while (now.started < now.n_threads) {
        unsigned i = (unsigned)walk_next(&now.walk);
        now.started++;
        r->number = i;
        r->thread = (uint3){ i, 0, 0 };
        if (d->x < now.n_threads)
            r->thread = (uint3){ i % d->x, i / d->x % d->y, i / d->x / d->y };
        be(r);
        now.launch->thread(now.launch->arguments);
    }
    go_on();
}

void launch_barrier(const char *file, int line)
{
    struct runner *r = now.runner;

    if (!launch_place.runs)
        told_stop("%s:%d: a barrier outside a kernel", file, line);
    r->file = file;
    r->line = line;
    now.here[now.n_here++] = r;
    go_on();
}

static void run_block(uint64_t seed)
{
    now.walk = walk_in(setting()->threads, seed, now.n_threads);
    now.started = now.n_here = now.n_goes = now.next = 0;
    launch_place.phase++;
    access_fresh();
    now.runner = NULL;
    go_on();
}

static void run_launch(void *payload)
{
    static unsigned char dynamic[MOST_SHARED] __attribute__((aligned(64)));
    static uint64_t turn;
    const struct launch *l = payload;
    size_t blocks = (size_t)l->grid.x * l->grid.y * l->grid.z;
    struct walk walk;

    now.launch = l;
    now.here = now.waits[0];
    now.goes = now.waits[1];
    now.n_threads = l->block.x * l->block.y * l->block.z;
    launch_place.device = l->device;
    launch_place.arguments = l->arguments;
    launch_place.size = l->size;
    launch_place.dynamic = dynamic;
    launch_place.n_dynamic = l->shared;
    launch_place.runs = true;
    access_forget();
    walk = walk_in(setting()->threads, setting()->seed + turn, blocks);
    for (size_t k = 0; k < blocks; k++) {
        size_t i = walk_next(&walk);
        now.block = (uint3){ (unsigned)(i % l->grid.x),
                             (unsigned)(i / l->grid.x % l->grid.y),
                             (unsigned)(i / l->grid.x / l->grid.y) };
        run_block(setting()->seed + turn + k);
    }
    turn++;
    launch_place.runs = false;
}

static bool is_possible(dim3 grid, dim3 block, size_t shared)
{
    return block.x > 0 && block.y > 0 && block.z > 0 && block.z <= 64 &&
           (size_t)block.x * block.y * block.z <= MOST_THREADS && grid.x > 0 &&
           grid.y > 0 && grid.z > 0 && grid.x <= 0x7fffffff && grid.y <= 65535 &&
           grid.z <= 65535 && shared <= MOST_SHARED;
}

static cudaError_t queue(struct CUstream_st *s, const struct launch *l,
                         const void *arguments)
{
    struct deed *d = deed_new(run_launch, NULL, sizeof *l + l->size);

    memcpy(d->payload, l, sizeof *l);
    memcpy(((struct launch *)d->payload)->arguments, arguments, l->size);
    return stream_add(s, d);
}

void launch_kernel(const char *name, dim3 grid, dim3 block, size_t shared,
                   struct CUstream_st *stream, void (*thread)(const void *arguments),
                   const void *arguments, size_t size)
{
    const struct launch l = { .name = name,
                              .device = call_device(),
                              .grid = grid,
                              .block = block,
                              .shared = shared,
                              .size = size,
                              .thread = thread };
    cudaError_t e = call_enter(CALL_LAUNCH, name);
    struct CUstream_st *s = stream_of(stream);

    if (e == cudaSuccess && !is_possible(grid, block, shared))
        e = cudaErrorInvalidConfiguration;
    if (e == cudaSuccess)
        e = queue(s, &l, arguments);
    call_leave(e);
}
