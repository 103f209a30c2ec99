#include "ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "larder/thread.h"
#include "layout.h"

#include "larder/banned.h"

enum {
    WORTH = 200, /* objects that threads are started for */
    THREADS = 6,
    ROOM = 256, /* how far they go ahead */
    BATCH = 16, /* objects that one takes at a time */
};

/* What became of an object, and its bytes. */
struct slot {
    bool done, right;
    struct buf bytes;
};

struct ahead {
    struct store *store;
    struct ahead_item *item;
    size_t n;
    pthread_t thread[THREADS];
    size_t n_threads;
    pthread_mutex_t lock;
    pthread_cond_t read, room; /* something was read; there is room again */
    bool ends, waits;          /* who asks waits for `read` */
    size_t begun, taken;       /* items so far */
    struct slot slot[ROOM];    /* of item i: i % ROOM */
};

/* Exactly its bytes; one more would be too many. */
static bool read_all(int fd, size_t size, struct buf *to)
{
    ssize_t k;

    buf_reserve(to, size + 2);
    do {
        k = io_read(fd, to->s + to->len, size + 1 - to->len);
        to->len += k > 0 ? (size_t)k : 0;
    } while (k > 0 && to->len < size);
    to->s[to->len] = '\0';
    return k >= 0 && to->len == size;
}

static bool read_object(const struct ahead *a, const struct ahead_item *item,
                        struct buf *path, struct buf *to)
{
    struct digest d;
    bool right;
    int fd;

    buf_reset(path);
    buf_reset(to);
    layout_object(a->store, item->id, path);
    fd = io_openat(a->store->dir, layout_below(a->store, path),
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    right = read_all(fd, (size_t)item->size, to);
    io_close(fd);
    if (!right)
        return false;
    digest_bytes(&d, to->s, to->len);
    return digest_equal(&d, item->id);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A slot is touched by one thread between being begun and being done. */
static void *read_on(void *self)
{
    struct ahead *a = self;
    struct buf path = { 0 };

    pthread_mutex_lock(&a->lock);
    for (;;) {
        size_t from, to;

        while (!a->ends && a->begun < a->n && a->begun - a->taken == ROOM)
            pthread_cond_wait(&a->room, &a->lock);
        if (a->ends || a->begun == a->n)
            break;
        from = a->begun;
        to = smaller(smaller(from + BATCH, a->taken + ROOM), a->n);
        a->begun = to;
        pthread_mutex_unlock(&a->lock);
        for (size_t i = from; i < to; i++)
            a->slot[i % ROOM].right =
                a->item[i].size <= AHEAD_MAX &&
                read_object(a, &a->item[i], &path, &a->slot[i % ROOM].bytes);
        pthread_mutex_lock(&a->lock);
        for (size_t i = from; i < to; i++)
            a->slot[i % ROOM].done = true;
        if (a->waits)
            pthread_cond_signal(&a->read);
    }
    pthread_mutex_unlock(&a->lock);
    buf_release(&path);
    return NULL;
}

struct ahead *ahead_new(struct store *st, const struct ahead_item *item, size_t n)
{
    struct ahead *a;

    if (n < WORTH)
        return NULL;
    a = xcalloc(1, sizeof *a);
    a->store = st;
    a->item = xmalloc(n * sizeof *item);
    memcpy(a->item, item, n * sizeof *item);
    a->n = n;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->read, NULL);
    pthread_cond_init(&a->room, NULL);
    while (a->n_threads < THREADS && thread_start(&a->thread[a->n_threads], read_on, a))
        a->n_threads++;
    if (a->n_threads > 0)
        return a;
    ahead_free(a);
    return NULL;
}

/* Waits for the next item, which is then nobody's. */
static struct slot *next(struct ahead *a)
{
    struct slot *s = &a->slot[a->taken % ROOM];

    a->waits = true;
    while (!s->done)
        pthread_cond_wait(&a->read, &a->lock);
    a->waits = false;
    return s;
}

static void pass(struct ahead *a, struct slot *s)
{
    s->done = false;
    a->taken++;
    if (a->begun - a->taken == ROOM / 2)
        pthread_cond_broadcast(&a->room);
}

bool ahead_take(struct ahead *a, const struct digest *id, struct buf *to)
{
    bool found = false, right = false;

    if (!a)
        return false;
    pthread_mutex_lock(&a->lock);
    while (!found && a->taken < a->n) {
        struct slot *s = next(a);

        found = digest_equal(a->item[a->taken].id, id);
        right = found && s->right;
        if (right) {
            struct buf was = *to;

            *to = s->bytes;
            s->bytes = was;
        }
        pass(a, s);
    }
    pthread_mutex_unlock(&a->lock);
    return right;
}

void ahead_free(struct ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->ends = true;
    pthread_cond_broadcast(&a->room);
    pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < a->n_threads; i++)
        pthread_join(a->thread[i], NULL);
    for (size_t i = 0; i < ROOM; i++)
        buf_release(&a->slot[i].bytes);
    pthread_cond_destroy(&a->read);
    pthread_cond_destroy(&a->room);
    pthread_mutex_destroy(&a->lock);
    free(a->item);
    free(a);
}
