/*
 * What a web server answers, or an object store, or a registry: the first byte says who
 * is asked, and for what. Then the input is several answers, each behind a line "--"; a
 * server on the loopback gives one to each request, then closes the connection, and has
 * none for those that come after. What was taken is no more than was asked for; of a part
 * all of it, or it was not done. The server is the proxy too, so that no redirect leads
 * out of here; and no time is spent between two tries.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "larder/buf.h"
#include "remote.h"

static const char separator[] = "\n--\n";

static struct {
    pthread_mutex_t lock;
    const char *s; /* what is left of the answers */
    size_t n;
    int fd;
    char place[64];
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Between two tries. */
int nanosleep(const struct timespec *t, struct timespec *left)
{
    (void)t;
    (void)left;
    return 0;
}

static void next_answer(struct buf *to)
{
    const char *end;
    size_t n;

    pthread_mutex_lock(&server.lock);
    end = server.n ? memmem(server.s, server.n, separator, sizeof separator - 1) : NULL;
    n = end ? (size_t)(end - server.s) + 1 : server.n;
    if (n > 0)
        buf_add(to, server.s, n);
    n = end ? n + sizeof separator - 2 : n;
    server.s += n;
    server.n -= n;
    pthread_mutex_unlock(&server.lock);
}

/* Up to the end of a request's head. */
static void read_head(int fd)
{
    char bytes[4096];
    size_t had = 0;
    ssize_t n;

    while (had < sizeof bytes - 1 &&
           (n = read(fd, bytes + had, sizeof bytes - 1 - had)) > 0) {
        had += (size_t)n;
        bytes[had] = '\0';
        if (strstr(bytes, "\r\n\r\n"))
            return;
    }
}

/* What the client still sends would else be answered by a reset. */
static void drain(int fd)
{
    struct pollfd p = { fd, POLLIN, 0 };
    char bytes[4096];

    shutdown(fd, SHUT_WR);
    while (poll(&p, 1, 100) > 0 && read(fd, bytes, sizeof bytes) > 0)
        ;
}

static void *serve(void *unused)
{
    struct buf answer = { 0 };

    for (;;) {
        int fd = accept(server.fd, NULL, NULL);

        if (fd < 0)
            continue;
        read_head(fd);
        buf_reset(&answer);
        next_answer(&answer);
        if (answer.len && send(fd, answer.s, answer.len, MSG_NOSIGNAL) < 0)
            perror("answering");
        drain(fd);
        close(fd);
    }
    return unused;
}

static void start_server(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    pthread_t thread;
    char proxy[64];

    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        listen(server.fd, 64) < 0 ||
        getsockname(server.fd, (struct sockaddr *)&at, &n) < 0 ||
        pthread_create(&thread, NULL, serve, NULL) != 0)
        abort();
    snprintf(server.place, sizeof server.place, "//127.0.0.1:%d/lab", ntohs(at.sin_port));
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", ntohs(at.sin_port));
    setenv("http_proxy", proxy, 1);
    setenv("https_proxy", proxy, 1);
    setenv("no_proxy", "", 1);
    setenv("HOME", "/nonexistent", 1); /* no .netrc, no other login */
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", ntohs(at.sin_port));
    setenv("AWS_ENDPOINT_URL_S3", proxy, 1);
    setenv("AWS_ACCESS_KEY_ID", "fuzz", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "fuzz", 1);
    setenv("AWS_REGION", "nowhere", 1);
}

/* ---- what asks -----------------------------------------------------------------------
 */

enum { TAKEN_MAX = 64 << 10 };

static int take(void *self, const void *bytes, size_t n, struct error *err)
{
    static volatile char last; /* for the sanitizer */

    (void)last;
    if (n == 0)
        abort();
    last = ((const char *)bytes)[n - 1];
    *(long long *)self += (long long)n;
    return *(long long *)self > TAKEN_MAX ? error_set(err, E_CORRUPT, "too many") : 0;
}

static int give(void *self, void *bytes, size_t n, size_t *got, struct error *err)
{
    size_t *at = self;

    (void)err;
    *got = n < 10 - *at ? n : 10 - *at;
    memset(bytes, 'x', *got);
    *at += *got;
    return 0;
}

static void give_again(void *self)
{
    *(size_t *)self = 0;
}

static void ask(struct remote *r, int what)
{
    const struct remote_part part = { 3, 7 };
    long long taken = 0, size = -2;
    const struct remote_sink to = { take, &taken };
    size_t at = 0;
    const struct remote_body body = { give, give_again, &at, 10 };
    struct error err = { 0 };
    int rc;

    switch (what) {
    case 0:
        rc = r->kind->get(r, "cas/00/0", NULL, &to, &err);
        break;
    case 1:
        rc = r->kind->get(r, "pack/00/0", &part, &to, &err);
        if (taken > part.size || (rc == REMOTE_DONE && taken != part.size))
            abort();
        break;
    case 2:
        rc = r->kind->has(r, "cas/00/0", &size, &err);
        if ((rc == REMOTE_THERE && size < -1) || rc == REMOTE_DONE)
            abort();
        break;
    default:
        rc = r->kind->put(r, "cas/00/0", &body, PUT_NEW, &err);
        if (rc == REMOTE_ABSENT)
            abort();
    }
    if (rc < 0 && rc != E_REMOTE && rc != E_CORRUPT)
        abort();
    if (rc < 0 && !err.text[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct remote_kind *const kinds[] = { &remote_http, &remote_oci,
                                                       &remote_s3 };
    const struct remote_kind *kind = kinds[n > 0 ? (bytes[0] >> 2) % 3 : 0];
    struct remote *r = NULL;
    struct error err = { 0 };

    if (!server.fd)
        start_server();
    if (n == 0)
        return 0;
    if (kind->open(&r, kind == &remote_s3 ? "//bucket/lab" : server.place, &err) < 0)
        abort();
    pthread_mutex_lock(&server.lock);
    server.s = (const char *)bytes + 1;
    server.n = n - 1;
    pthread_mutex_unlock(&server.lock);
    ask(r, bytes[0] % 4);
    pthread_mutex_lock(&server.lock);
    server.n = 0;
    pthread_mutex_unlock(&server.lock);
    r->kind->close(r);
    return 0;
}
