#include "http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http_call.h"
#include "http_wide.h"
#include "larder/mem.h"
#include "url.h"
#include "xml.h"

#include "larder/banned.h"

enum {
    TRIES = 4,   /* in a row that bring no new byte, or only a few slowly */
    PAUSE_S = 30 /* whoever asks for a longer one is left */
};

int http_open(struct http **to, struct error *err)
{
    struct http *h = xcalloc(1, sizeof *h);
    int rc = libcurl_open(&h->lib, err);

    if (rc == 0 && (h->multi = h->lib->multi_init()) == NULL)
        rc = error_set(err, E_SYSTEM, "libcurl cannot begin");
    if (rc < 0) {
        free(h);
        h = NULL;
    }
    *to = h;
    return rc;
}

void http_close(struct http *h)
{
    if (h)
        h->lib->multi_cleanup(h->multi);
    free(h);
}

/* ---- answers ----------------------------------------------------------------------- */

void http_answer_release(struct http_answer *a)
{
    buf_release(&a->header);
    buf_release(&a->text);
    *a = (struct http_answer){ 0 };
}

bool http_header(const struct http_answer *a, const char *name, struct buf *to)
{
    size_t n = strlen(name);

    for (const char *line = buf_str(&a->header); *line;) {
        const char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) : strlen(line);

        if (len > n && line[n] == ':' && !strncasecmp(line, name, n)) {
            const char *value = line + n + 1, *stop = line + len;

            while (value < stop && isspace((unsigned char)*value))
                value++;
            while (stop > value && isspace((unsigned char)stop[-1]))
                stop--;
            buf_reset(to);
            buf_add(to, value, (size_t)(stop - value));
            return true;
        }
        line += len + (end != NULL);
    }
    return false;
}

/* A page is for people with a browser; XML and JSON say what is wrong. */
static bool is_page(const struct http_answer *a)
{
    const char *s = buf_str(&a->text);

    return !strncasecmp(s, "<html", 5) || !strncasecmp(s, "<!doctype html", 14);
}

/* Of XML its code and its message, where it has them; else all of it. */
static void read_said(const struct http_answer *a, struct buf *to)
{
    struct buf code = { 0 }, message = { 0 };
    const char *at = buf_str(&a->text);

    if (xml_next(&at, "Code", &code) && xml_next(&at, "Message", &message))
        buf_printf(to, "%s: %s", buf_str(&code), buf_str(&message));
    else if (!is_page(a))
        buf_adds(to, buf_str(&a->text));
    buf_release(&code);
    buf_release(&message);
}

/* What an object store or a registry says, on one line. */
int http_refused(const struct http_request *q, const struct http_answer *a,
                 struct error *err)
{
    struct buf said = { 0 }, text = { 0 };
    int rc;

    read_said(a, &said);
    for (size_t i = 0; i < said.len && text.len < 300; i++) {
        unsigned char c = (unsigned char)said.s[i];

        if (c > ' ' && c < 127)
            buf_addc(&text, (char)c);
        else if (text.len && text.s[text.len - 1] != ' ')
            buf_addc(&text, ' ');
    }
    rc = error_set(err, E_REMOTE, "%.*s: HTTP %ld%s%s", url_shown(q->url), q->url,
                   a->code, text.len ? ": " : "", buf_str(&text));
    buf_release(&said);
    buf_release(&text);
    return rc;
}

int http_judge(const struct http_request *q, const struct http_answer *a,
               struct error *err)
{
    if (a->code >= 200 && a->code < 300)
        return REMOTE_DONE;
    if (a->code == 404 || a->code == 410)
        return REMOTE_ABSENT;
    return http_refused(q, a, err);
}

/* Waits as long as the server asks, or longer each time. False: too long for us. */
static bool wait_for(const struct call *c, int tries)
{
    curl_off_t pause = 0;
    struct timespec t;

    c->h->lib->getinfo(c->curl, CURLINFO_RETRY_AFTER, &pause);
    if (pause > PAUSE_S)
        return false;
    clock_gettime(CLOCK_REALTIME, &t); /* not all clients come at once */
    pause = pause > 0 ? pause * 1000 : (250 + t.tv_nsec / 1000 % 250) << tries;
    t = (struct timespec){ (time_t)(pause / 1000), (long)(pause % 1000) * 1000000 };
    nanosleep(&t, NULL);
    return true;
}

/* curl_easy_perform(), but for the connections, which stay with us. */
static CURLcode perform(struct http *h, CURL *curl)
{
    const struct libcurl *lib = h->lib;
    CURLMcode rc = lib->multi_add_handle(h->multi, curl);
    CURLcode done = CURLE_FAILED_INIT;
    CURLMsg *said;
    int n = 1;

    while (rc == CURLM_OK && n > 0) {
        rc = lib->multi_perform(h->multi, &n);
        if (rc == CURLM_OK && n > 0)
            rc = lib->multi_poll(h->multi, NULL, 0, 1000, NULL);
    }
    while ((said = lib->multi_info_read(h->multi, &n)))
        if (said->msg == CURLMSG_DONE)
            done = said->data.result;
    lib->multi_remove_handle(h->multi, curl);
    return done;
}

/* One try, wherever it leads. */
static int attempt(struct call *c)
{
    int rc = CALL_MOVED;

    call_lead(c, c->q->url);
    for (int hops = 0; rc == CALL_MOVED && hops <= HTTP_REDIRECTS; hops++) {
        rc = call_begin(c);
        if (rc == 0)
            rc = call_end(c, perform(c->h, c->curl));
    }
    return rc == CALL_MOVED ? call_failed(c, "it leads on and on") : rc;
}

/* Until there is an answer, or it is not worth it any longer. */
static int insist(struct call *c)
{
    int rc = CALL_AGAIN;

    for (int tries = 0; rc == CALL_AGAIN; tries++) {
        long long had = c->taken;

        rc = attempt(c);
        if (c->taken > had && !c->stalled)
            tries = 0;
        if (rc != CALL_AGAIN || (tries + 1 < TRIES && wait_for(c, tries)))
            continue;
        rc = call_is_for_later(c->a->code)
                 ? http_refused(c->q, c->a, c->err)
                 : call_failed(c, "%s", *c->why ? c->why : "it breaks off");
    }
    return rc;
}

int http_send(struct http *h, const struct http_request *q, struct http_answer *a,
              struct error *err)
{
    struct call c = { .h = h, .q = q, .a = a, .err = err };
    int rc = HTTP_REST;

    *a = (struct http_answer){ 0 };
    if (http_is_wide(q))
        rc = http_send_wide(h, q, &c.taken, err);
    if (rc == 0)
        *a = (struct http_answer){ .code = 206, .size = q->part->size };
    else if (rc == HTTP_REST)
        rc = insist(&c);
    call_release(&c);
    return rc;
}
