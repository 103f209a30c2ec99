#include "larder/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "larder/banned.h"

static void *must(void *p)
{
    if (!p) {
        fputs("larder: out of memory\n", stderr);
        _Exit(8);
    }
    return p;
}

void *xmalloc(size_t n)
{
    return must(malloc(n ? n : 1));
}

void *xcalloc(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n)
{
    return must(realloc(p, n ? n : 1));
}

void mem_large(void *p, size_t n)
{
    const uintptr_t page = 2 << 20;
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page,
              to = ((uintptr_t)p + n) / page * page;

    if (to > from)
        madvise((void *)from, to - from, MADV_HUGEPAGE); /* refusing it costs time only */
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
    char *t = xmalloc(n + 1);

    memcpy(t, s, n);
    t[n] = '\0';
    return t;
}

/* Blocks double, since many arenas hold only a few words. */
enum { FIRST_BLOCK = 1024, LAST_BLOCK = 64 * 1024 };

struct arena_block {
    struct arena_block *before;
    size_t used, size;
    _Alignas(16) char byte[];
};

void *arena_alloc(struct arena *a, size_t n)
{
    struct arena_block *b = a->last;
    size_t need = (n + 15) & ~(size_t)15;

    if (!b || b->size - b->used < need) {
        size_t size = !b ? FIRST_BLOCK : b->size < LAST_BLOCK ? 2 * b->size : LAST_BLOCK;

        if (size < need)
            size = need;
        b = xcalloc(1, sizeof *b + size);
        b->size = size;
        b->before = a->last;
        a->last = b;
    }
    b->used += need;
    return b->byte + b->used - need;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *t = arena_alloc(a, n + 1);

    memcpy(t, s, n);
    return t;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    char often_enough[256];
    va_list ap;
    int n;
    char *s;

    va_start(ap, fmt);
    n = vsnprintf(often_enough, sizeof often_enough, fmt, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    if ((size_t)n < sizeof often_enough)
        return arena_strndup(a, often_enough, (size_t)n);
    s = arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

void arena_release(struct arena *a)
{
    while (a->last) {
        struct arena_block *before = a->last->before;

        free(a->last);
        a->last = before;
    }
}
