#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "larder/fs.h"
#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

extern char **environ;

enum { ANSWER_MAX = 64 << 10, SERVER_MAX = 1024 };

/* ---- what it says ------------------------------------------------------------------ */

static void wipe(struct buf *b)
{
    if (b->s)
        explicit_bzero(b->s, b->cap);
    buf_release(b);
}

void credential_release(struct credential *c)
{
    wipe(&c->basic);
    wipe(&c->token);
}

static void add_base64(struct buf *to, const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text);

    for (size_t at = 0; at < n; at += 3) {
        unsigned bits = 0;

        for (size_t i = at; i < at + 3; i++)
            bits = bits << 8 | (i < n ? (unsigned char)text[i] : 0);
        for (size_t i = 0; i < 4; i++)
            buf_addc(to, at + i <= n ? letters[bits >> (18 - 6 * i) & 63] : '=');
    }
}

int credential_read(const char *text, size_t n, struct credential *c, struct error *err)
{
    json_t *root = json_loadb(text, n, 0, NULL);
    const char *name = json_string_value(json_object_get(root, "Username"));
    const char *secret = json_string_value(json_object_get(root, "Secret"));
    struct buf pair = { 0 };
    int rc = 0;

    if (!name || !secret || !*name || !*secret || strchr(name, ':')) {
        rc = error_set(err, E_REMOTE, "prints no login");
    } else if (!strcmp(name, "<token>")) {
        buf_adds(&c->token, secret);
    } else {
        buf_reserve(&pair, strlen(name) + strlen(secret) + 1);
        buf_printf(&pair, "%s:%s", name, secret);
        buf_reserve(&c->basic, pair.len * 2 + 4);
        add_base64(&c->basic, pair.s);
    }
    wipe(&pair);
    json_decref(root);
    return rc;
}

/* What every helper prints when it knows nothing of a server. */
static bool says_none(const struct buf *text)
{
    static const char none[] = "credentials not found in native keychain";
    const char *s = buf_str(text);

    s += strspn(s, " \t\r\n");
    return !strncmp(s, none, sizeof none - 1) &&
           s[sizeof none - 1 + strspn(s + sizeof none - 1, " \t\r\n")] == '\0';
}

/* ---- the program ------------------------------------------------------------------- */

static bool is_word(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-";

    return *name && strlen(name) <= 64 && name[strspn(name, good)] == '\0';
}

/* A relative folder of PATH does not count: what is there may be of the project that we
 * are in, and not ours. */
static bool find_program(const char *name, struct buf *path)
{
    const char *all = getenv("PATH");

    for (const char *p = all ? all : ""; *p;) {
        size_t n = strcspn(p, ":");

        buf_reset(path);
        buf_printf(path, "%.*s/docker-credential-%s", (int)n, p, name);
        if (*p == '/' && io_faccessat(AT_FDCWD, path->s, X_OK, 0) == 0 &&
            !fs_is_dir(path->s))
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

/* 0 or errno. Nothing of ours is open in it, it has no terminal to ask on, and what it
 * says of errors is dropped. */
static int start(const char *path, int in, int out, pid_t *pid)
{
    const char *const argv[] = { path, "get", NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    int rc;

    sigemptyset(&none); /* a run blocks the signals that it listens to */
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    rc = posix_spawn(pid, path, &files, &how, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return rc;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        io_close(fd);
}

/* Starts it with the name of the server as its input, which a pipe holds without a
 * reader. *out: the end that its answer comes from. */
static int launch(const char *path, const char *server, pid_t *pid, int *out,
                  struct error *err)
{
    int in[2] = { -1, -1 }, from[2] = { -1, -1 }, rc = 0;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0 ||
        fs_write_all(in[1], server, strlen(server)) < 0) {
        rc = error_system(err, "cannot start %s", path);
    } else {
        close_fd(in[1]);
        in[1] = -1;
        errno = start(path, in[0], from[1], pid);
        if (errno)
            rc = error_system(err, "cannot start %s", path);
    }
    close_fd(in[0]);
    close_fd(in[1]);
    close_fd(from[1]);
    if (rc < 0)
        close_fd(from[0]);
    *out = rc < 0 ? -1 : from[0];
    return rc;
}

/* ---- its answer -------------------------------------------------------------------- */

static long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* False at the end. */
static bool take(int fd, struct buf *to)
{
    char bytes[4096];
    ssize_t n = io_read(fd, bytes, sizeof bytes);

    if (n > 0)
        buf_add(to, bytes, (size_t)n);
    explicit_bzero(bytes, sizeof bytes);
    return n > 0;
}

/* Until it has ended and said all; false when the time is over, or it says too much. */
static bool listen_to(int out, int pidfd, int limit_ms, struct buf *text)
{
    struct pollfd fd[2] = { { .fd = out, .events = POLLIN },
                            { .fd = pidfd, .events = POLLIN } };
    long long until = now_ms() + limit_ms;

    buf_reserve(text, ANSWER_MAX + 4096); /* so that it is not copied about */
    while (fd[0].fd >= 0 || fd[1].fd >= 0) {
        long long left = until - now_ms();

        if (left <= 0 || text->len > ANSWER_MAX)
            return false;
        if (poll(fd, 2, (int)left) <= 0)
            continue;
        if (fd[0].revents && !take(out, text))
            fd[0].fd = -1;
        if (fd[1].revents)
            fd[1].fd = -1;
    }
    return text->len <= ANSWER_MAX;
}

/* Its status as of wait(), or E_REMOTE. */
static int hear(const char *name, pid_t pid, int out, int limit_ms, struct buf *text,
                struct error *err)
{
    int pidfd = pidfd_open(pid, 0), status = 0;
    bool heard = pidfd >= 0 && listen_to(out, pidfd, limit_ms, text);

    if (!heard)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close_fd(pidfd);
    if (heard)
        return status;
    if (pidfd < 0)
        return error_set(err, E_REMOTE,
                         "docker-credential-%s cannot be waited for; free "
                         "some file descriptors",
                         name);
    if (text->len > ANSWER_MAX)
        return error_set(
            err, E_REMOTE,
            "docker-credential-%s prints more than %d KiB, which is no login; "
            "install it anew",
            name, ANSWER_MAX >> 10);
    return error_set(
        err, E_REMOTE,
        "docker-credential-%s gave no answer for %.3g s and was ended; unlock "
        "what it waits for",
        name, limit_ms / 1e3);
}

/* What an answer comes to. */
static int judge(const char *name, const char *server, int status, const struct buf *text,
                 struct credential *c, struct error *err)
{
    struct error why = { 0 };

    if (status == 0 && credential_read(buf_str(text), text->len, c, &why) == 0)
        return HELPER_FOUND;
    if (status != 0 && says_none(text))
        return HELPER_NONE;
    if (status != 0)
        snprintf(why.text, sizeof why.text, "fails with %s %d",
                 WIFEXITED(status) ? "exit status" : "signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return error_set(err, E_REMOTE,
                     "docker-credential-%s %s; log in again with `docker login %s`", name,
                     why.text, server);
}

int helper_ask(const char *name, const char *server, int limit_ms, struct credential *c,
               struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    int out = -1, rc;
    pid_t pid = 0;

    if (!is_word(name) || strlen(server) > SERVER_MAX)
        return error_set(err, E_REMOTE,
                         "it names a helper for passwords as no program is called; log "
                         "in again with `docker login %.200s`",
                         server);
    if (!find_program(name, &path))
        rc =
            error_set(err, E_REMOTE,
                      "docker-credential-%s, which is to have the login, is in no folder "
                      "of PATH; install it",
                      name);
    else
        rc = launch(path.s, server, &pid, &out, err);
    if (rc == 0)
        rc = hear(name, pid, out, limit_ms, &text, err);
    if (rc >= 0)
        rc = judge(name, server, rc, &text, c, err);
    close_fd(out);
    wipe(&text);
    buf_release(&path);
    return rc < 0 ? E_REMOTE : rc;
}

/* ---- once is enough ---------------------------------------------------------------- */

struct answer {
    struct answer *next;
    char *name, *server;
    struct credential credential;
    int rc;
    struct error why;
};

static struct answer *answers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of them */

static const struct answer *ask_once(const char *name, const char *server)
{
    struct answer *a = answers;

    while (a && (strcmp(a->name, name) != 0 || strcmp(a->server, server) != 0))
        a = a->next;
    if (a)
        return a;
    a = xcalloc(1, sizeof *a);
    a->name = xstrdup(name);
    a->server = xstrdup(server);
    a->rc = helper_ask(name, server, HELPER_LIMIT_MS, &a->credential, &a->why);
    a->next = answers;
    return answers = a;
}

int helper_find(const char *name, const char *server, struct credential *c,
                struct error *err)
{
    const struct answer *a;
    int rc;

    pthread_mutex_lock(&lock);
    a = ask_once(name, server);
    rc = a->rc;
    buf_adds(&c->basic, buf_str(&a->credential.basic));
    buf_adds(&c->token, buf_str(&a->credential.token));
    if (rc < 0)
        error_set(err, rc, "%s", a->why.text);
    pthread_mutex_unlock(&lock);
    return rc;
}
