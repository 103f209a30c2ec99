#include "jobserver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/mem.h"

/* ---- the client -------------------------------------------------------------------- */

/* The value of the last word that begins with prefix, among those before "--"; n bytes of
 * it. NULL where there is none. */
static const char *find_word(const char *flags, const char *prefix, size_t *n)
{
    const char *found = NULL;

    for (const char *p = flags; *p;) {
        size_t length = strcspn(p, " \t");

        if (length == 2 && !strncmp(p, "--", 2))
            break;
        if (!strncmp(p, prefix, strlen(prefix)) && length >= strlen(prefix)) {
            found = p + strlen(prefix);
            *n = length - strlen(prefix);
        }
        p += length;
        p += strspn(p, " \t");
    }
    return found;
}

/* Another open file of the pipe's end, so that reading does not block us alone. */
static int reopen(int fd, int flags)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, flags | O_NONBLOCK | O_CLOEXEC);
}

/* "3,4": two ends of one pipe, unless make closed them and the numbers mean nothing. */
static bool open_pipe(struct jobserver *j, const char *numbers)
{
    struct stat in, out;
    char *end;
    long r = strtol(numbers, &end, 10), w = *end == ',' ? strtol(end + 1, NULL, 10) : -1;

    if (r < 0 || w < 0 || fstat((int)r, &in) < 0 || fstat((int)w, &out) < 0 ||
        !S_ISFIFO(in.st_mode) || in.st_dev != out.st_dev || in.st_ino != out.st_ino)
        return false;
    j->in = reopen((int)r, O_RDONLY);
    j->out = reopen((int)w, O_WRONLY);
    return j->in >= 0 && j->out >= 0;
}

static bool open_fifo(struct jobserver *j, const char *path, size_t n)
{
    char *name = xstrndup(path, n);
    struct stat st;

    j->in = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    j->out = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    free(name);
    return j->in >= 0 && j->out >= 0 && fstat(j->in, &st) == 0 && S_ISFIFO(st.st_mode);
}

static void close_ends(struct jobserver *j)
{
    if (j->in >= 0)
        close(j->in);
    if (j->out >= 0)
        close(j->out);
    j->in = j->out = -1;
}

void jobserver_open(struct jobserver *j, const char *flags)
{
    static const char fifo[] = "fifo:";
    const char *auth, *jobs;
    bool open;
    size_t n, n_jobs;

    *j = (struct jobserver){ .in = -1, .out = -1 };
    auth = flags ? find_word(flags, "--jobserver-auth=", &n) : NULL;
    if (!auth)
        return;
    jobs = find_word(flags, "-j", &n_jobs);
    if (jobs)
        j->jobs = (int)strtol(jobs, NULL, 10);
    if (!strncmp(auth, fifo, sizeof fifo - 1))
        open = open_fifo(j, auth + sizeof fifo - 1, n - (sizeof fifo - 1));
    else
        open = open_pipe(j, auth);
    j->state = open ? JOBSERVER_OPEN : JOBSERVER_AWAY;
    if (!open)
        close_ends(j);
}

bool jobserver_take(struct jobserver *j)
{
    char token;
    ssize_t n;

    if (j->state != JOBSERVER_OPEN)
        return false;
    while ((n = read(j->in, &token, 1)) < 0 && errno == EINTR)
        ;
    if (n != 1)
        return false;
    GROW(j->token, j->n + 1, j->cap);
    j->token[j->n++] = token;
    return true;
}

void jobserver_keep(struct jobserver *j, size_t n)
{
    while (j->n > n)
        if (write(j->out, &j->token[j->n - 1], 1) == 1 || errno != EINTR)
            j->n--;
}

void jobserver_close(struct jobserver *j)
{
    if (j->state == JOBSERVER_OPEN) {
        jobserver_keep(j, 0);
        close_ends(j);
    }
    free(j->token);
    *j = (struct jobserver){ 0 };
}

/* ---- the server -------------------------------------------------------------------- */

/* A number of two digits at least. */
static int move_up(int fd)
{
    int up = fcntl(fd, F_DUPFD_CLOEXEC, 10);

    close(fd);
    return up;
}

int jobserver_serve(int ends[2], int n, struct buf *flags, struct error *err)
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_system(err, "a pipe for a job server");
    for (int i = 0; i < 2; i++)
        ends[i] = move_up(ends[i]);
    for (int i = 0; i < n; i++)
        if (write(ends[1], "+", 1) != 1)
            return error_system(err, "a pipe for a job server");
    buf_printf(flags, " -j%d --jobserver-auth=%d,%d", n + 1, ends[0], ends[1]);
    return 0;
}
