#include "sidehash.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"
#include "larder/mem.h"
#include "larder/thread.h"

#include "larder/banned.h"

enum {
    SLOTS = 8,
    SLOT_SIZE = SIDEHASH_ROOM,
    SMALL = 256 << 10,
    ENOUGH = 4 /* slots that the thread is woken for: to wake it takes a while */
};

struct sidehash {
    struct hasher *hasher;
    size_t total;                /* since the last finish */
    bool alone;                  /* there can be no thread */
    bool started, ends, hurries; /* hurries: it is woken for any */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *slot; /* SLOTS of them, used in turn */
    size_t size[SLOTS];
    size_t filled, hashed; /* how many so far */
    int fd;                /* where the bytes go too, or -1 */
    int failure;           /* errno of the first write to it that failed, or 0 */
};

struct sidehash *sidehash_new(void)
{
    struct sidehash *s = xcalloc(1, sizeof *s);

    s->hasher = hasher_new();
    s->fd = -1;
    s->slot = xmalloc((size_t)SLOTS * SLOT_SIZE);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    return s;
}

/* 0, or errno of the write. */
static int take(struct sidehash *s, const void *bytes, size_t n, int failure)
{
    if (s->fd >= 0 && !failure && fs_write_all(s->fd, bytes, n) < 0)
        failure = errno;
    hasher_add(s->hasher, bytes, n);
    return failure;
}

/* A slot's bytes are not touched by others between its filling and its hashing. */
static void *hash(void *self)
{
    struct sidehash *s = self;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        size_t i = s->hashed % SLOTS;
        int failure;

        if (s->hashed == s->filled) {
            while (!s->ends && s->filled - s->hashed < (s->hurries ? 1 : ENOUGH))
                pthread_cond_wait(&s->changed, &s->lock);
            if (s->ends)
                break;
        }
        failure = s->failure;
        pthread_mutex_unlock(&s->lock);
        failure = take(s, s->slot + i * SLOT_SIZE, s->size[i], failure);
        pthread_mutex_lock(&s->lock);
        s->failure = failure;
        s->hashed++;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void start(struct sidehash *s)
{
    s->started = thread_start(&s->thread, hash, s);
    s->alone = !s->started;
}

void *sidehash_room(struct sidehash *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->filled - s->hashed == SLOTS)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return s->slot + s->filled % SLOTS * SLOT_SIZE;
}

/* True when n more bytes are for the thread. */
static bool is_for_thread(struct sidehash *s, size_t n)
{
    s->total += n;
    if (s->total > SMALL && !s->started && !s->alone)
        start(s);
    return s->total > SMALL && !s->alone;
}

static void fill_slot(struct sidehash *s, size_t n)
{
    s->size[s->filled % SLOTS] = n;
    pthread_mutex_lock(&s->lock);
    s->filled++;
    if (s->filled - s->hashed == ENOUGH)
        pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void sidehash_put(struct sidehash *s, size_t n)
{
    if (is_for_thread(s, n))
        fill_slot(s, n);
    else
        s->failure = take(s, s->slot + s->filled % SLOTS * SLOT_SIZE, n, s->failure);
}

void sidehash_add(struct sidehash *s, const void *bytes, size_t n)
{
    const char *at = bytes;

    if (!is_for_thread(s, n)) {
        s->failure = take(s, bytes, n, s->failure);
        return;
    }
    while (n) {
        size_t k = n < SLOT_SIZE ? n : SLOT_SIZE;

        memcpy(sidehash_room(s), at, k);
        fill_slot(s, k);
        at += k;
        n -= k;
    }
}

/* All that was added has been hashed. */
static void drain(struct sidehash *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->hashed != s->filled) {
        s->hurries = true;
        pthread_cond_broadcast(&s->changed);
        while (s->hashed != s->filled)
            pthread_cond_wait(&s->changed, &s->lock);
        s->hurries = false;
    }
    pthread_mutex_unlock(&s->lock);
}

void sidehash_write(struct sidehash *s, int fd)
{
    drain(s);
    s->fd = fd;
    s->failure = 0;
}

bool sidehash_failed(struct sidehash *s)
{
    pthread_mutex_lock(&s->lock);
    errno = s->failure;
    pthread_mutex_unlock(&s->lock);
    return errno != 0;
}

void sidehash_finish(struct sidehash *s, struct digest *d)
{
    drain(s);
    hasher_finish(s->hasher, d);
    s->total = 0;
    s->fd = -1;
}

void sidehash_free(struct sidehash *s)
{
    if (!s)
        return;
    if (s->started) {
        pthread_mutex_lock(&s->lock);
        s->ends = true;
        pthread_cond_signal(&s->changed);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    hasher_free(s->hasher);
    free(s->slot);
    free(s);
}
