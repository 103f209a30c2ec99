/*
 * mem - allocation that dies on exhaustion, since no caller has a better idea, and an
 * arena for everything that lives as long as its owner.
 */
#ifndef LARDER_MEM_H
#define LARDER_MEM_H

#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
/* Advice for memory that was just taken and not touched yet: what is large comes in large
 * pages, which costs far fewer page faults. */
void mem_large(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* Grows an array to hold at least n items: GROW(a, n, cap). */
#define GROW(a, n, cap)                                                            \
    ((n) > (cap)                                                                   \
         ? ((cap) = (n) + (cap) / 2 + 8, (a) = xrealloc((a), (cap) * sizeof *(a))) \
         : (void *)0)

struct arena_block;
struct arena {
    struct arena_block *last;
};

/* Zeroed memory, borrowed until arena_release(). */
void *arena_alloc(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void arena_release(struct arena *a);

#endif
