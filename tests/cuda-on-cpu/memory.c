#define _GNU_SOURCE
#include "memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "call.h"
#include "handle.h"
#include "launch.h"
#include "setting.h"
#include "told.h"

/* A device's addresses are cut in chunks; a block begins in a chunk of its own, and ends
 * where the page behind it can never be touched. */
enum { CHUNK_BITS = 18, N_CHUNKS = 1 << 20, PAGE = 4096, ON = 256, MOST_PINNED = 4096 };

#define CHUNK ((size_t)1 << CHUNK_BITS)

struct block {
    unsigned char *at, *page; /* page: where its first page begins */
    size_t n, pages;
    unsigned taken, freed; /* numbers of calls; freed: 0 while it lives */
};

static struct arena {
    unsigned char *base;
    uint32_t *chunk; /* 1 + the block that a chunk belongs to */
    size_t next;     /* chunk */
    size_t taken;    /* bytes */
} arenas[MOST_DEVICES];

static struct block *blocks;
static size_t n_blocks, cap_blocks;
static int windows; /* how many have opened the memory */

static struct pin {
    unsigned char *at;
    size_t n;
    bool registered;
} pins[MOST_PINNED];

static int n_pins;

static const struct block *block_of(const void *p)
{
    int device = memory_device(p);
    const struct arena *a = &arenas[device < 0 ? 0 : device];
    uint32_t k;

    if (device < 0)
        return NULL;
    k = a->chunk[(size_t)((const unsigned char *)p - a->base) >> CHUNK_BITS];
    return k > 0 ? &blocks[k - 1] : NULL;
}

const char *memory_words(const void *p)
{
    static __thread char text[160];
    const struct block *b = block_of(p);
    int device = memory_device(p);

    if (device < 0)
        snprintf(text, sizeof text, "%s host memory (%p)",
                 memory_is_pinned(p, 1) ? "pinned" : p == NULL ? "NULL," : "ordinary", p);
    else if (b == NULL)
        snprintf(text, sizeof text, "no block of device %d (%p)", device, p);
    else
        snprintf(text, sizeof text,
                 "byte %td of a block of %zu bytes of device %d, taken by call %u%s",
                 (const unsigned char *)p - b->at, b->n, device, b->taken,
                 b->freed > 0 ? " and freed since" : "");
    return text;
}

static struct sigaction before;

/* A touch of device memory from outside, or of what nobody may touch. */
static void touched(int number, siginfo_t *info, void *context)
{
    if (memory_device(info->si_addr) >= 0)
        told_stop("%s touched %s", launch_who(), memory_words(info->si_addr));
    if (launch_runs())
        told_stop("%s touched %p, which is no memory at all", launch_who(),
                  info->si_addr);
    if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != NULL)
        before.sa_sigaction(number, info, context);
    else
        sigaction(number, &before, NULL); /* and the touch is made again */
}

static void watch(void)
{
    struct sigaction now = { .sa_sigaction = touched, .sa_flags = SA_SIGINFO };

    sigemptyset(&now.sa_mask);
    sigaction(SIGSEGV, &now, &before);
}

static void *reserve(size_t n, int protection)
{
    void *p = mmap(NULL, n, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                   0);

    if (p == MAP_FAILED)
        told_stop("no addresses for the memory of a device");
    return p;
}

static struct arena *arena_of(int device)
{
    struct arena *a = &arenas[device];

    if (a->base != NULL)
        return a;
    if (before.sa_flags == 0 && before.sa_handler == NULL)
        watch();
    a->chunk = reserve(N_CHUNKS * sizeof *a->chunk, PROT_READ | PROT_WRITE);
    a->base = reserve(N_CHUNKS * CHUNK, PROT_NONE);
    return a;
}

int memory_device(const void *p)
{
    for (int i = 0; i < MOST_DEVICES; i++)
        if (arenas[i].base != NULL &&
            (size_t)((const unsigned char *)p - arenas[i].base) < N_CHUNKS * CHUNK)
            return i;
    return -1;
}

static size_t rounded(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static void protect(const struct block *b, int protection)
{
    if (mprotect(b->page, b->pages, protection) < 0)
        told_stop("the machine has no memory for a block of %zu bytes", b->n);
}

void memory_poison(void *p, size_t n)
{
    static const uint32_t word = MEMORY_POISON;
    unsigned char *to = p;

    for (size_t i = 0; i < n / sizeof word; i++)
        memcpy(to + i * sizeof word, &word, sizeof word);
    memcpy(to + n / sizeof word * sizeof word, &word, n % sizeof word);
}

static struct block *block_new(void)
{
    if (n_blocks == cap_blocks) {
        cap_blocks = 2 * cap_blocks + 256;
        blocks = realloc(blocks, cap_blocks * sizeof *blocks);
        if (blocks == NULL)
            told_stop("out of memory for the double itself");
    }
    return &blocks[n_blocks++];
}

void *memory_take(int device, size_t n)
{
    struct arena *a = arena_of(device);
    size_t size = rounded(n, ON), pages = rounded(size, PAGE);
    size_t chunks = (pages + PAGE + CHUNK - 1) / CHUNK;
    struct block *b;

    if (size > setting()->memory || a->taken + size > setting()->memory)
        return NULL;
    if (a->next + chunks > N_CHUNKS)
        told_stop("the double has no addresses left: memory is taken again and again");
    b = block_new();
    *b = (struct block){ .page = a->base + a->next * CHUNK,
                         .n = n,
                         .pages = pages,
                         .taken = call_number() };
    b->at = b->page + pages - size;
    for (size_t i = 0; i < chunks; i++)
        a->chunk[a->next++] = (uint32_t)n_blocks;
    a->taken += size;
    protect(b, PROT_READ | PROT_WRITE);
    memory_poison(b->page, pages);
    if (windows == 0)
        protect(b, PROT_NONE);
    return b->at;
}

void memory_free(void *p)
{
    struct block *b = (struct block *)block_of(p);

    if (b == NULL)
        told_stop("%s was given %s", call_name(), memory_words(p));
    if (b->freed > 0)
        told_stop("%s was given a block a second time: %s", call_name(), memory_words(p));
    if (p != b->at)
        told_stop("%s was given the inside of a block: %s", call_name(), memory_words(p));
    protect(b, PROT_NONE);
    madvise(b->page, b->pages, MADV_DONTNEED);
    arenas[memory_device(p)].taken -= rounded(b->n, ON);
    b->freed = call_number() + 1;
}

size_t memory_left(int device)
{
    return setting()->memory - arenas[device].taken;
}

size_t memory_total(void)
{
    return setting()->memory;
}

bool memory_has(int device, const void *p, size_t n)
{
    const struct block *b = block_of(p);
    size_t at;

    if (b == NULL || b->freed > 0 || memory_device(p) != device)
        return false;
    at = (size_t)((const unsigned char *)p - b->at);
    return (const unsigned char *)p >= b->at && at <= b->n && n <= b->n - at;
}

size_t memory_block(int device, const void *p, const unsigned char **at)
{
    if (!memory_has(device, p, 1))
        return 0;
    *at = block_of(p)->at;
    return block_of(p)->n;
}

void memory_check_device(int device, const void *p, size_t n, const char *what)
{
    if (n > 0 && !memory_has(device, p, n))
        told_stop("%s: %s of %zu bytes on device %d is %s", call_name(), what, n, device,
                  memory_words(p));
}

void memory_check_host(const void *p, const char *what)
{
    if (memory_device(p) >= 0)
        told_stop("%s: %s is to be host memory and is %s", call_name(), what,
                  memory_words(p));
}

void memory_pin(void *p, size_t n, bool registered)
{
    if (n_pins == MOST_PINNED)
        told_stop("more than %d blocks of pinned memory", MOST_PINNED);
    pins[n_pins++] = (struct pin){ p, n, registered };
}

size_t memory_unpin(void *p, bool registered)
{
    for (int i = 0; i < n_pins; i++) {
        size_t n = pins[i].n;
        if (pins[i].at != p || pins[i].registered != registered)
            continue;
        pins[i] = pins[--n_pins];
        return n;
    }
    told_stop("%s was given what is not pinned: %s", call_name(), memory_words(p));
}

bool memory_is_pinned(const void *p, size_t n)
{
    for (int i = 0; i < n_pins; i++) {
        size_t at = (size_t)((const unsigned char *)p - pins[i].at);
        if (at < pins[i].n && n <= pins[i].n - at)
            return true;
    }
    return false;
}

static void protect_all(int protection)
{
    for (size_t i = 0; i < n_blocks; i++)
        if (blocks[i].freed == 0)
            protect(&blocks[i], protection);
}

void memory_open(void)
{
    if (windows++ == 0)
        protect_all(PROT_READ | PROT_WRITE);
}

void memory_close(void)
{
    if (--windows == 0)
        protect_all(PROT_NONE);
}

/* Memory and handles that were never given back. On a device that is lost nothing can
 * be. */
static __attribute__((destructor)) void tell_leaks(void)
{
    const char *what = "nothing";
    const struct block *first = NULL;
    int handles = handle_left(&what), n = 0;

    for (size_t i = n_blocks; i > 0; i--) {
        if (blocks[i - 1].freed > 0)
            continue;
        first = &blocks[i - 1];
        n++;
    }
    if (!setting()->leaks || call_any_stuck())
        return;
    if (handles > 0)
        told_stop("at exit %d not destroyed, the first is a handle: %s", handles, what);
    if (n > 0)
        told_stop("at exit %d not freed, the first is device memory: %zu bytes taken by "
                  "call %u",
                  n, first->n, first->taken);
    if (n_pins > 0)
        told_stop("at exit %d not freed, the first is pinned memory: %zu bytes", n_pins,
                  pins[0].n);
}
