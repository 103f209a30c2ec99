/*
 * A web server: GET, HEAD and PUT of files below an address, and nothing else. Any server
 * of static files will do to read from; one that takes PUT (WebDAV, or `If-None-Match` at
 * an object store) to write to.
 *
 * The connection stays open between requests. A body that breaks off is asked for from
 * there on. 408, 429 and 5xx are tried again after a pause; redirects lead to the same
 * scheme or to https, five at most in a row. Proxies are those of the environment, names
 * and passwords those of ~/.netrc; certificates are always checked.
 */
#include "remote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "larder/buf.h"
#include "larder/mem.h"
#include "libcurl.h"

#include "larder/banned.h"

enum {
    CONNECT_S = 5,
    STALL_S = 20, /* less than a byte a second for so long is a broken connection */
    REDIRECTS = 5,
    BUFFER = 512 << 10, /* bytes that are taken or given at once, at most */
    TRIES = 4,          /* in a row that bring no new byte */
    PAUSE_S = 30        /* whoever asks for a longer one is left */
};

/* What becomes of one request, besides the REMOTE_ values. */
enum { AGAIN = 10, MOVED = 11 };

struct http {
    struct remote remote;
    char *base; /* without a slash at its end */
    const struct libcurl *lib;
    CURL *curl; /* keeps the connection */
};

/* One file that is asked for, or given. */
struct call {
    struct http *h;
    const char *name;
    const char *method; /* NULL: GET with a sink, PUT with a body, else HEAD */
    const struct remote_part *part;
    const struct remote_sink *to;   /* of GET */
    const struct remote_body *body; /* of PUT */
    enum remote_put how;
    struct buf held;  /* bytes for the sink: libcurl gives them in small pieces */
    long long taken;  /* bytes that the sink has, or held */
    long long skip;   /* bytes of this answer that come before what is wanted */
    long long starts; /* Content-Range of this answer, or -1 */
    bool begun;       /* this answer is what was asked for */
    long code;
    int rc; /* of the sink or body, the story in *err */
    struct error *err;
    char why[CURL_ERROR_SIZE];
};

static int away(const struct call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int away(const struct call *c, const char *fmt, ...)
{
    struct buf text = { 0 };
    va_list ap;
    int rc;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    rc = error_set(c->err, E_REMOTE, "%s/%s: %s", c->h->base, c->name, buf_str(&text));
    buf_release(&text);
    return rc;
}

static size_t take_header(char *line, size_t one, size_t len, void *self)
{
    static const char range[] = "Content-Range: bytes ";
    struct call *c = self;

    (void)one;
    if (len > 5 && !strncasecmp(line, "HTTP/", 5))
        c->starts = -1;
    if (len > sizeof range && !strncasecmp(line, range, sizeof range - 1))
        c->starts = strtoll(line + sizeof range - 1, NULL, 10);
    return len;
}

/* Before the first byte: whether this is the file, and from where on. */
static bool begin(struct call *c)
{
    long long from = (c->part ? c->part->from : 0) + c->taken;

    c->h->lib->getinfo(c->h->curl, CURLINFO_RESPONSE_CODE, &c->code);
    if (c->code == 206 && c->starts != from) {
        c->rc = away(c, "its answer begins at byte %lld, not %lld", c->starts, from);
        return false;
    }
    c->begun = c->code == 200 || c->code == 206;
    c->skip = c->code == 200 ? from : 0; /* it knows no ranges */
    return true;
}

static int hand_over(struct call *c)
{
    if (c->held.len && c->rc == 0)
        c->rc = c->to->take(c->to->self, c->held.s, c->held.len, c->err);
    buf_reset(&c->held);
    return c->rc;
}

/* Fewer bytes than there are end the request. */
static size_t take_bytes(char *bytes, size_t one, size_t n, void *self)
{
    struct call *c = self;
    size_t skip, use;

    (void)one;
    if (!c->begun && !begin(c))
        return 0;
    if (!c->begun)
        return n; /* what a server says of an error, or of where to go */
    skip = (long long)n < c->skip ? n : (size_t)c->skip;
    c->skip -= (long long)skip;
    use = n - skip;
    if (c->part && (long long)use > c->part->size - c->taken)
        use = (size_t)(c->part->size - c->taken);
    c->taken += (long long)use;
    buf_add(&c->held, bytes + skip, use);
    if (c->held.len >= BUFFER && hand_over(c) < 0)
        return 0;
    return skip + use;
}

static size_t give_bytes(char *bytes, size_t one, size_t n, void *self)
{
    struct call *c = self;
    size_t got = 0;

    c->rc = c->body->give(c->body->self, bytes, one * n, &got, c->err);
    return c->rc < 0 ? CURL_READFUNC_ABORT : got;
}

/* ---- one request ------------------------------------------------------------------- */

static void set_get(struct call *c, struct buf *range)
{
    const struct libcurl *lib = c->h->lib;
    long long from = (c->part ? c->part->from : 0) + c->taken;

    lib->setopt(c->h->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    if (!c->part && !c->taken)
        return;
    buf_printf(range, "%lld-", from);
    if (c->part)
        buf_printf(range, "%lld", c->part->from + c->part->size - 1);
    lib->setopt(c->h->curl, CURLOPT_RANGE, range->s);
}

static size_t ignore(char *bytes, size_t one, size_t n, void *self)
{
    (void)bytes;
    (void)self;
    return one * n;
}

/* New: slist_free_all(). */
static struct curl_slist *set_put(struct call *c)
{
    const struct libcurl *lib = c->h->lib;
    struct curl_slist *headers =
        lib->slist_append(NULL, "Content-Type: application/octet-stream");

    lib->setopt(c->h->curl, CURLOPT_UPLOAD, 1L);
    lib->setopt(c->h->curl, CURLOPT_READFUNCTION, give_bytes);
    lib->setopt(c->h->curl, CURLOPT_READDATA, c);
    lib->setopt(c->h->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->body->size);
    if (c->how == PUT_NEW)
        headers = lib->slist_append(headers, "If-None-Match: *");
    lib->setopt(c->h->curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

/* What the server's answer is to us. */
static int judge_code(struct call *c, struct buf *url)
{
    const char *to = NULL;
    bool secure = !strncasecmp(buf_str(url), "https:", 6);

    if (c->code >= 200 && c->code < 300)
        return REMOTE_DONE;
    if (c->code == 404 || c->code == 410)
        return REMOTE_ABSENT;
    if (c->code == 412 && c->body)
        return REMOTE_THERE;
    if (c->code < 300 || c->code >= 400)
        return c->code == 408 || c->code == 429 || c->code >= 500
                   ? AGAIN
                   : away(c, "HTTP %ld", c->code);
    c->h->lib->getinfo(c->h->curl, CURLINFO_REDIRECT_URL, &to);
    if (!to || (strncasecmp(to, "https:", 6) != 0 &&
                (secure || strncasecmp(to, "http:", 5) != 0)))
        return away(c, "it leads to %s, which is no https", to ? to : "nowhere");
    buf_reset(url);
    buf_adds(url, to);
    return MOVED;
}

static int judge(struct call *c, CURLcode done, struct buf *url)
{
    c->h->lib->getinfo(c->h->curl, CURLINFO_RESPONSE_CODE, &c->code);
    if (c->rc < 0)
        return c->rc;
    if (c->begun && c->part && c->taken == c->part->size)
        return REMOTE_DONE;
    if (done == CURLE_OK && c->begun && c->part)
        return away(c, "it has fewer bytes than it should");
    if (done == CURLE_OK || (c->code >= 300 && !c->begun))
        return judge_code(c, url);
    if (c->code > 0 || done == CURLE_GOT_NOTHING || done == CURLE_RECV_ERROR ||
        done == CURLE_SEND_ERROR)
        return AGAIN;
    return away(c, "%s", *c->why ? c->why : c->h->lib->strerror(done));
}

static int request(struct call *c, struct buf *url)
{
    const struct libcurl *lib = c->h->lib;
    CURL *curl = c->h->curl;
    struct curl_slist *headers = NULL;
    struct buf range = { 0 };
    CURLcode done;
    int rc;

    c->begun = false;
    c->code = 0;
    c->rc = 0;
    c->why[0] = '\0';
    lib->reset(curl);
    lib->setopt(curl, CURLOPT_URL, buf_str(url));
    lib->setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    lib->setopt(curl, CURLOPT_USERAGENT, "larder");
    lib->setopt(curl, CURLOPT_NOSIGNAL, 1L);
    lib->setopt(curl, CURLOPT_BUFFERSIZE, (long)BUFFER);
    lib->setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER);
    lib->setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    lib->setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    lib->setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    lib->setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    lib->setopt(curl, CURLOPT_ERRORBUFFER, c->why);
    lib->setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    lib->setopt(curl, CURLOPT_HEADERDATA, c);
    lib->setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    lib->setopt(curl, CURLOPT_WRITEDATA, c);
    if (c->to)
        set_get(c, &range);
    else if (c->body)
        headers = set_put(c);
    else if (c->method)
        lib->setopt(curl, CURLOPT_CUSTOMREQUEST, c->method);
    else
        lib->setopt(curl, CURLOPT_NOBODY, 1L);
    done = lib->perform(curl);
    if (c->to)
        hand_over(c);
    rc = judge(c, done, url);
    lib->slist_free_all(headers);
    buf_release(&range);
    return rc;
}

/* ---- all of them ------------------------------------------------------------------- */

/* Waits as long as the server asks, or longer each time. False: too long for us. */
static bool wait_for(const struct call *c, int tries)
{
    curl_off_t pause = 0;
    struct timespec t;

    c->h->lib->getinfo(c->h->curl, CURLINFO_RETRY_AFTER, &pause);
    if (pause > PAUSE_S)
        return false;
    clock_gettime(CLOCK_REALTIME, &t); /* not all clients come at once */
    pause = pause > 0 ? pause * 1000 : (250 + t.tv_nsec / 1000 % 250) << tries;
    t = (struct timespec){ (time_t)(pause / 1000), (long)(pause % 1000) * 1000000 };
    nanosleep(&t, NULL);
    return true;
}

static int run(struct call *c)
{
    struct buf url = { 0 };
    int rc = AGAIN;

    for (int tries = 0; rc == AGAIN; tries++) {
        long long had = c->taken;

        buf_reset(&url);
        buf_printf(&url, "%s/%s", c->h->base, c->name);
        rc = request(c, &url);
        for (int hops = 0; rc == MOVED && hops < REDIRECTS; hops++) {
            if (c->body)
                c->body->again(c->body->self);
            rc = request(c, &url);
        }
        if (rc == MOVED)
            rc = away(c, "it leads on and on");
        if (c->taken > had)
            tries = 0;
        if (rc == AGAIN && (tries + 1 >= TRIES || !wait_for(c, tries)))
            rc = c->code > 0 && !c->begun
                     ? away(c, "HTTP %ld", c->code)
                     : away(c, "%s", *c->why ? c->why : "it breaks off");
        if (rc == AGAIN && c->body)
            c->body->again(c->body->self);
    }
    buf_release(&c->held);
    buf_release(&url);
    return rc;
}

static int get(struct remote *r, const char *name, const struct remote_part *part,
               const struct remote_sink *to, struct error *err)
{
    struct call c = {
        .h = (struct http *)r, .name = name, .part = part, .to = to, .err = err
    };
    int rc = run(&c);

    /* An object store that does not let us list says so of what is not there. */
    if (rc == E_REMOTE && c.code == 403 && strchr(name, '/'))
        rc = REMOTE_ABSENT;
    return rc;
}

static int has(struct remote *r, const char *name, long long *size, struct error *err)
{
    struct call c = { .h = (struct http *)r, .name = name, .err = err };
    curl_off_t length = -1;
    int rc = run(&c);

    *size = -1;
    if (rc != REMOTE_DONE)
        return rc == E_REMOTE && c.code == 403 && strchr(name, '/') ? REMOTE_ABSENT : rc;
    c.h->lib->getinfo(c.h->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    *size = length;
    return REMOTE_THERE;
}

/* WebDAV wants folders before files. That one is there already is no error. */
static void make_folders(struct http *h, const char *name)
{
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *folder = xstrndup(name, (size_t)(slash + 1 - name));
        struct call c = { .h = h, .name = folder, .method = "MKCOL" };

        run(&c);
        free(folder);
    }
}

static int put(struct remote *r, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err)
{
    struct call c = {
        .h = (struct http *)r, .name = name, .body = body, .how = how, .err = err
    };
    int rc = run(&c);

    if (rc == REMOTE_ABSENT || (rc == E_REMOTE && c.code == 409)) {
        make_folders(c.h, name);
        body->again(body->self);
        rc = run(&c);
    }
    if (rc == REMOTE_ABSENT || (rc == E_REMOTE && c.code == 405))
        rc =
            away(&c, "HTTP %ld: it takes no PUT, so nothing can be pushed there", c.code);
    return rc;
}

static void close_http(struct remote *r)
{
    struct http *h = (struct http *)r;

    if (!h)
        return;
    if (h->curl)
        h->lib->cleanup(h->curl);
    free(h->base);
    free(h);
}

static int open_http(struct remote **r, const struct remote_kind *kind, const char *place,
                     struct error *err)
{
    struct http *h = xcalloc(1, sizeof *h);
    struct buf base = { 0 };
    int rc = libcurl_open(&h->lib, err);

    *r = NULL;
    h->remote.kind = kind;
    buf_printf(&base, "%s%s", kind->scheme, place);
    while (base.len && base.s[base.len - 1] == '/')
        buf_cut(&base, base.len - 1);
    h->base = buf_take(&base);
    if (rc == 0 && (h->curl = h->lib->init()) == NULL)
        rc = error_set(err, E_SYSTEM, "libcurl cannot begin");
    if (rc < 0)
        close_http(&h->remote);
    else
        *r = &h->remote;
    return rc;
}

static int open_plain(struct remote **r, const char *place, struct error *err)
{
    return open_http(r, &remote_http, place, err);
}

static int open_secure(struct remote **r, const char *place, struct error *err)
{
    return open_http(r, &remote_https, place, err);
}

const struct remote_kind remote_http = {
    .scheme = "http:",
    .packs = true,
    .open = open_plain,
    .close = close_http,
    .get = get,
    .put = put,
    .has = has,
};
const struct remote_kind remote_https = {
    .scheme = "https:",
    .packs = true,
    .open = open_secure,
    .close = close_http,
    .get = get,
    .put = put,
    .has = has,
};
