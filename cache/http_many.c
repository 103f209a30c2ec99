#include "http.h"

#include <stdlib.h>

#include "http_call.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { POLL_MS = 1000 };

struct
try {
    struct call call;
    bool under_way, answered;
};

static void begin(struct http *h, struct try *t, const struct http_exchange *x)
{
    t->call = (struct call){ .h = h, .q = x->q, .a = x->a };
    *x->a = (struct http_answer){ 0 };
    call_lead(&t->call, x->q->url);
    if (call_begin(&t->call) < 0)
        return;
    h->lib->setopt(t->call.curl, CURLOPT_PRIVATE, t);
    t->under_way = h->lib->multi_add_handle(h->multi, t->call.curl) == CURLM_OK;
}

static void let_go(struct http *h, struct try *t)
{
    if (t->under_way)
        h->lib->multi_remove_handle(h->multi, t->call.curl);
    t->under_way = false;
}

/* Those that have come to their end. */
static void end(struct http *h)
{
    CURLMsg *said;
    int left;

    while ((said = h->lib->multi_info_read(h->multi, &left))) {
        void *self = NULL;
        struct try *t;

        h->lib->getinfo(said->easy_handle, CURLINFO_PRIVATE, &self);
        t = self;
        if (said->msg != CURLMSG_DONE)
            continue;
        t->answered = call_end(&t->call, said->data.result) == 0;
        let_go(h, t);
    }
}

/* What was not answered is sent again by itself: it is moved, or the server is busy. */
static int send_again(struct http *h, const struct http_exchange *x, struct error *err)
{
    if (x->q->body)
        x->q->body->again(x->q->body->self);
    http_answer_release(x->a);
    return http_send(h, x->q, x->a, err);
}

int http_send_many(struct http *h, const struct http_exchange *x, size_t n,
                   struct error *err)
{
    struct try *t = xcalloc(n + 1, sizeof *t);
    int running = 1, rc = 0;

    for (size_t i = 0; i < n; i++)
        begin(h, &t[i], &x[i]);
    while (running > 0 && h->lib->multi_perform(h->multi, &running) == CURLM_OK) {
        end(h);
        if (running > 0 &&
            h->lib->multi_poll(h->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
            break;
    }
    for (size_t i = 0; i < n; i++) {
        let_go(h, &t[i]);
        call_release(&t[i].call);
    }
    for (size_t i = 0; i < n && rc == 0; i++)
        if (!t[i].answered)
            rc = send_again(h, &x[i], err);
    free(t);
    return rc;
}
