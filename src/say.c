#include "say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"

/* when: the word of --color, or NULL */
static bool wants_color(const char *when, FILE *to)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    if (when && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    if ((no && *no) || !term || !strcmp(term, "dumb"))
        return false;
    return isatty(fileno(to));
}

void say_init(struct say *say, const struct cli *cli, FILE *to)
{
    say->to = to;
    say->level = cli->quiet ? SAY_QUIET : cli->verbose ? SAY_VERBOSE : SAY_NORMAL;
    say->color = wants_color(cli->color, to);
    say->foot = NULL;
}

void say_line(const struct say *say, enum say_level level, enum say_tone tone,
              const char *fmt, ...)
{
    static const char *const start[] = { "", "\033[32m", "\033[31m", "\033[2m" };
    struct buf line = { 0 };
    va_list ap;

    if (say->level < level)
        return;
    if (say->foot)
        foot_lift(say->foot, &line);
    va_start(ap, fmt);
    if (say->color && tone != TONE_PLAIN)
        buf_adds(&line, start[tone]);
    buf_vprintf(&line, fmt, ap);
    if (say->color && tone != TONE_PLAIN)
        buf_adds(&line, "\033[0m");
    buf_addc(&line, '\n');
    va_end(ap);
    if (say->foot)
        foot_put(say->foot, &line);
    fwrite(line.s, 1, line.len, say->to);
    fflush(say->to);
    buf_release(&line);
}

void say_error(const struct say *say, const struct error *err)
{
    say_line(say, SAY_QUIET, TONE_BAD, "larder: %s", err->text);
}

void say_seconds(double seconds, struct buf *to)
{
    long whole = (long)(seconds + 0.5);

    if (seconds < 119.95)
        buf_printf(to, "%.1f s", seconds);
    else if (whole < 7200)
        buf_printf(to, "%ld min %ld s", whole / 60, whole % 60);
    else
        buf_printf(to, "%ld h %ld min", whole / 3600, whole % 3600 / 60);
}

void say_time(long long when, struct buf *to)
{
    time_t t = (time_t)when;
    struct tm tm;
    char text[40];

    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    buf_adds(to, text);
}

void say_roughly(double seconds, struct buf *to)
{
    long whole = (long)(seconds + 0.5);

    if (whole < 120)
        buf_printf(to, "%ld s", whole);
    else if (whole < 7200)
        buf_printf(to, "%ld min", (whole + 30) / 60);
    else
        buf_printf(to, "%ld h %ld min", whole / 3600, whole % 3600 / 60);
}

void say_bytes(long long size, struct buf *to)
{
    static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
    double x = (double)size;
    int i = -1;

    if (size < 1024) {
        buf_printf(to, "%lld B", size);
        return;
    }
    while (x >= 1023.95 && i < 4) {
        x /= 1024;
        i++;
    }
    buf_printf(to, "%.1f %s", x, unit[i]);
}
