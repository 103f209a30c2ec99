/*
 * A web server: GET, HEAD and PUT of files below an address, and nothing else. Any server
 * of static files will do to read from; one that takes PUT (WebDAV, or `If-None-Match` at
 * an object store) to write to.
 */
#include "remote.h"

#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "larder/buf.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct web {
    struct remote remote;
    struct http *http;
    char *base; /* without a slash at its end */
};

/* A name there as a URL, which is borrowed until the next one. */
static const char *url_of(const struct web *w, const char *name, struct buf *url)
{
    buf_reset(url);
    buf_printf(url, "%s/%s", w->base, name);
    return url->s;
}

/* What an answer comes to. */
static int judge(const struct http_request *q, const struct http_answer *a,
                 struct error *err)
{
    return a->code == 412 && q->body ? REMOTE_THERE : http_judge(q, a, err);
}

/* The same; *code is the server's. */
static int ask(struct web *w, const struct http_request *q, long *code, struct error *err)
{
    struct http_answer a;
    int rc = http_send(w->http, q, &a, err);

    *code = a.code;
    if (rc == 0)
        rc = judge(q, &a, err);
    http_answer_release(&a);
    return rc;
}

static int get(struct remote *r, const char *name, const struct remote_part *part,
               const struct remote_sink *to, struct error *err)
{
    struct web *w = (struct web *)r;
    struct buf url = { 0 };
    const struct http_request q = {
        .method = "GET", .url = url_of(w, name, &url), .part = part, .to = to
    };
    long code;
    int rc = ask(w, &q, &code, err);

    /* An object store that does not let us list says so of what is not there. */
    if (rc == E_REMOTE && code == 403 && strchr(name, '/'))
        rc = REMOTE_ABSENT;
    buf_release(&url);
    return rc;
}

static int has(struct remote *r, const char *name, long long *size, struct error *err)
{
    struct web *w = (struct web *)r;
    struct buf url = { 0 };
    const struct http_request q = { .method = "HEAD", .url = url_of(w, name, &url) };
    struct http_answer a;
    int rc = http_send(w->http, &q, &a, err);

    if (rc == 0)
        rc = judge(&q, &a, err);
    if (rc == E_REMOTE && a.code == 403 && strchr(name, '/'))
        rc = REMOTE_ABSENT;
    *size = rc == REMOTE_DONE ? a.size : -1;
    http_answer_release(&a);
    buf_release(&url);
    return rc == REMOTE_DONE ? REMOTE_THERE : rc;
}

/* WebDAV wants folders before files. That one is there already is no error. */
static void make_folders(struct web *w, const char *name)
{
    struct buf url = { 0 };

    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *folder = xstrndup(name, (size_t)(slash + 1 - name));
        const struct http_request q = { .method = "MKCOL",
                                        .url = url_of(w, folder, &url) };
        long code;

        ask(w, &q, &code, NULL);
        free(folder);
    }
    buf_release(&url);
}

static int put(struct remote *r, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err)
{
    struct web *w = (struct web *)r;
    struct buf url = { 0 };
    const struct http_request q = {
        .method = "PUT",
        .url = url_of(w, name, &url),
        .header = { "Content-Type: application/octet-stream",
                    how == PUT_NEW ? "If-None-Match: *" : NULL },
        .body = body,
    };
    long code;
    int rc = ask(w, &q, &code, err);

    if (rc == REMOTE_ABSENT || (rc == E_REMOTE && code == 409)) {
        make_folders(w, name);
        body->again(body->self);
        rc = ask(w, &q, &code, err);
    }
    if (rc == REMOTE_ABSENT || (rc == E_REMOTE && code == 405))
        rc = error_set(err, E_REMOTE,
                       "%s: HTTP %ld: it takes no PUT, so nothing can be pushed there",
                       q.url, code);
    buf_release(&url);
    return rc;
}

static void close_web(struct remote *r)
{
    struct web *w = (struct web *)r;

    http_close(w->http);
    free(w->base);
    free(w);
}

static int open_web(struct remote **r, const struct remote_kind *kind, const char *place,
                    struct error *err)
{
    struct web *w = xcalloc(1, sizeof *w);
    struct buf base = { 0 };
    int rc = http_open(&w->http, err);

    w->remote.kind = kind;
    buf_printf(&base, "%s%s", kind->scheme, place);
    while (base.len && base.s[base.len - 1] == '/')
        buf_cut(&base, base.len - 1);
    w->base = buf_take(&base);
    *r = &w->remote;
    if (rc < 0) {
        close_web(*r);
        *r = NULL;
    }
    return rc;
}

static int open_plain(struct remote **r, const char *place, struct error *err)
{
    return open_web(r, &remote_http, place, err);
}

static int open_secure(struct remote **r, const char *place, struct error *err)
{
    return open_web(r, &remote_https, place, err);
}

const struct remote_kind remote_http = {
    .scheme = "http:",
    .packs = true,
    .open = open_plain,
    .close = close_web,
    .get = get,
    .put = put,
    .has = has,
};
const struct remote_kind remote_https = {
    .scheme = "https:",
    .packs = true,
    .open = open_secure,
    .close = close_web,
    .get = get,
    .put = put,
    .has = has,
};
