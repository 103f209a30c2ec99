#include "larder/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "arrival.h"
#include "larder/fs.h"
#include "larder/io.h"
#include "larder/mem.h"
#include "libmicrohttpd.h"
#include "listener.h"
#include "offer.h"
#include "peer.h"
#include "token.h"

#include "larder/banned.h"

enum {
    IDLE_S = 30, /* a connection on which nothing moves for so long is closed */
    CONNECTIONS = 256,
    CONNECTIONS_OF_ONE = 64, /* address */
    MEMORY = 32 << 10,       /* of a connection: all its headers */
    DRAINED_MAX = 1 << 20 /* what is sent of a body that is refused is read, up to this:
                             its sender looks for the answer only then */
};

struct server {
    const struct serve_order *order;
    const struct offer *offer; /* or NULL */
    const struct libmicrohttpd *lib;
    struct MHD_Daemon *daemon;
    struct listener listener;
    struct token token;
    struct buf url, certificate, key;
    int root; /* of the folder, or -1 */
    atomic_size_t n_running, n_given, n_taken, n_refused;
};

/* One request, from its headers until it is answered. */
struct request {
    struct server *s;
    struct MHD_Connection *c;
    const char *name, *method; /* borrowed while we are called */
    struct buf line;           /* both, for whoever is told */
    struct arrival arrival;
    unsigned code; /* 0: nothing has been decided yet */
    struct error why;
    bool answered;
};

/* ---- answers ------------------------------------------------------------------------
 */

static const char *header(const struct request *r, const char *name)
{
    return r->s->lib->header(r->c, MHD_HEADER_KIND, name);
}

/* Takes the response. */
static enum MHD_Result answer(struct request *r, unsigned code, struct MHD_Response *is)
{
    const struct libmicrohttpd *lib = r->s->lib;
    enum MHD_Result rc;

    if (!is)
        return MHD_NO;
    lib->add_header(is, "X-Content-Type-Options", "nosniff");
    r->code = code;
    r->answered = true;
    rc = lib->answer(r->c, code, is);
    lib->destroy(is);
    return rc;
}

/* What r->code and r->why say. */
static enum MHD_Result explain(struct request *r)
{
    const struct libmicrohttpd *lib = r->s->lib;
    struct MHD_Response *is;
    struct buf text = { 0 };

    if (*r->why.text)
        buf_printf(&text, "%s\n", r->why.text);
    is = lib->text(text.len, (void *)buf_str(&text), MHD_RESPMEM_MUST_COPY);
    buf_release(&text);
    if (!is)
        return MHD_NO;
    lib->add_header(is, "Content-Type", "text/plain; charset=utf-8");
    if (r->code == 401)
        lib->add_header(is, "WWW-Authenticate", "Basic realm=\"larder\"");
    if (r->code == 405)
        lib->add_header(is, "Allow",
                        r->s->order->writable ? "GET, HEAD, PUT" : "GET, HEAD");
    return answer(r, r->code, is);
}

static void decide(struct request *r, unsigned code, const char *why)
{
    r->code = code;
    error_set(&r->why, E_REMOTE, "%s", why);
}

/* ---- giving -------------------------------------------------------------------------
 */

/* "7-9", "7-" or "-3", of a file of that size: 206 and which bytes; 416 where it has none
 * of these; 200 where that is no range, or several, which we need not know. */
static unsigned read_range(const char *text, long long size, long long *from,
                           long long *length)
{
    long long first, last = size - 1;
    char *end;

    *from = 0;
    *length = size;
    if (!text || strncmp(text, "bytes=", 6) != 0)
        return 200;
    text += 6;
    errno = 0;
    first = strtoll(text, &end, 10);
    if (errno || end == text || strchr(" +\t", *text))
        return 200;
    if (*text == '-') {
        if (*end)
            return 200;
        *from = first <= -size ? 0 : size + first;
    } else {
        if (*end++ != '-')
            return 200;
        if (*end >= '0' && *end <= '9')
            last = strtoll(end, &end, 10);
        if (errno || *end || last < first)
            return *end || first < size ? 200 : 416;
        *from = first;
    }
    if (*from >= size)
        return 416;
    *length = (last < size ? last + 1 : size) - *from;
    return 206;
}

static int find(struct server *s, const char *name, struct offered *found)
{
    if (s->offer)
        return offer_find(s->offer, name, found);
    *found = (struct offered){ .fd = -1 };
    found->fd = landing_read(s->root, name, &found->size);
    if (found->fd < 0)
        return errno == ENOENT ? REMOTE_ABSENT : E_SYSTEM;
    return REMOTE_DONE;
}

/* Takes what was found. */
static enum MHD_Result send_found(struct request *r, const struct offered *found)
{
    const struct libmicrohttpd *lib = r->s->lib;
    struct MHD_Response *is;
    struct buf range = { 0 };
    long long from, length;
    unsigned code = read_range(header(r, "Range"), found->size, &from, &length);
    enum MHD_Result rc;

    if (code == 416) {
        from = 0;
        length = 0;
    }
    if (found->text) {
        is = lib->text((size_t)length, (void *)(found->text + from),
                       MHD_RESPMEM_PERSISTENT);
    } else {
        is = lib->file((uint64_t)length, found->fd, (uint64_t)from);
        if (!is)
            io_close(found->fd);
    }
    if (!is)
        return MHD_NO;
    lib->add_header(is, "Content-Type", "application/octet-stream");
    lib->add_header(is, "Accept-Ranges", "bytes");
    if (code == 206)
        buf_printf(&range, "bytes %lld-%lld/%lld", from, from + length - 1, found->size);
    else if (code == 416)
        buf_printf(&range, "bytes */%lld", found->size);
    if (range.len)
        lib->add_header(is, "Content-Range", range.s);
    rc = answer(r, code, is);
    buf_release(&range);
    return rc;
}

static enum MHD_Result give(struct request *r)
{
    struct remote_name ignored;
    struct offered found;
    int rc = remote_name_parse(&ignored, r->name) ? find(r->s, r->name, &found)
                                                  : REMOTE_ABSENT;

    if (rc == REMOTE_DONE)
        return send_found(r, &found);
    decide(r, rc == REMOTE_ABSENT ? 404 : 500,
           rc == REMOTE_ABSENT ? "there is nothing of that name" : strerror(errno));
    return explain(r);
}

/* ---- taking -------------------------------------------------------------------------
 */

/* The status of a failure that is told in r->why. */
static unsigned status_of(int rc)
{
    if (rc == REMOTE_THERE)
        return 412;
    if (rc == E_CORRUPT)
        return 400;
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? 507 : 500;
}

/* How long the body will be, or -1 where that is not said. */
static long long announced(const struct request *r)
{
    const char *text = header(r, "Content-Length");
    char *end;
    long long size;

    errno = 0;
    size = text ? strtoll(text, &end, 10) : -1;
    return text && (errno || *end || end == text) ? -1 : size;
}

/* Decides r->code where the answer is known by the headers alone. */
static void begin(struct request *r)
{
    long long size = announced(r);
    struct remote_name name;
    int rc;

    if (!r->s->order->writable)
        decide(r, 405, "this server gives files and takes none");
    else if (!remote_name_parse(&name, r->name))
        decide(r, 400, "a remote has no such name");
    else if (size < 0)
        decide(r, 411, "say how long it is: Content-Length");
    else if (size > remote_name_max(&name))
        decide(r, 413, "nothing of that name can be so long");
    if (r->code)
        return;
    rc = arrival_begin(&r->arrival, r->s->root, r->name, size,
                       header(r, "If-None-Match") ? PUT_NEW : PUT_OVER, &r->why);
    if (rc != 0)
        r->code = status_of(rc);
}

static enum MHD_Result take(struct request *r, const char *bytes, size_t n)
{
    int rc = r->code ? 0 : arrival_take(&r->arrival, bytes, n, &r->why);

    if (rc < 0)
        r->code = status_of(rc);
    return MHD_YES; /* what follows is read and dropped */
}

static enum MHD_Result finish(struct request *r)
{
    int rc = r->code ? 0 : arrival_finish(&r->arrival, &r->why);

    if (r->code == 0)
        r->code = rc == REMOTE_DONE ? 201 : status_of(rc);
    return explain(r);
}

/* ---- requests -----------------------------------------------------------------------
 */

static bool is_put(const struct request *r)
{
    return !strcmp(r->method, "PUT");
}

/* When only its headers are here. */
static enum MHD_Result meet(struct request *r)
{
    const struct serve_order *o = r->s->order;
    bool gives = !strcmp(r->method, "GET") || !strcmp(r->method, "HEAD");

    if (o->token && !token_admits(&r->s->token, header(r, "Authorization")))
        decide(r, 401, "show the token: as the password of any user, or as Bearer");
    else if (is_put(r))
        begin(r);
    else if (!gives)
        decide(r, 405, "a remote knows GET, HEAD and PUT");
    /* An answer now ends the connection: it is for bodies that nobody is to send. */
    return r->code && announced(r) > DRAINED_MAX ? explain(r) : MHD_YES;
}

static struct request *request_new(struct server *s, const char *url, const char *method)
{
    struct request *r = xcalloc(1, sizeof *r);

    r->s = s;
    atomic_fetch_add(&s->n_running, 1);
    buf_printf(&r->line, "%s ", method);
    buf_add_escaped(&r->line, url);
    return r;
}

static enum MHD_Result handle(void *self, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *bytes,
                              size_t *n, void **mine)
{
    struct request *r = *mine;
    bool first = !r;

    (void)version;
    if (first)
        *mine = r = request_new(self, url, method);
    r->c = c;
    r->method = method;
    r->name = url + (*url == '/');
    if (first)
        return meet(r);
    if (*n) {
        size_t got = *n;

        *n = 0;
        return take(r, bytes, got);
    }
    if (r->answered)
        return MHD_YES;
    if (is_put(r))
        return finish(r);
    return r->code ? explain(r) : give(r);
}

static void tell(const struct request *r, bool whole)
{
    struct server *s = r->s;
    struct buf line = { 0 };

    if (r->code == 200 || r->code == 206)
        atomic_fetch_add(&s->n_given, 1);
    else if (r->code == 201)
        atomic_fetch_add(&s->n_taken, 1);
    else
        atomic_fetch_add(&s->n_refused, 1);
    if (!s->order->tell)
        return;
    buf_printf(&line, "%s %u%s%s%s", buf_str(&r->line), r->code, *r->why.text ? " " : "",
               r->why.text, whole ? "" : ", broken off");
    s->order->tell(s->order->self, line.s);
    buf_release(&line);
}

static void done(void *self, struct MHD_Connection *c, void **mine,
                 enum MHD_RequestTerminationCode how)
{
    struct request *r = *mine;

    (void)self;
    (void)c;
    if (!r)
        return;
    tell(r, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    arrival_release(&r->arrival);
    atomic_fetch_sub(&r->s->n_running, 1);
    buf_release(&r->line);
    free(r);
    *mine = NULL;
}

/* ---- the server ---------------------------------------------------------------------
 */

/* The folder must be a remote, or become one. */
static int open_folder(struct server *s, struct error *err)
{
    const struct serve_order *o = s->order;
    struct buf place = { 0 };
    struct peer p = { 0 };
    long long size;
    int rc;

    buf_printf(&place, "file:%s", o->folder);
    rc = peer_init(&p, o->folder, place.s, err);
    p.required = true;
    if (rc == 0)
        rc = peer_has(&p, "larder-cache-info", &size, err);
    if (rc == REMOTE_ABSENT && !o->writable)
        rc =
            error_set(err, E_REMOTE,
                      "%s is no remote yet: `larder push --remote=file:%s` makes it one, "
                      "or --writable lets others do so",
                      o->folder, o->folder);
    if (rc >= 0)
        s->root = io_open(o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (rc >= 0 && s->root < 0)
        rc = error_system(err, "cannot open %s", o->folder);
    if (rc >= 0 && o->writable)
        landing_sweep(s->root);
    peer_release(&p);
    buf_release(&place);
    return rc < 0 ? rc : 0;
}

static int read_secrets(struct server *s, struct error *err)
{
    const struct serve_order *o = s->order;
    int rc = o->token ? token_read(&s->token, o->token, err) : 0;

    if (rc < 0 || !o->certificate)
        return rc;
    if (s->lib->can(MHD_FEATURE_TLS) != MHD_YES)
        return error_set(err, E_SYSTEM,
                         "this libmicrohttpd has no TLS: put a web server in front, or "
                         "install one with GnuTLS (Debian: libmicrohttpd12)");
    rc = fs_read(o->certificate, &s->certificate, err);
    if (rc == 0)
        rc = fs_read(o->key, &s->key, err);
    return rc < 0 ? error_context(err, "--tls takes two files in PEM") : 0;
}

static int refuse_strangers(const struct server *s, struct error *err)
{
    const struct serve_order *o = s->order;

    if (o->writable && !o->token && !s->listener.loopback)
        return error_set(err, E_USAGE,
                         "with --writable everybody who reaches %s could fill the disk: "
                         "add --token=FILE; (umask 077; openssl rand -hex 24 > FILE) "
                         "makes one",
                         o->address);
    return 0;
}

static int start_daemon(struct server *s, struct error *err)
{
    bool tls = s->order->certificate != NULL;
    const struct MHD_OptionItem secret[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, s->certificate.s },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, s->key.s },
        { MHD_OPTION_END, 0, NULL },
    };
    const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_POLL | MHD_USE_ITC | (tls ? MHD_USE_TLS : 0);

    s->daemon = s->lib->start(
        flags, 0, NULL, NULL, handle, s, MHD_OPTION_ARRAY, tls ? secret : none,
        MHD_OPTION_LISTEN_SOCKET, s->listener.fd, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_S, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
        done, NULL, MHD_OPTION_END);
    if (s->daemon)
        return 0;
    if (tls)
        return error_set(
            err, E_INPUT,
            "%s and %s are no certificate and its key: --tls takes two files "
            "in PEM, the certificate first",
            s->order->certificate, s->order->key);
    return error_set(err, E_SYSTEM, "libmicrohttpd cannot begin at %s",
                     s->order->address);
}

int serve_open(struct server **to, const struct serve_order *order, struct error *err)
{
    struct server *s = xcalloc(1, sizeof *s);
    int rc;

    s->order = order;
    s->root = s->listener.fd = -1;
    rc = libmicrohttpd_open(&s->lib, err);
    if (rc == 0)
        rc = read_secrets(s, err);
    if (rc == 0 && order->folder)
        rc = open_folder(s, err);
    if (rc == 0)
        rc = listener_open(&s->listener, order->address, SERVE_PORT, err);
    if (rc == 0)
        rc = refuse_strangers(s, err);
    if (rc == 0)
        buf_printf(&s->url, "http%s://%s:%d", order->certificate ? "s" : "",
                   buf_str(&s->listener.host), s->listener.port);
    if (rc < 0) {
        serve_close(s);
        s = NULL;
    }
    *to = s;
    return rc;
}

int serve_start(struct server *s, const struct offer *o, struct error *err)
{
    s->offer = o;
    fs_fault(); /* it remembers what it is to do: before there are threads */
    return start_daemon(s, err);
}

const char *serve_url(const struct server *s)
{
    return buf_str(&s->url);
}

bool serve_is_local(const struct server *s)
{
    return s->listener.loopback;
}

/* Until no request runs, in steps of 20 ms. */
static void wait_for_requests(struct server *s, int seconds)
{
    const struct timespec step = { 0, 20000000 };

    for (int i = 0; i < seconds * 50 && atomic_load(&s->n_running) > 0; i++)
        nanosleep(&step, NULL);
}

void serve_stop(struct server *s, int seconds, struct serve_totals *t)
{
    s->lib->quiesce(s->daemon);   /* from here on the socket is ours again, */
    listener_close(&s->listener); /* and who knocks is to hear that nobody is there */
    wait_for_requests(s, seconds);
    s->lib->stop(s->daemon);
    s->daemon = NULL;
    *t = (struct serve_totals){ atomic_load(&s->n_given), atomic_load(&s->n_taken),
                                atomic_load(&s->n_refused) };
}

void serve_close(struct server *s)
{
    if (!s)
        return;
    listener_close(&s->listener);
    if (s->root >= 0)
        io_close(s->root);
    buf_release(&s->certificate);
    buf_release(&s->key);
    buf_release(&s->url);
    free(s);
}
