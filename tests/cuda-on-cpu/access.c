/* Every read and write of a kernel: kernels are compiled with -fsanitize=thread, which
 * calls the functions below before each, and nothing of that sanitizer is linked.
 *
 * A kernel may touch device memory of its device, variables of its block, its arguments
 * and its own stack. What one thread writes to a variable of the block, another may read
 * or write only behind a barrier. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fiber.h"
#include "launch.h"
#include "memory.h"
#include "told.h"

/* The section in which the variables of blocks are; none in a library without any. */
extern unsigned char __start_cuda_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_cuda_shared[] __attribute__((weak, visibility("hidden")));
/* And constants of the device. */
extern unsigned char __start_cuda_constant[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_cuda_constant[] __attribute__((weak, visibility("hidden")));

/* Who touched four bytes of a block's variables, and between which barriers. */
struct touch {
    uint32_t written, writer, read, reader;
};

enum { WORD = 4, SEVERAL = -1 };

static struct touch *touches;
static size_t n_static;

static size_t n_shared(void)
{
    return (size_t)(__stop_cuda_shared - __start_cuda_shared);
}

/* The blocks that the kernel touched last. */
static struct {
    const unsigned char *at;
    size_t n;
} recent[4];

void access_forget(void)
{
    memset(recent, 0, sizeof recent);
}

static bool is_recent(const unsigned char *p, size_t n)
{
    for (int i = 0; i < 4; i++) {
        size_t at = (size_t)(p - recent[i].at);
        if (at < recent[i].n && n <= recent[i].n - at)
            return true;
    }
    return false;
}

static bool is_memory(const void *p, size_t n)
{
    static unsigned next;
    const unsigned char *at;
    size_t size;

    if (!memory_has(launch_place.device, p, n))
        return false;
    size = memory_block(launch_place.device, p, &at);
    recent[next % 4].at = at;
    recent[next++ % 4].n = size;
    return true;
}

void access_fresh(void)
{
    if (touches == NULL) {
        n_static = (n_shared() + WORD - 1) / WORD;
        touches = calloc(n_static + (48 << 10) / WORD + 1, sizeof *touches);
    }
    if (n_shared() > 0)
        memory_poison(__start_cuda_shared, n_shared());
    memory_poison(launch_place.dynamic, launch_place.n_dynamic);
}

static void race(const char *how, uint32_t other, size_t at)
{
    told_stop("%s %s byte %zu of the block's variables, which thread %d %s: no "
              "__syncthreads() is between them",
              launch_who(), how, at * WORD, (int)other,
              strcmp(how, "reads") == 0 ? "wrote" : "read or wrote");
}

static void note(size_t at, bool write)
{
    struct touch *t = &touches[at];
    uint32_t phase = launch_place.phase, me = launch_place.thread;

    if (t->written == phase && t->writer != me)
        race(write ? "writes" : "reads", t->writer, at);
    if (!write) {
        t->reader = t->read == phase && t->reader != me ? (uint32_t)SEVERAL : me;
        t->read = phase;
        return;
    }
    if (t->read == phase && t->reader != me)
        race("writes", t->reader, at);
    t->written = phase;
    t->writer = me;
}

static void note_all(size_t at, size_t n, size_t base, bool write)
{
    for (size_t i = at / WORD; i <= (at + n - 1) / WORD; i++)
        note(base + i, write);
}

static void touch_other(const void *p, size_t n, bool write)
{
    const unsigned char *at = p;
    size_t k;

    if (fiber_owns(p) || is_memory(p, n))
        return;
    k = (size_t)(at - __start_cuda_shared);
    if (k < n_shared()) {
        note_all(k, n, 0, write);
        return;
    }
    k = (size_t)(at - launch_place.dynamic);
    if (k < launch_place.n_dynamic) {
        note_all(k, n, n_static, write);
        return;
    }
    if (!write && ((size_t)(at - launch_place.arguments) < launch_place.size ||
                   (size_t)(at - __start_cuda_constant) <
                       (size_t)(__stop_cuda_constant - __start_cuda_constant)))
        return;
    told_stop("%s %s %zu bytes: %s", launch_who(), write ? "writes" : "reads", n,
              memory_words(p));
}

static inline void touch(const void *p, size_t n, bool write)
{
    if (launch_place.runs && !is_recent(p, n))
        touch_other(p, n, write);
}

#define ACCESS(n)                          \
    void __tsan_read##n(void *p);          \
    void __tsan_write##n(void *p);         \
    void __tsan_unaligned_read##n(void *p); \
    void __tsan_unaligned_write##n(void *p); \
    void __tsan_read##n(void *p)           \
    {                                      \
        touch(p, n, false);                \
    }                                      \
    void __tsan_write##n(void *p)          \
    {                                      \
        touch(p, n, true);                 \
    }                                      \
    void __tsan_unaligned_read##n(void *p) \
    {                                      \
        touch(p, n, false);                \
    }                                      \
    void __tsan_unaligned_write##n(void *p) \
    {                                      \
        touch(p, n, true);                 \
    }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_init(void);
void __tsan_func_entry(void *p);
void __tsan_func_exit(void);
void __tsan_read_range(void *p, unsigned long n);
void __tsan_write_range(void *p, unsigned long n);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *p)
{
    (void)p;
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *p, unsigned long n)
{
    touch(p, n, false);
}

void __tsan_write_range(void *p, unsigned long n)
{
    touch(p, n, true);
}
