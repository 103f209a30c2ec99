#include "http_call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "url.h"

#include "larder/banned.h"

enum {
    CONNECT_S = 5,
    SLOW = 1 << 10,        /* less than so many bytes a second, */
    STALL_S = 20,          /* for so long, are a broken connection */
    BUFFER = 512 << 10,    /* bytes that are taken or given at once, at most */
    HEADER_MAX = 64 << 10, /* bytes of an answer's headers that are kept, */
    TEXT_MAX = 4 << 10,    /* and of what a server says of an error; */
    SAID_MAX = 1 << 20     /* who says more is not listened to any longer */
};

int call_failed(const struct call *c, const char *fmt, ...)
{
    struct buf text = { 0 };
    va_list ap;
    int rc;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    rc = error_set(c->err, E_REMOTE, "%.*s: %s", url_shown(c->q->url), c->q->url,
                   buf_str(&text));
    buf_release(&text);
    return rc;
}

static size_t take_header(char *line, size_t one, size_t len, void *self)
{
    static const char range[] = "Content-Range: bytes ";
    struct call *c = self;

    (void)one;
    if (len > 5 && !strncasecmp(line, "HTTP/", 5)) { /* of one answer after the other */
        c->starts = -1;
        buf_reset(&c->a->header);
    }
    if (len > sizeof range && !strncasecmp(line, range, sizeof range - 1))
        c->starts = strtoll(line + sizeof range - 1, NULL, 10);
    if (c->a->header.len + len <= HEADER_MAX)
        buf_add(&c->a->header, line, len);
    return len;
}

/* Before the first byte: whether this is the file, and from where on. */
static bool begin(struct call *c)
{
    long long from = (c->q->part ? c->q->part->from : 0) + c->taken;
    long code = 0;

    c->h->lib->getinfo(c->curl, CURLINFO_RESPONSE_CODE, &code);
    c->seen = true;
    if (code == 206 && c->starts != from) {
        c->rc =
            call_failed(c, "its answer begins at byte %lld, not %lld", c->starts, from);
        return false;
    }
    if (code == 200 && from > 0 && c->only_part) {
        c->rc = call_failed(c, "it knows no ranges");
        return false;
    }
    c->begun = c->q->to && code >= 200 && code < 300;
    c->skip = code == 206 ? 0 : from; /* else it knows no ranges */
    return true;
}

static int hand_over(struct call *c)
{
    if (c->held.len && c->rc == 0)
        c->rc = c->q->to->take(c->q->to->self, c->held.s, c->held.len, c->err);
    buf_reset(&c->held);
    return c->rc;
}

/* What a server says of an error, of where to go, or of what was put. */
static size_t listen_to(struct call *c, const char *bytes, size_t n)
{
    if (c->a->text.len < TEXT_MAX)
        buf_add(&c->a->text, bytes, n < TEXT_MAX ? n : TEXT_MAX);
    c->said += n;
    return c->said <= SAID_MAX ? n : 0;
}

/* Fewer bytes than there are end the request. */
static size_t take_bytes(char *bytes, size_t one, size_t n, void *self)
{
    struct call *c = self;
    size_t skip, use;

    (void)one;
    if (!c->seen && !begin(c))
        return 0;
    if (!c->begun)
        return listen_to(c, bytes, n);
    skip = (long long)n < c->skip ? n : (size_t)c->skip;
    c->skip -= (long long)skip;
    use = n - skip;
    if (c->q->part && (long long)use > c->q->part->size - c->taken)
        use = (size_t)(c->q->part->size - c->taken);
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

    c->rc = c->q->body->give(c->q->body->self, bytes, one * n, &got, c->err);
    return c->rc < 0 ? CURL_READFUNC_ABORT : got;
}

/* ---- one request ------------------------------------------------------------------- */

/* A range is a header like others, so that it is signed where they are. */
static void add_range(const struct call *c, struct curl_slist **headers)
{
    const struct remote_part *part = c->q->part;
    long long from = (part ? part->from : 0) + c->taken;
    struct buf line = { 0 };

    if (!c->q->to || (!part && !c->taken))
        return;
    buf_printf(&line, "Range: bytes=%lld-", from);
    if (part)
        buf_printf(&line, "%lld", part->from + part->size - 1);
    *headers = c->h->lib->slist_append(*headers, line.s);
    buf_release(&line);
}

static void add_header(const struct call *c, const char *name, const char *value,
                       struct curl_slist **headers)
{
    struct buf line = { 0 };

    buf_printf(&line, "%s: %s", name, value);
    *headers = c->h->lib->slist_append(*headers, line.s);
    buf_release(&line);
}

static void set_signer(const struct call *c, struct curl_slist **headers)
{
    const struct http_signer *s = c->q->signer;
    struct buf text = { 0 };

    buf_printf(&text, "aws:amz:%s:s3", s->region);
    c->h->lib->setopt(c->curl, CURLOPT_AWS_SIGV4, text.s);
    buf_release(&text);
    /* Not as one text: the name of a key may have a colon. */
    c->h->lib->setopt(c->curl, CURLOPT_USERNAME, s->id);
    c->h->lib->setopt(c->curl, CURLOPT_PASSWORD, s->secret);
    if (s->session)
        add_header(c, "x-amz-security-token", s->session, headers);
}

/* New: slist_free_all(). */
static struct curl_slist *set_headers(const struct call *c)
{
    const struct http_request *q = c->q;
    struct curl_slist *headers = NULL;

    for (size_t i = 0; i < HTTP_HEADERS_MAX && q->header[i]; i++)
        headers = c->h->lib->slist_append(headers, q->header[i]);
    add_range(c, &headers);
    if (q->signer && !c->elsewhere)
        set_signer(c, &headers);
    if (q->authorization && !c->elsewhere)
        add_header(c, "Authorization", q->authorization, &headers);
    else if (!q->signer)
        c->h->lib->setopt(c->curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    c->h->lib->setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

static void set_body(struct call *c)
{
    const struct libcurl *lib = c->h->lib;

    lib->setopt(c->curl, CURLOPT_UPLOAD, 1L);
    lib->setopt(c->curl, CURLOPT_READFUNCTION, give_bytes);
    lib->setopt(c->curl, CURLOPT_READDATA, c);
    lib->setopt(c->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->q->body->size);
}

static void set_options(struct call *c)
{
    const struct libcurl *lib = c->h->lib;
    CURL *curl = c->curl;

    lib->setopt(curl, CURLOPT_URL, buf_str(&c->url));
    lib->setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (url_host_is_local(url_host(buf_str(&c->url))))
        lib->setopt(curl, CURLOPT_PROXY, "");
    lib->setopt(curl, CURLOPT_USERAGENT, "larder");
    libcurl_set_authorities(lib, curl);
    lib->setopt(curl, CURLOPT_NOSIGNAL, 1L);
    lib->setopt(curl, CURLOPT_BUFFERSIZE, (long)BUFFER);
    lib->setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER);
    lib->setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    lib->setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW);
    lib->setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    lib->setopt(curl, CURLOPT_ERRORBUFFER, c->why);
    lib->setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    lib->setopt(curl, CURLOPT_HEADERDATA, c);
    lib->setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    lib->setopt(curl, CURLOPT_WRITEDATA, c);
    if (c->q->body)
        set_body(c);
    if (!strcmp(c->q->method, "HEAD"))
        lib->setopt(curl, CURLOPT_NOBODY, 1L);
    else
        lib->setopt(curl, CURLOPT_CUSTOMREQUEST, c->q->method);
}

/* ---- what becomes of it ------------------------------------------------------------ */

/* A redirect is followed by us and not by libcurl, since only so every step of it can be
 * held to the rule. */
static int follow(struct call *c)
{
    bool secure = !strncasecmp(buf_str(&c->url), "https:", 6);
    size_t n = url_origin(buf_str(&c->url));
    const char *to = NULL;

    c->h->lib->getinfo(c->curl, CURLINFO_REDIRECT_URL, &to);
    if (!to || (strncasecmp(to, "https:", 6) != 0 &&
                (secure || strncasecmp(to, "http:", 5) != 0)))
        return call_failed(c, "it leads to %s, which is no https", to ? to : "nowhere");
    c->elsewhere |= url_origin(to) != n || strncasecmp(to, buf_str(&c->url), n) != 0;
    if (c->elsewhere && c->q->stays)
        return call_failed(c, "it leads to %.*s, which must not learn what is sent",
                           url_shown(to), to);
    buf_reset(&c->url);
    buf_adds(&c->url, to);
    return CALL_MOVED;
}

bool call_is_for_later(long code)
{
    return code == 408 || code == 429 || (code >= 500 && code != 501);
}

/* 0 when the answer counts, AGAIN, MOVED or an error. */
static int judge(struct call *c, CURLcode done)
{
    const struct remote_part *part = c->q->part;
    long code = 0;

    c->h->lib->getinfo(c->curl, CURLINFO_RESPONSE_CODE, &code);
    c->a->code = code;
    if (c->rc < 0)
        return c->rc;
    if (c->begun && part && c->taken == part->size)
        return 0;
    if (done == CURLE_OK && part && code >= 200 && code < 300)
        return call_failed(c, "it has fewer bytes than it should");
    if (code >= 300 && code < 400 && code != 304 && !c->begun)
        return follow(c);
    if (done == CURLE_OK || c->said > SAID_MAX || (code >= 300 && !c->begun))
        return call_is_for_later(code) ? CALL_AGAIN : 0;
    if (code > 0 || done == CURLE_GOT_NOTHING || done == CURLE_RECV_ERROR ||
        done == CURLE_SEND_ERROR)
        return CALL_AGAIN;
    return call_failed(c, "%s", *c->why ? c->why : c->h->lib->strerror(done));
}

void call_lead(struct call *c, const char *url)
{
    buf_reset(&c->url);
    buf_adds(&c->url, url);
    c->elsewhere = false;
}

int call_begin(struct call *c)
{
    c->h->lib->cleanup(c->curl);
    c->curl = c->h->lib->init();
    if (!c->curl)
        return error_set(c->err, E_SYSTEM, "libcurl cannot begin");
    c->seen = c->begun = false;
    c->said = 0;
    c->rc = 0;
    c->why[0] = '\0';
    buf_reset(&c->a->header);
    buf_reset(&c->a->text);
    set_options(c);
    c->h->lib->slist_free_all(c->headers);
    c->headers = set_headers(c);
    return 0;
}

int call_end(struct call *c, CURLcode done)
{
    curl_off_t size = -1;
    int rc;

    c->stalled = done == CURLE_OPERATION_TIMEDOUT;
    if (c->q->to)
        hand_over(c);
    c->h->lib->getinfo(c->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    c->a->size = size;
    rc = judge(c, done);
    if ((rc == CALL_AGAIN || rc == CALL_MOVED) && c->q->body)
        c->q->body->again(c->q->body->self);
    return rc;
}

void call_release(struct call *c)
{
    c->h->lib->slist_free_all(c->headers);
    c->headers = NULL;
    c->h->lib->cleanup(c->curl);
    c->curl = NULL;
    buf_release(&c->held);
    buf_release(&c->url);
}
