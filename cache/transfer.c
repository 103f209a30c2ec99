#include "larder/transfer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "larder/fs.h"
#include "larder/io.h"
#include "libcurl.h"

#include "larder/banned.h"

enum {
    CONNECT_S = 5,
    STALL_S = 20, /* less than a byte a second for so long is a broken connection */
    REDIRECTS = 5,
    TRIES = 5,   /* in a row that bring no new byte */
    PAUSE_S = 60 /* whoever asks for a longer one is left */
};

/* What becomes of one request, besides what becomes of a transfer. */
enum { AGAIN = 4, MOVED = 5 };

/* ---- one answer -------------------------------------------------------------------- */

/* What the headers of an answer say. */
struct answer {
    long long length, start, total; /* -1: not said */
    long retry_after;               /* seconds, -1: not said */
    char etag[256], modified[64];
};

static const struct libcurl *lib;

struct going {
    const struct transfer *t;
    CURL *curl;
    int fd;
    long long have; /* bytes in the file */
    size_t start;   /* of our part of the story */
    struct answer answer;
    bool taken;  /* the answer is the file, or the rest of it */
    int refused; /* else TRANSFER_REFUSED or TRANSFER_WRONG, with the story told */
    int rc;      /* of what is wrong on our side, the story in *err */
    struct error *err;
};

/* The text of a header with that name, or NULL; n is set to its length. */
static const char *header_value(const char *line, size_t len, const char *name, size_t *n)
{
    size_t skip = strlen(name);

    if (len <= skip || strncasecmp(line, name, skip) != 0 || line[skip] != ':')
        return NULL;
    line += skip + 1;
    len -= skip + 1;
    while (len > 0 && isspace((unsigned char)*line)) {
        line++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)line[len - 1]))
        len--;
    *n = len;
    return line;
}

/* A number of bytes at s, or -1; *end is set to what follows. */
static long long read_number(const char *s, const char **end)
{
    long long x = -1;

    for (; *s >= '0' && *s <= '9' && x < (1LL << 58); s++)
        x = (x < 0 ? 0 : x * 10) + (*s - '0');
    *end = s;
    return *s >= '0' && *s <= '9' ? -1 : x;
}

/* `bytes 100-199/200`, or, where a range is not to be had, a star for the range. */
static void read_range(struct answer *a, const char *s)
{
    const char *slash = strchr(s, '/');

    if (strncasecmp(s, "bytes ", 6) != 0 || !slash)
        return;
    a->start = read_number(s + 6, &s);
    a->total = read_number(slash + 1, &s);
}

/* Seconds, or a date. */
static long read_pause(const char *s)
{
    struct tm tm = { 0 };
    const char *end;
    long long pause = read_number(s, &end);

    if (pause >= 0 && !*end)
        return pause < 1000000 ? (long)pause : 1000000;
    end = strptime(s, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end)
        return -1;
    pause = timegm(&tm) - time(NULL);
    return pause < 0 ? 0 : (long)pause;
}

static size_t take_header(char *line, size_t one, size_t len, void *self)
{
    struct answer *a = &((struct going *)self)->answer;
    const char *value, *end;
    char text[256];
    size_t n;

    (void)one;
    if (len > 5 && !strncasecmp(line, "HTTP/", 5))
        *a = (struct answer){ .length = -1, .start = -1, .total = -1, .retry_after = -1 };
    if ((value = header_value(line, len, "ETag", &n)) && *value == '"' &&
        n < sizeof a->etag)
        snprintf(a->etag, sizeof a->etag, "%.*s", (int)n, value);
    if ((value = header_value(line, len, "Last-Modified", &n)) && n < sizeof a->modified)
        snprintf(a->modified, sizeof a->modified, "%.*s", (int)n, value);
    for (int i = 0; i < 3; i++) {
        static const char *const name[] = { "Content-Length", "Content-Range",
                                            "Retry-After" };

        value = header_value(line, len, name[i], &n);
        if (!value || n >= sizeof text)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)n, value);
        if (i == 0)
            a->length = read_number(text, &end);
        else if (i == 1)
            read_range(a, text);
        else
            a->retry_after = read_pause(text);
    }
    return len;
}

static long answer_code(const struct going *g)
{
    long code = 0;

    lib->getinfo(g->curl, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

static bool is_redirect(long code)
{
    return code >= 300 && code < 400 && code != 304;
}

static void refuse(struct going *g, int how, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct going *g, int how, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(g->t->story, fmt, ap);
    va_end(ap);
    g->refused = how;
}

static int system_failed(struct going *g)
{
    g->rc = error_system(g->err, "cannot write %s", g->t->path);
    return g->rc;
}

/* ---- the file ---------------------------------------------------------------------- */

/* By what the server knows the content that it begins to send. */
static int keep_validator(struct going *g)
{
    const struct answer *a = &g->answer;
    const char *validator = *a->etag ? a->etag : a->modified;
    struct buf path = { 0 };

    buf_printf(&path, "%s.of", g->t->path);
    g->rc = *validator ? fs_write(path.s, validator, strlen(validator), false, g->err)
                       : fs_remove(path.s, g->err);
    buf_release(&path);
    return g->rc;
}

static int empty_file(struct going *g)
{
    if (io_ftruncate(g->fd, 0) < 0)
        return system_failed(g);
    g->have = 0;
    return 0;
}

/* Told before hours of transfer and not after. */
static void check_room(struct going *g, long long total)
{
    struct statvfs s;

    if (io_fstatvfs(g->fd, &s) < 0 ||
        (unsigned long long)(total - g->have) / s.f_frsize < s.f_bavail)
        return;
    g->rc = error_set(g->err, E_SYSTEM,
                      "%lld bytes are to come, and the disk of %s has no room for them",
                      total - g->have, g->t->path);
}

/* Before the first byte: whether this is the file, and from where on. */
static void take_answer(struct going *g)
{
    const struct answer *a = &g->answer;
    long code = answer_code(g);
    long long total = code == 206 ? a->total : a->length;

    g->taken = code == 200 || code == 206;
    if (!g->taken || (code == 200 && (empty_file(g) < 0 || keep_validator(g) < 0)))
        return;
    if (code == 206)
        *g->t->joined = true;
    if (code == 206 && a->start != g->have)
        refuse(g, TRANSFER_REFUSED, "its answer begins at byte %lld, not %lld", a->start,
               g->have);
    else if (g->t->size >= 0 && total >= 0 && total != g->t->size)
        refuse(g, TRANSFER_WRONG, "%lld bytes, not %lld", total, g->t->size);
    else if (total > g->have)
        check_room(g, total);
}

static size_t take_bytes(char *bytes, size_t one, size_t n, void *self)
{
    struct going *g = self;

    (void)one;
    if (!g->taken)
        take_answer(g);
    if (!g->taken && is_redirect(answer_code(g)))
        return n; /* libcurl tells where it leads only once it has it all */
    if (!g->taken || g->refused || g->rc < 0)
        return 0; /* which ends the request */
    if (g->t->size >= 0 && g->have + (long long)n > g->t->size) {
        refuse(g, TRANSFER_WRONG, "more than the %lld bytes that it must have",
               g->t->size);
        return 0;
    }
    for (size_t done = 0; done < n;) {
        ssize_t k = io_pwrite(g->fd, bytes + done, n - done, (off_t)g->have);

        if (k < 0) {
            system_failed(g);
            return 0;
        }
        done += (size_t)k;
        g->have += k;
    }
    return n;
}

static int take_progress(void *self, curl_off_t total, curl_off_t done, curl_off_t up,
                         curl_off_t sent)
{
    struct going *g = self;
    long long all = g->answer.total >= 0 ? g->answer.total : g->answer.length;

    (void)total;
    (void)done;
    (void)up;
    (void)sent;
    if (g->t->tell && g->taken)
        g->t->tell(g->t->self, g->have, all);
    return 0;
}

/* ---- one request ------------------------------------------------------------------- */

static void set_options(struct going *g, const char *url)
{
    lib->setopt(g->curl, CURLOPT_URL, url);
    lib->setopt(g->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    lib->setopt(g->curl, CURLOPT_USERAGENT, "larder");
    libcurl_set_authorities(lib, g->curl);
    lib->setopt(g->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    lib->setopt(g->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    lib->setopt(g->curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    lib->setopt(g->curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    lib->setopt(g->curl, CURLOPT_HEADERFUNCTION, take_header);
    lib->setopt(g->curl, CURLOPT_HEADERDATA, g);
    lib->setopt(g->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    lib->setopt(g->curl, CURLOPT_WRITEDATA, g);
    lib->setopt(g->curl, CURLOPT_NOPROGRESS, 0L);
    lib->setopt(g->curl, CURLOPT_XFERINFOFUNCTION, take_progress);
    lib->setopt(g->curl, CURLOPT_XFERINFODATA, g);
}

/* Asks for the rest of a file of which a part is there; new: slist_free_all(). */
static struct curl_slist *ask_for_rest(struct going *g, struct buf *range)
{
    struct buf path = { 0 }, line = { 0 };
    struct curl_slist *headers = NULL;

    buf_printf(&path, "%s.of", g->t->path);
    buf_adds(&line, "If-Range: ");
    if (g->have > 0 && !g->t->blind &&
        (!fs_exists(path.s) || fs_read(path.s, &line, NULL) < 0))
        g->have = 0; /* it may be another file by now: all of it anew */
    if (g->have > 0 && !g->t->blind)
        headers = lib->slist_append(NULL, line.s);
    if (g->have > 0) {
        buf_printf(range, "%lld-", g->have);
        lib->setopt(g->curl, CURLOPT_RANGE, range->s);
        lib->setopt(g->curl, CURLOPT_HTTPHEADER, headers);
    }
    buf_release(&line);
    buf_release(&path);
    return headers;
}

/* A redirect is followed by us and not by libcurl, since only so every step of it can be
 * held to the rule. */
static int follow(struct going *g, struct buf *url)
{
    const char *to = NULL;
    bool secure = !strncasecmp(buf_str(url), "https:", 6);

    lib->getinfo(g->curl, CURLINFO_REDIRECT_URL, &to);
    if (!to || (strncasecmp(to, "https:", 6) != 0 &&
                (secure || strncasecmp(to, "http:", 5) != 0))) {
        refuse(g, TRANSFER_REFUSED, "it leads to %s, which is no https",
               to ? to : "nowhere");
        return TRANSFER_REFUSED;
    }
    buf_reset(url);
    buf_adds(url, to);
    return MOVED;
}

/* The server says that nothing follows: the part is the whole, or it is no part. */
static int judge_end(struct going *g)
{
    if (g->have > 0 && g->have == g->answer.total)
        return TRANSFER_DONE;
    return g->have > 0 && empty_file(g) == 0 ? AGAIN : g->rc;
}

static bool is_unreachable(CURLcode done)
{
    return done == CURLE_COULDNT_RESOLVE_PROXY || done == CURLE_COULDNT_RESOLVE_HOST ||
           done == CURLE_COULDNT_CONNECT || done == CURLE_OPERATION_TIMEDOUT ||
           done == CURLE_SEND_ERROR;
}

static int judge(struct going *g, CURLcode done, const char *why, struct buf *url)
{
    long code = answer_code(g);

    if (g->rc < 0)
        return g->rc;
    if (g->refused)
        return g->refused;
    if (g->taken && done == CURLE_OK)
        return TRANSFER_DONE;
    if (!g->taken && is_redirect(code))
        return follow(g, url);
    if (!g->taken && code == 416 && g->have > 0)
        return judge_end(g);
    if (!g->taken && code > 0 && code != 200 && code != 206) {
        buf_printf(g->t->story, "HTTP %ld", code);
        return code == 408 || code == 429 || code >= 500 ? AGAIN : TRANSFER_REFUSED;
    }
    buf_printf(g->t->story, "%s", *why ? why : lib->strerror(done));
    if (code > 0 || done == CURLE_GOT_NOTHING || done == CURLE_RECV_ERROR)
        return AGAIN;
    return is_unreachable(done) ? TRANSFER_AWAY : TRANSFER_REFUSED;
}

/* TRANSFER_DONE, _REFUSED, _WRONG or _AWAY, AGAIN, MOVED with the new address in *url, or
 * an error. */
static int request(struct going *g, struct buf *url)
{
    char why[CURL_ERROR_SIZE] = "";
    struct buf range = { 0 };
    struct curl_slist *headers;
    CURLcode done;
    int rc;

    buf_cut(g->t->story, g->start);
    g->answer =
        (struct answer){ .length = -1, .start = -1, .total = -1, .retry_after = -1 };
    g->taken = false;
    g->refused = 0;
    g->curl = lib->init();
    if (!g->curl)
        return error_set(g->err, E_SYSTEM, "libcurl cannot begin");
    set_options(g, buf_str(url));
    lib->setopt(g->curl, CURLOPT_ERRORBUFFER, why);
    headers = ask_for_rest(g, &range);
    done = lib->perform(g->curl);
    if (done == CURLE_OK && !g->taken)
        take_answer(g); /* which had no bytes */
    rc = judge(g, done, why, url);
    lib->cleanup(g->curl);
    lib->slist_free_all(headers);
    buf_release(&range);
    return rc;
}

/* ---- all of them ------------------------------------------------------------------- */

/* Waits as long as the server asks, or longer each time. False: too long for us. */
static bool wait_for(struct going *g, int tries)
{
    long pause = g->answer.retry_after;
    struct timespec t;

    if (pause > PAUSE_S) {
        buf_printf(g->t->story, "; it asks to come again in %ld s", pause);
        return false;
    }
    if (pause >= 0) {
        t = (struct timespec){ .tv_sec = pause };
    } else { /* half a second to one, doubled each time: not all clients come at once */
        clock_gettime(CLOCK_REALTIME, &t);
        pause = (500 + t.tv_nsec / 1000 % 500) << tries;
        t = (struct timespec){ pause / 1000, pause % 1000 * 1000000 };
    }
    nanosleep(&t, NULL);
    return true;
}

static int get(struct going *g)
{
    struct buf url = { 0 };
    int rc = AGAIN;

    for (int tries = 0; rc == AGAIN; tries++) {
        long long had = g->have;

        buf_reset(&url);
        buf_adds(&url, g->t->url);
        rc = request(g, &url);
        for (int hops = 0; rc == MOVED && hops < REDIRECTS; hops++)
            rc = request(g, &url);
        if (rc == MOVED) {
            refuse(g, TRANSFER_REFUSED, "it leads on and on");
            rc = TRANSFER_REFUSED;
        }
        if (g->have > had)
            tries = 0;
        if (rc == AGAIN && (tries + 1 >= TRIES || !wait_for(g, tries)))
            rc = TRANSFER_AWAY;
    }
    buf_release(&url);
    return rc;
}

int transfer_get(const struct transfer *t, struct error *err)
{
    struct going g = { .t = t, .err = err, .fd = -1, .start = t->story->len };
    int rc = libcurl_open(&lib, err);

    if (rc < 0)
        return rc;
    g.fd = io_open(t->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (g.fd < 0)
        return system_failed(&g);
    g.have = io_lseek(g.fd, 0, SEEK_END);
    if (t->size >= 0 && g.have == t->size)
        rc = TRANSFER_DONE;
    else if (t->size >= 0 && g.have > t->size)
        rc = empty_file(&g);
    if (rc == 0 && (t->size < 0 || g.have < t->size))
        rc = get(&g);
    io_close(g.fd);
    return rc;
}
