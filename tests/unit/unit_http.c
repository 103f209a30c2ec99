#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws.h"
#include "body.h"
#include "http.h"

/* A server that answers a number of requests, one connection each, and keeps what it was
 * asked. */
struct server {
    pid_t pid;
    int port, asked; /* the other end of a pipe */
};

static void serve(int listening, int to, const char *const *answer, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int fd = accept(listening, NULL, NULL);
        char text[16384];
        size_t have = 0;
        ssize_t got = 1;

        while (got > 0 && have < sizeof text - 1 && !memmem(text, have, "\r\n\r\n", 4)) {
            got = read(fd, text + have, sizeof text - 1 - have);
            have += got > 0 ? (size_t)got : 0;
        }
        if (write(to, text, have) < 0 || write(fd, answer[i], strlen(answer[i])) < 0)
            _exit(1);
        shutdown(fd, SHUT_WR);
        while (read(fd, text, sizeof text) > 0)
            ;
        close(fd);
    }
    _exit(0);
}

static struct server start(const char *const *answer, size_t n)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0), end[2];
    struct server s;

    cr_assert(bind(fd, (struct sockaddr *)&at, size) == 0 && listen(fd, 8) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)&at, &size) == 0 && pipe(end) == 0);
    s = (struct server){ fork(), ntohs(at.sin_port), end[0] };
    if (s.pid == 0)
        serve(fd, end[1], answer, n);
    close(end[1]);
    close(fd);
    return s;
}

/* What it was asked, all of it. */
static void stop(struct server *s, struct buf *asked)
{
    char text[4096];
    ssize_t n;

    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
    while ((n = read(s->asked, text, sizeof text)) > 0)
        buf_add(asked, text, (size_t)n);
    close(s->asked);
}

static int take(void *self, const void *bytes, size_t n, struct error *err)
{
    (void)err;
    buf_add(self, bytes, n);
    return 0;
}

/* The first example of "Authenticating Requests: Using the Authorization Header (AWS
 * Signature Version 4)" in the documentation of Amazon S3: its signature, byte for byte.
 * The server is asked as a proxy, so that the host is the one of the example. */
Test(http, a_published_signature)
{
    static const char *const answer[] = {
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-9/20\r\nContent-Length: "
        "10\r\n\r\n0123456789"
    };
    const struct http_signer signer = { .region = "us-east-1",
                                        .id = "AKIAIOSFODNN7EXAMPLE",
                                        .secret =
                                            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
    struct server s = start(answer, 1);
    struct buf asked = { 0 }, got = { 0 }, proxy = { 0 };
    const struct remote_part part = { 0, 10 };
    const struct remote_sink to = { take, &got };
    const struct http_request q = {
        .method = "GET",
        .url = "http://examplebucket.s3.amazonaws.com/test.txt",
        .header = { "x-amz-content-sha256: "
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                    "x-amz-date: 20130524T000000Z" },
        .part = &part,
        .to = &to,
        .signer = &signer
    };
    struct http_answer a;
    struct error err = { 0 };
    struct http *h;

    buf_printf(&proxy, "http://127.0.0.1:%d", s.port);
    setenv("http_proxy", proxy.s, 1);
    unsetenv("no_proxy");
    cr_assert_eq(http_open(&h, &err), 0, "%s", err.text);
    cr_assert_eq(http_send(h, &q, &a, &err), 0, "%s", err.text);
    cr_assert_eq(a.code, 206);
    cr_assert_str_eq(got.s, "0123456789");
    stop(&s, &asked);
    cr_assert(strstr(asked.s, "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date"),
              "%s", asked.s);
    cr_assert(strstr(asked.s,
                     "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd"
                     "91039c6036bdb41"),
              "%s", asked.s);
    http_answer_release(&a);
    http_close(h);
    buf_release(&asked);
    buf_release(&got);
    buf_release(&proxy);
}

/* Who we are is not told to the host that a redirect leads to, but to the same host. */
Test(http, a_redirect_leads_without_our_names)
{
    const char *last[] = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" };
    struct server other = start(last, 1), first;
    struct buf url = { 0 }, moved[2] = { 0 }, asked = { 0 }, asked_other = { 0 },
               got = { 0 };
    const struct remote_sink to = { take, &got };
    struct http_request q = { .method = "GET",
                              .to = &to,
                              .authorization = "Bearer our-secret" };
    const char *answer[2];
    struct http_answer a;
    struct error err = { 0 };
    struct http *h;

    buf_adds(&moved[0],
             "HTTP/1.1 307 There\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
    buf_printf(&moved[1],
               "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%d/c\r\nContent-Length: "
               "0\r\n\r\n",
               other.port);
    answer[0] = moved[0].s;
    answer[1] = moved[1].s;
    first = start(answer, 2);
    buf_printf(&url, "http://127.0.0.1:%d/a", first.port);
    q.url = url.s;
    cr_assert_eq(http_open(&h, &err), 0, "%s", err.text);
    cr_assert_eq(http_send(h, &q, &a, &err), 0, "%s", err.text);
    cr_assert_str_eq(got.s, "ok");
    stop(&first, &asked);
    stop(&other, &asked_other);
    cr_assert(strstr(asked.s, "GET /b") && strstr(asked_other.s, "GET /c"));
    cr_assert(strstr(strstr(asked.s, "GET /b"), "Bearer our-secret"), "%s", asked.s);
    cr_assert_not(strstr(asked_other.s, "our-secret"), "%s", asked_other.s);
    http_answer_release(&a);
    http_close(h);
    buf_release(&url);
    buf_release(&moved[0]);
    buf_release(&moved[1]);
    buf_release(&asked);
    buf_release(&asked_other);
    buf_release(&got);
}

/* A body that is a secret is for the host alone that was asked. */
Test(http, a_secret_body_stays)
{
    static const char form[] = "refresh_token=our-secret";
    const char *answer[] = {
        "HTTP/1.1 307 There\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 307 There\r\nLocation: http://localhost:1/c?d=e\r\nContent-Length: "
        "0\r\n\r\n"
    };
    struct server s = start(answer, 2);
    struct buf url = { 0 }, asked = { 0 };
    struct body_text text = { form, sizeof form - 1, 0 };
    const struct remote_body body = body_of_text(&text);
    struct http_request q = { .method = "POST", .body = &body, .stays = true };
    struct http_answer a;
    struct error err = { 0 };
    struct http *h;

    buf_printf(&url, "http://127.0.0.1:%d/a", s.port);
    q.url = url.s;
    q.authorization = "";
    cr_assert_eq(http_open(&h, &err), 0, "%s", err.text);
    cr_assert_eq(http_send(h, &q, &a, &err), E_REMOTE);
    cr_assert(
        strstr(err.text, "/a: it leads to http://localhost:1/c, which must not learn"),
        "%s", err.text);
    stop(&s, &asked);
    cr_assert(strstr(asked.s, "POST /a") && strstr(asked.s, "POST /b"), "%s", asked.s);
    http_answer_release(&a);
    http_close(h);
    buf_release(&url);
    buf_release(&asked);
}

/* ---- several connections ----------------------------------------------------------- */

enum { FILE_SIZE = (40 << 20) + 77, FROM = 1000, WANTED = FILE_SIZE - 3000 };

static unsigned char byte_at(long long i)
{
    return (unsigned char)(i * 2654435761U >> 11);
}

enum trouble { NO_TROUBLE, NO_RANGES, CUT, BUSY, OTHER_RANGE };

/* Answers requests for parts of a file, one connection each; the third one has trouble.
 */
static void serve_parts(int listening, int to, enum trouble trouble)
{
    char *bytes = malloc(FILE_SIZE);

    for (long long i = 0; i < FILE_SIZE; i++)
        bytes[i] = (char)byte_at(i);
    for (int number = 1;; number++) {
        int fd = accept(listening, NULL, NULL);
        char text[4096] = "", head[200];
        long long from = 0, last = FILE_SIZE - 1;
        const char *range;
        ssize_t n = read(fd, text, sizeof text - 1);
        size_t size, done = 0;

        if (n <= 0 || write(to, "x", 1) < 0) {
            close(fd);
            continue;
        }
        range = strstr(text, "Range: bytes=");
        if (range && trouble != NO_RANGES)
            sscanf(range, "Range: bytes=%lld-%lld", &from, &last);
        if (number == 3 && trouble == OTHER_RANGE)
            from++;
        size = (size_t)(last + 1 - from);
        if (number == 3 && trouble == BUSY)
            snprintf(head, sizeof head, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
        else if (trouble == NO_RANGES)
            snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                     size);
        else
            snprintf(head, sizeof head,
                     "HTTP/1.1 206 Part\r\nContent-Range: bytes %lld-%lld/%d\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     from, last, FILE_SIZE, size);
        if (write(fd, head, strlen(head)) < 0 || !strncmp(head + 9, "503", 3))
            size = 0;
        if (number == 3 && trouble == CUT)
            size /= 2;
        while (done < size && (n = write(fd, bytes + from + done, size - done)) > 0)
            done += (size_t)n;
        close(fd);
    }
}

/* All bytes, in their order, once. */
static int take_checked(void *self, const void *bytes, size_t n, struct error *err)
{
    long long *at = self;

    for (size_t i = 0; i < n; i++)
        if (((const unsigned char *)bytes)[i] != byte_at(*at + (long long)i))
            return error_set(err, E_CORRUPT, "another byte at %lld", *at + (long long)i);
    *at += (long long)n;
    return 0;
}

/* How many requests it took to bring the part. */
static size_t bring(enum trouble trouble)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM, 0), end[2];
    const struct remote_part part = { FROM, WANTED };
    long long at = FROM;
    const struct remote_sink to = { take_checked, &at };
    struct buf url = { 0 }, asked = { 0 };
    struct http_request q = { .method = "GET", .part = &part, .to = &to };
    struct http_answer a;
    struct error err = { 0 };
    struct server s;
    struct http *h;
    size_t n;

    cr_assert(bind(fd, (struct sockaddr *)&name, size) == 0 && listen(fd, 32) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)&name, &size) == 0 && pipe(end) == 0);
    s = (struct server){ fork(), ntohs(name.sin_port), end[0] };
    if (s.pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        serve_parts(fd, end[1], trouble);
    }
    close(end[1]);
    close(fd);
    buf_printf(&url, "http://127.0.0.1:%d", s.port);
    setenv("http_proxy", url.s, 1); /* so that the file is far away */
    unsetenv("no_proxy");
    q.url = "http://far.example/file";
    cr_assert_eq(http_open(&h, &err), 0, "%s", err.text);
    cr_assert_eq(http_send(h, &q, &a, &err), 0, "%d: %s", trouble, err.text);
    cr_assert_eq(at, FROM + WANTED, "%d: %lld", trouble, at);
    http_answer_release(&a);
    http_close(h);
    stop(&s, &asked);
    n = asked.len;
    buf_release(&asked);
    buf_release(&url);
    return n;
}

Test(http, a_large_part_comes_over_several_connections)
{
    cr_assert_eq(bring(NO_TROUBLE), 20);
}

Test(http, when_one_of_several_fails_one_goes_on)
{
    for (enum trouble t = NO_RANGES; t <= OTHER_RANGE; t++)
        cr_assert_gt(bring(t), 1);
}

/* What is wrong with an address, a bucket, a region is said before anybody is asked. */
/* The first answer breaks off behind its headers: the file has five bytes, and not none.
 */
Test(http, what_breaks_off_before_its_first_byte_is_asked_for_again)
{
    static const char *const answer[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    };
    struct server s = start(answer, 2);
    struct buf asked = { 0 }, got = { 0 }, url = { 0 };
    const struct remote_sink to = { take, &got };
    struct http_request q = { .method = "GET", .to = &to };
    struct http_answer a;
    struct error err = { 0 };
    struct http *h;

    buf_printf(&url, "http://127.0.0.1:%d/x", s.port);
    q.url = url.s;
    cr_assert_eq(http_open(&h, &err), 0, "%s", err.text);
    cr_assert_eq(http_send(h, &q, &a, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_str(&got), "hello");
    http_answer_release(&a);
    http_close(h);
    stop(&s, &asked);
    buf_release(&asked);
    buf_release(&got);
    buf_release(&url);
}

Test(http, addresses_of_object_stores)
{
    static const struct {
        const char *place, *url;
    } good[] = {
        { "//our-lab", "https://our-lab.s3.us-east-1.amazonaws.com/" },
        { "//our-lab/a/b/?region=eu-west-2",
          "https://our-lab.s3.eu-west-2.amazonaws.com/" },
        { "//our.lab/a", "https://s3.us-east-1.amazonaws.com/our.lab/" },
        { "//lab?endpoint=https://minio.lab:9000/", "https://minio.lab:9000/lab/" },
    };
    static const char *const bad[] = { "//",        "//ab",         "//Lab",
                                       "//-lab",    "//lab/a/../b", "//lab//a//b",
                                       "//lab/a?x", "//lab?region", "//lab?region=a/b",
                                       "//lab/ä" };
    struct error err = { 0 };

    clearenv();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct http_signer signer;
        struct buf url = { 0 };
        struct aws a;

        cr_assert_eq(aws_find(&a, good[i].place, &err), 0, "%s", err.text);
        aws_url(&a, &url);
        cr_assert_str_eq(url.s, good[i].url);
        cr_assert_not(aws_signer(&a, &signer));
        aws_release(&a);
        buf_release(&url);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct aws a;

        cr_assert_eq(aws_find(&a, bad[i], &err), E_REMOTE, "%s", bad[i]);
        aws_release(&a);
    }
}
