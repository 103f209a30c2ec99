#include "http_wide.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "http_call.h"
#include "larder/mem.h"
#include "url.h"

#include "larder/banned.h"

enum {
    PIECES = 8, /* under way at once, or waiting for one before them */
    PIECE = 2 << 20,
    WIDE_MIN = 16 << 20,
    POLL_MS = 1000
};

struct piece {
    struct call call;
    struct http_request q;
    struct http_answer a;
    struct remote_part part;
    struct sink_text bytes;
    struct remote_sink to;
    int hops;
    bool under_way, whole;
};

struct wide {
    struct http *h;
    const struct http_request *q;
    struct piece piece[PIECES]; /* number i is in place i % PIECES */
    long long n, next, begun;   /* all; the next for the sink; how many were begun */
    bool failed;
};

bool http_is_wide(const struct http_request *q)
{
    return q->to && q->part && q->part->size >= WIDE_MIN &&
           !url_host_is_local(url_host(q->url));
}

static void let_go(struct wide *w, struct piece *p)
{
    if (p->under_way)
        w->h->lib->multi_remove_handle(w->h->multi, p->call.curl);
    p->under_way = false;
}

static void ask(struct wide *w, struct piece *p)
{
    if (call_begin(&p->call) == 0) {
        w->h->lib->setopt(p->call.curl, CURLOPT_PRIVATE, p);
        p->under_way = w->h->lib->multi_add_handle(w->h->multi, p->call.curl) == CURLM_OK;
    }
    w->failed |= !p->under_way;
}

static void begin(struct wide *w, long long number)
{
    struct piece *p = &w->piece[number % PIECES];
    long long from = number * PIECE, left = w->q->part->size - from;

    p->part =
        (struct remote_part){ w->q->part->from + from, left < PIECE ? left : PIECE };
    p->bytes.max = PIECE;
    buf_reset(&p->bytes.text);
    p->to = sink_to_text(&p->bytes);
    p->q = *w->q;
    p->q.part = &p->part;
    p->q.to = &p->to;
    p->call.h = w->h;
    p->call.q = &p->q;
    p->call.a = &p->a;
    p->call.taken = 0;
    p->call.only_part = true;
    p->hops = 0;
    p->whole = false;
    call_lead(&p->call, p->q.url);
    ask(w, p);
}

static bool can_begin(const struct wide *w)
{
    return w->begun < w->n && w->begun < w->next + PIECES;
}

static void end(struct wide *w, struct piece *p, CURLcode done)
{
    int rc = call_end(&p->call, done);

    let_go(w, p);
    if (rc == CALL_MOVED && ++p->hops <= HTTP_REDIRECTS)
        ask(w, p);
    else if (rc == 0 && p->call.taken == p->part.size)
        p->whole = true;
    else
        w->failed = true;
}

/* Those that have come, in their order. */
static int hand_over(struct wide *w, long long *taken, struct error *err)
{
    int rc = 0;

    while (rc == 0 && w->next < w->begun && w->piece[w->next % PIECES].whole) {
        struct piece *p = &w->piece[w->next % PIECES];

        rc = w->q->to->take(w->q->to->self, p->bytes.text.s, p->bytes.text.len, err);
        *taken += p->part.size;
        p->whole = false;
        w->next++;
    }
    return rc;
}

/* Lets libcurl do what it can at this moment. */
static void perform(struct wide *w)
{
    const struct libcurl *lib = w->h->lib;
    CURLMsg *said;
    int running, left;

    w->failed |= lib->multi_perform(w->h->multi, &running) != CURLM_OK;
    while ((said = lib->multi_info_read(w->h->multi, &left))) {
        void *piece = NULL;

        lib->getinfo(said->easy_handle, CURLINFO_PRIVATE, &piece);
        if (said->msg == CURLMSG_DONE)
            end(w, piece, said->data.result);
    }
}

int http_send_wide(struct http *h, const struct http_request *q, long long *taken,
                   struct error *err)
{
    struct wide *w = xcalloc(1, sizeof *w);
    int rc = 0;

    w->h = h;
    w->q = q;
    w->n = (q->part->size + PIECE - 1) / PIECE;
    while (rc == 0 && w->next < w->n && !w->failed) {
        while (can_begin(w) && !w->failed)
            begin(w, w->begun++);
        perform(w);
        rc = hand_over(w, taken, err);
        if (rc == 0 && w->next < w->n && !w->failed && !can_begin(w) &&
            h->lib->multi_poll(h->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
            w->failed = true;
    }
    if (rc == 0 && w->next < w->n)
        rc = HTTP_REST;
    for (size_t i = 0; i < PIECES; i++) {
        struct piece *p = &w->piece[i];

        let_go(w, p);
        if (p->call.h)
            call_release(&p->call);
        http_answer_release(&p->a);
        buf_release(&p->bytes.text);
    }
    free(w);
    return rc;
}
