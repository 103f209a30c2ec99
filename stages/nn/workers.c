#include "nn/workers.h"

#include <pthread.h>
#include <signal.h>

#include "larder/banned.h"
#include "larder/mem.h"

struct worker {
    struct workers *all;
    pthread_t thread;
    int number;
};

struct workers {
    int threads; /* the caller included */
    int started; /* threads made, without the caller */
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    unsigned long round; /* how often work was given out */
    int busy;            /* threads that have not finished this round */
    int closing;
    int n; /* of this round */
    void (*work)(void *context, int item);
    void *context;
    struct worker *worker;
};

static void do_share(const struct workers *w, int number)
{
    for (int i = number; i < w->n; i += w->threads)
        w->work(w->context, i);
}

static void *worker_main(void *arg)
{
    struct worker *me = arg;
    struct workers *w = me->all;
    unsigned long done = 0;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->round == done && !w->closing)
            pthread_cond_wait(&w->begin, &w->lock);
        if (w->closing)
            break;
        done = w->round;
        pthread_mutex_unlock(&w->lock);
        do_share(w, me->number);
        pthread_mutex_lock(&w->lock);
        if (--w->busy == 0)
            pthread_cond_signal(&w->end);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int workers_open(struct workers **w, int threads, struct error *err)
{
    struct workers *p = xcalloc(1, sizeof *p);
    sigset_t every, former;
    int rc = 0;

    p->threads = threads;
    p->worker = xcalloc((size_t)threads, sizeof *p->worker);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begin, NULL);
    pthread_cond_init(&p->end, NULL);
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &former);
    for (int i = 1; i < threads && rc == 0; i++) {
        p->worker[i] = (struct worker){ .all = p, .number = i };
        rc = pthread_create(&p->worker[i].thread, NULL, worker_main, &p->worker[i]);
        p->started += rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (rc != 0) {
        workers_close(p);
        return error_set(err, E_SYSTEM, "starting a thread: error %d", rc);
    }
    *w = p;
    return 0;
}

void workers_close(struct workers *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = 1;
    pthread_cond_broadcast(&w->begin);
    pthread_mutex_unlock(&w->lock);
    for (int i = 1; i <= w->started; i++)
        pthread_join(w->worker[i].thread, NULL);
    pthread_cond_destroy(&w->end);
    pthread_cond_destroy(&w->begin);
    pthread_mutex_destroy(&w->lock);
    free(w->worker);
    free(w);
}

void workers_run(struct workers *w, int n, void (*work)(void *context, int item),
                 void *context)
{
    pthread_mutex_lock(&w->lock);
    w->n = n;
    w->work = work;
    w->context = context;
    w->busy = w->started;
    w->round++;
    pthread_cond_broadcast(&w->begin);
    pthread_mutex_unlock(&w->lock);
    do_share(w, 0);
    pthread_mutex_lock(&w->lock);
    while (w->busy > 0)
        pthread_cond_wait(&w->end, &w->lock);
    pthread_mutex_unlock(&w->lock);
}
