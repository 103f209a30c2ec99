#include "work.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call.h"
#include "copy.h"
#include "memory.h"
#include "setting.h"
#include "told.h"

enum state { QUEUED, RUNNING, DONE };

struct work {
    int refs;
    enum state state;
    uint64_t number; /* in the order of queueing */
    struct deed *deed;
    struct works before; /* until it is done */
    struct work **after; /* borrowed: they have us in before */
    size_t n_after, cap_after, n_before;
    bool wanted;
    double when;
    struct work *earlier, *later; /* of all that is not done */
};

static struct work *oldest, *newest;

static void *grown(void *p, size_t n)
{
    p = realloc(p, n);
    if (p == NULL)
        told_stop("out of memory for the double itself");
    return p;
}

struct deed *deed_new(void (*run)(void *payload), const void *payload, size_t size)
{
    struct deed *d = aligned_alloc(64, (sizeof *d + size + 63) / 64 * 64);

    if (d == NULL)
        told_stop("out of memory for the double itself");
    memset(d, 0, sizeof *d + size);
    d->refs = 1;
    d->name = call_name();
    d->device = call_device();
    d->run = run;
    d->size = size;
    if (payload != NULL)
        memcpy(d->payload, payload, size);
    return d;
}

void deed_touches(struct deed *d, const void *at, size_t n, const char *what)
{
    if (n == 0)
        return;
    if (d->n_spans == MOST_SPANS)
        told_stop("the double: more than %d spans", MOST_SPANS);
    d->span[d->n_spans++] = (struct span){ at, n, what };
}

void deed_check(const struct deed *d)
{
    for (int i = 0; i < d->n_spans; i++)
        if (!memory_has(d->device, d->span[i].at, d->span[i].n))
            told_stop("%s: %s of %zu bytes on device %d is %s", d->name, d->span[i].what,
                      d->span[i].n, d->device, memory_words(d->span[i].at));
}

struct deed *deed_ref(struct deed *d)
{
    d->refs++;
    return d;
}

void deed_drop(struct deed *d)
{
    if (d == NULL || --d->refs > 0)
        return;
    if (d->drop != NULL)
        d->drop(d->payload);
    free(d);
}

void works_add(struct works *of, struct work *w)
{
    if (work_done(w))
        return;
    for (size_t i = 0; i < of->n; i++)
        if (of->w[i] == w)
            return;
    if (of->n == of->cap) {
        of->cap = 2 * of->cap + 4;
        of->w = grown(of->w, of->cap * sizeof *of->w);
    }
    of->w[of->n++] = work_ref(w);
}

void works_add_all(struct works *of, const struct works *from)
{
    for (size_t i = 0; i < from->n; i++)
        works_add(of, from->w[i]);
}

void works_clear(struct works *of)
{
    for (size_t i = 0; i < of->n; i++)
        work_drop(of->w[i]);
    free(of->w);
    *of = (struct works){ 0 };
}

static void follow(struct work *w, struct work *before)
{
    if (before->n_after == before->cap_after) {
        before->cap_after = 2 * before->cap_after + 2;
        before->after =
            grown(before->after, before->cap_after * sizeof *before->after);
    }
    before->after[before->n_after++] = w;
    w->n_before++;
}

struct work *work_queue(struct deed *d, const struct works *after)
{
    static uint64_t numbers;
    struct work *w = grown(NULL, sizeof *w);

    *w = (struct work){ .refs = 2, .deed = d, .number = numbers++, .earlier = newest };
    if (newest != NULL)
        newest->later = w;
    else
        oldest = w;
    newest = w;
    works_add_all(&w->before, after);
    for (size_t i = 0; i < w->before.n; i++)
        follow(w, w->before.w[i]);
    return w;
}

struct work *work_ref(struct work *w)
{
    w->refs++;
    return w;
}

void work_drop(struct work *w)
{
    if (w == NULL || --w->refs > 0)
        return;
    free(w->after);
    free(w);
}

bool work_done(const struct work *w)
{
    return w == NULL || w->state == DONE;
}

double work_when(const struct work *w)
{
    return w->when;
}

static void finish(struct work *w)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    w->when = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    w->state = DONE;
    for (size_t i = 0; i < w->n_after; i++)
        w->after[i]->n_before--;
    *(w->earlier != NULL ? &w->earlier->later : &oldest) = w->later;
    *(w->later != NULL ? &w->later->earlier : &newest) = w->earlier;
    works_clear(&w->before);
    deed_drop(w->deed);
    w->deed = NULL;
    call_wake();
    work_drop(w);
}

/* Of the work that this thread runs. */
static __thread bool again, awaited;

void work_again(void)
{
    again = true;
}

bool work_is_awaited(void)
{
    return awaited;
}

static void perform(struct work *w)
{
    w->state = RUNNING;
    again = false;
    if (w->deed != NULL) {
        deed_check(w->deed);
        w->deed->run(w->deed->payload);
    }
    if (again)
        w->state = QUEUED;
    else
        finish(w);
}

/* All that w takes and is not done, itself included. */
static void want(struct works *wanted, struct work *w)
{
    struct works stack = { 0 };

    works_add(&stack, w);
    while (stack.n > 0) {
        struct work *top = stack.w[--stack.n];
        if (!top->wanted && !work_done(top)) {
            top->wanted = true;
            if (wanted->n == wanted->cap) {
                wanted->cap = 2 * wanted->cap + 64;
                wanted->w = grown(wanted->w, wanted->cap * sizeof *wanted->w);
            }
            wanted->w[wanted->n++] = work_ref(top);
            for (size_t i = 0; i < top->before.n; i++)
                works_add(&stack, top->before.w[i]);
        }
        work_drop(top);
    }
    free(stack.w);
}

static int by_number(const void *a, const void *b)
{
    const struct work *const *v = a, *const *w = b;

    return (*v)->number < (*w)->number ? -1 : (*v)->number > (*w)->number;
}

static bool ready(const struct work *w)
{
    return w->state == QUEUED && w->n_before == 0;
}

/* One of what may run now; NULL: what is left waits for another thread. */
static struct work *choose(const struct works *of, size_t from)
{
    static uint64_t turn;
    size_t found[64], n = 0;

    if (setting()->streams == DESCENDING) {
        for (size_t i = of->n; i > from; i--)
            if (ready(of->w[i - 1]))
                return of->w[i - 1];
        return NULL;
    }
    for (size_t i = from; i < of->n && n < 64; i++) {
        if (!ready(of->w[i]))
            continue;
        if (setting()->streams == ASCENDING)
            return of->w[i];
        found[n++] = i;
    }
    return n == 0 ? NULL : of->w[found[walk_in(SHUFFLED, setting()->seed + turn++, n).at]];
}

/* Does all of it, or one piece. */
static void do_all(struct works *wanted, bool one)
{
    size_t first = 0;

    qsort(wanted->w, wanted->n, sizeof *wanted->w, by_number);
    for (size_t i = 0; i < wanted->n; i++)
        wanted->w[i]->wanted = false;
    memory_open();
    for (;;) {
        struct work *w;
        while (first < wanted->n && work_done(wanted->w[first]))
            first++;
        if (first == wanted->n)
            break;
        w = choose(wanted, first);
        if (w != NULL) {
            awaited = !one;
            perform(w);
        } else if (!one) {
            memory_close();
            call_wait();
            memory_open();
        }
        if (one)
            break;
    }
    memory_close();
}

static void demand(const struct works *of, bool one)
{
    struct works wanted = { 0 };

    for (size_t i = 0; i < of->n; i++)
        want(&wanted, of->w[i]);
    if (wanted.n > 0)
        do_all(&wanted, one);
    works_clear(&wanted);
}

void work_demand_all(const struct works *of)
{
    demand(of, false);
}

void work_demand(struct work *w)
{
    struct works of = { .w = &w, .n = w != NULL };

    demand(&of, false);
}

void work_advance(struct work *w)
{
    struct works of = { .w = &w, .n = w != NULL };

    demand(&of, true);
}

void work_of_device(int device, struct works *of)
{
    for (struct work *w = oldest; w != NULL; w = w->later)
        if (w->deed != NULL && w->deed->device == device)
            works_add(of, w);
}

void work_check_host(const void *p, size_t n)
{
    for (struct work *w = oldest; w != NULL; w = w->later)
        if (w->deed != NULL && copy_touches_host(w->deed, p, n))
            told_stop("%s was given memory that a queued %s is still to use",
                      call_name(), w->deed->name);
}
