#include "http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "larder/mem.h"
#include "libcurl.h"
#include "url.h"

#include "larder/banned.h"

enum {
    CONNECT_S = 5,
    SLOW = 1 << 10, /* less than so many bytes a second, */
    STALL_S = 20,   /* for so long, are a broken connection */
    REDIRECTS = 5,
    BUFFER = 512 << 10,    /* bytes that are taken or given at once, at most */
    TRIES = 4,             /* in a row that bring no new byte, or only a few slowly */
    PAUSE_S = 30,          /* whoever asks for a longer one is left */
    HEADER_MAX = 64 << 10, /* bytes of an answer's headers that are kept, */
    TEXT_MAX = 4 << 10,    /* and of what a server says of an error; */
    SAID_MAX = 1 << 20     /* who says more is not listened to any longer */
};

/* What becomes of one request, besides an answer and an error. */
enum { AGAIN = 10, MOVED = 11 };

struct http {
    const struct libcurl *lib;
    CURL *curl; /* keeps the connections */
};

/* A request under way. */
struct call {
    struct http *h;
    const struct http_request *q;
    struct http_answer *a;
    struct buf url;   /* where it has led to by now */
    bool elsewhere;   /* another host than the one that was asked */
    struct buf held;  /* bytes for the sink: libcurl gives them in small pieces */
    long long taken;  /* bytes that the sink has, or held */
    long long skip;   /* bytes of this answer that come before what is wanted */
    long long starts; /* Content-Range of this answer, or -1 */
    bool seen, begun; /* its code is known; it is what was asked for */
    size_t said;      /* bytes of an answer that is not */
    bool stalled;     /* it was given up, as nothing or too little came */
    int rc;           /* of the sink or body, the story in *err */
    struct error *err;
    char why[CURL_ERROR_SIZE];
};

int http_open(struct http **to, struct error *err)
{
    struct http *h = xcalloc(1, sizeof *h);
    int rc = libcurl_open(&h->lib, err);

    if (rc == 0 && (h->curl = h->lib->init()) == NULL)
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
        h->lib->cleanup(h->curl);
    free(h);
}

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
    rc = error_set(c->err, E_REMOTE, "%.*s: %s", url_shown(c->q->url), c->q->url,
                   buf_str(&text));
    buf_release(&text);
    return rc;
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

/* What an object store or a registry says, on one line. */
int http_refused(const struct http_request *q, const struct http_answer *a,
                 struct error *err)
{
    struct buf text = { 0 };
    int rc;

    for (size_t i = 0; i < a->text.len && text.len < 300 && !is_page(a); i++) {
        unsigned char c = (unsigned char)a->text.s[i];

        if (c > ' ' && c < 127)
            buf_addc(&text, (char)c);
        else if (text.len && text.s[text.len - 1] != ' ')
            buf_addc(&text, ' ');
    }
    rc = error_set(err, E_REMOTE, "%.*s: HTTP %ld%s%s", url_shown(q->url), q->url,
                   a->code, text.len ? ": " : "", buf_str(&text));
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

    c->h->lib->getinfo(c->h->curl, CURLINFO_RESPONSE_CODE, &code);
    c->seen = true;
    if (code == 206 && c->starts != from) {
        c->rc = away(c, "its answer begins at byte %lld, not %lld", c->starts, from);
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
    c->h->lib->setopt(c->h->curl, CURLOPT_AWS_SIGV4, text.s);
    buf_reset(&text);
    buf_printf(&text, "%s:%s", s->id, s->secret);
    c->h->lib->setopt(c->h->curl, CURLOPT_USERPWD, text.s);
    buf_release(&text);
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
        c->h->lib->setopt(c->h->curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    c->h->lib->setopt(c->h->curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

static void set_body(struct call *c)
{
    const struct libcurl *lib = c->h->lib;

    lib->setopt(c->h->curl, CURLOPT_UPLOAD, 1L);
    lib->setopt(c->h->curl, CURLOPT_READFUNCTION, give_bytes);
    lib->setopt(c->h->curl, CURLOPT_READDATA, c);
    lib->setopt(c->h->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->q->body->size);
}

static void set_options(struct call *c)
{
    const struct libcurl *lib = c->h->lib;
    CURL *curl = c->h->curl;

    lib->reset(curl);
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

    c->h->lib->getinfo(c->h->curl, CURLINFO_REDIRECT_URL, &to);
    if (!to || (strncasecmp(to, "https:", 6) != 0 &&
                (secure || strncasecmp(to, "http:", 5) != 0)))
        return away(c, "it leads to %s, which is no https", to ? to : "nowhere");
    c->elsewhere |= url_origin(to) != n || strncasecmp(to, buf_str(&c->url), n) != 0;
    buf_reset(&c->url);
    buf_adds(&c->url, to);
    return MOVED;
}

static bool is_for_later(long code)
{
    return code == 408 || code == 429 || (code >= 500 && code != 501);
}

/* 0 when the answer counts, AGAIN, MOVED or an error. */
static int judge(struct call *c, CURLcode done)
{
    const struct remote_part *part = c->q->part;
    long code = 0;

    c->h->lib->getinfo(c->h->curl, CURLINFO_RESPONSE_CODE, &code);
    c->a->code = code;
    if (c->rc < 0)
        return c->rc;
    if (c->begun && part && c->taken == part->size)
        return 0;
    if (done == CURLE_OK && part && code >= 200 && code < 300)
        return away(c, "it has fewer bytes than it should");
    if (code >= 300 && code < 400 && code != 304 && !c->begun)
        return follow(c);
    if (done == CURLE_OK || c->said > SAID_MAX || (code >= 300 && !c->begun))
        return is_for_later(code) ? AGAIN : 0;
    if (code > 0 || done == CURLE_GOT_NOTHING || done == CURLE_RECV_ERROR ||
        done == CURLE_SEND_ERROR)
        return AGAIN;
    return away(c, "%s", *c->why ? c->why : c->h->lib->strerror(done));
}

static int request(struct call *c)
{
    struct curl_slist *headers;
    curl_off_t size = -1;
    CURLcode done;
    int rc;

    c->seen = c->begun = false;
    c->said = 0;
    c->rc = 0;
    c->why[0] = '\0';
    buf_reset(&c->a->header);
    buf_reset(&c->a->text);
    set_options(c);
    headers = set_headers(c);
    done = c->h->lib->perform(c->h->curl);
    c->stalled = done == CURLE_OPERATION_TIMEDOUT;
    if (c->q->to)
        hand_over(c);
    c->h->lib->getinfo(c->h->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    c->a->size = size;
    rc = judge(c, done);
    c->h->lib->slist_free_all(headers);
    if ((rc == AGAIN || rc == MOVED) && c->q->body)
        c->q->body->again(c->q->body->self);
    return rc;
}

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

/* One try, wherever it leads. */
static int attempt(struct call *c)
{
    int rc;

    buf_reset(&c->url);
    buf_adds(&c->url, c->q->url);
    c->elsewhere = false;
    rc = request(c);
    for (int hops = 0; rc == MOVED && hops < REDIRECTS; hops++)
        rc = request(c);
    return rc == MOVED ? away(c, "it leads on and on") : rc;
}

int http_send(struct http *h, const struct http_request *q, struct http_answer *a,
              struct error *err)
{
    struct call c = { .h = h, .q = q, .a = a, .err = err };
    int rc = AGAIN;

    *a = (struct http_answer){ 0 };
    for (int tries = 0; rc == AGAIN; tries++) {
        long long had = c.taken;

        rc = attempt(&c);
        if (c.taken > had && !c.stalled)
            tries = 0;
        if (rc != AGAIN || (tries + 1 < TRIES && wait_for(&c, tries)))
            continue;
        rc = is_for_later(a->code) ? http_refused(q, a, err)
                                   : away(&c, "%s", *c.why ? c.why : "it breaks off");
    }
    buf_release(&c.held);
    buf_release(&c.url);
    return rc;
}
