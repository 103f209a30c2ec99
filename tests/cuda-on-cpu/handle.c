#include "handle.h"

#include <stdint.h>
#include <stdlib.h>

#include "call.h"
#include "told.h"

static const char *const words[HANDLE_KINDS] = {
    [HANDLE_STREAM] = "stream",
    [HANDLE_EVENT] = "event",
    [HANDLE_GRAPH] = "graph",
    [HANDLE_EXEC] = "executable graph",
    [HANDLE_BLAS] = "cuBLAS handle",
    [HANDLE_DNN] = "cuDNN handle",
    [HANDLE_TENSOR] = "tensor descriptor",
    [HANDLE_FILTER] = "filter descriptor",
    [HANDLE_CONVOLUTION] = "convolution descriptor",
    [HANDLE_POOLING] = "pooling descriptor",
    [HANDLE_COMM] = "communicator",
};

/* Lies in front of what the caller gets. */
struct head {
    uint64_t magic;
    struct head *before; /* of all that there ever were */
    enum handle_kind kind;
    bool lives;
} __attribute__((aligned(16)));

static const uint64_t magic = 0x6375646120637075; /* "cuda cpu" */
static struct head *newest;
static int left[HANDLE_KINDS];

void *handle_new(enum handle_kind kind, size_t n)
{
    struct head *h = calloc(1, sizeof *h + n);

    if (h == NULL)
        told_stop("out of memory for the double itself");
    *h = (struct head){ magic, newest, kind, true };
    newest = h;
    left[kind]++;
    return h + 1;
}

void handle_check(enum handle_kind kind, const void *p)
{
    const struct head *h = (const struct head *)p - 1;

    if (p == NULL)
        told_stop("%s was given no %s (NULL)", call_name(), words[kind]);
    if ((uintptr_t)p % 16 != 0 || h->magic != magic)
        told_stop("%s was given %p, which is no %s", call_name(), p, words[kind]);
    if (h->kind != kind)
        told_stop("%s was given a %s, where it takes a %s", call_name(), words[h->kind],
                  words[kind]);
    if (!h->lives)
        told_stop("%s was given a %s that was destroyed", call_name(), words[kind]);
}

void handle_end(enum handle_kind kind, void *p)
{
    handle_check(kind, p);
    ((struct head *)p - 1)->lives = false;
    left[kind]--;
}

int handle_left(const char **what)
{
    int n = 0;

    for (int kind = HANDLE_KINDS - 1; kind >= 0; kind--) {
        n += left[kind];
        if (left[kind] > 0)
            *what = words[kind];
    }
    return n;
}
