#include "kit/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "kit/number.h"
#include "larder/buf.h"

#include "larder/banned.h"

enum { STEP_INTERVAL_MS = 100 };

/* The one channel of the process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int channel = -1;
static bool looked;
static long long last_step_ms;

/* The descriptor that LARDER_PROGRESS names, or -1. */
static int open_channel(void)
{
    const char *text = getenv("LARDER_PROGRESS");
    long fd;

    if (text == NULL || number_long(text, &fd) != NUMBER_OK || fd < 0 || fd > 65535)
        return -1;
    if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
        return -1;
    signal(SIGPIPE, SIG_IGN); /* a watcher that has gone must not end the work */
    return (int)fd;
}

/* With the lock held. */
static bool watched(void)
{
    if (!looked) {
        looked = true;
        channel = open_channel();
    }
    return channel >= 0;
}

/* With the lock held: one line in one write, so that lines of two processes do not mix. A
 * line that does not fit a full pipe is dropped. */
static void send_line(struct buf *line)
{
    ssize_t n;

    buf_addc(line, '\n');
    do
        n = write(channel, buf_str(line), line->len);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN)
        channel = -1;
}

void progress_step(long done, long total, const char *unit)
{
    struct timespec now;
    struct buf line = { 0 };
    long long ms;

    pthread_mutex_lock(&lock);
    if (watched()) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
        if (done == total || last_step_ms == 0 || ms - last_step_ms >= STEP_INTERVAL_MS) {
            last_step_ms = ms;
            buf_printf(&line, "progress %ld %ld ", done, total);
            buf_add_escaped(&line, unit);
            send_line(&line);
        }
    }
    pthread_mutex_unlock(&lock);
    buf_release(&line);
}

void progress_metric(const char *name, double value)
{
    struct buf line = { 0 };

    pthread_mutex_lock(&lock);
    if (watched()) {
        buf_adds(&line, "metric ");
        buf_add_escaped(&line, name);
        buf_addc(&line, ' ');
        buf_add_double(&line, value);
        send_line(&line);
    }
    pthread_mutex_unlock(&lock);
    buf_release(&line);
}

void progress_note(const char *fmt, ...)
{
    struct buf text = { 0 }, line = { 0 };
    va_list ap;

    pthread_mutex_lock(&lock);
    if (watched()) {
        va_start(ap, fmt);
        buf_vprintf(&text, fmt, ap);
        va_end(ap);
        buf_adds(&line, "note ");
        buf_add_escaped(&line, buf_str(&text));
        send_line(&line);
    }
    pthread_mutex_unlock(&lock);
    buf_release(&line);
    buf_release(&text);
}
