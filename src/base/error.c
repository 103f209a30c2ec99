#include "larder/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "larder/banned.h"

static void __attribute__((format(printf, 2, 0)))
set_text(struct error *err, const char *fmt, va_list ap)
{
    vsnprintf(err->text, sizeof err->text, fmt, ap);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        va_start(ap, fmt);
        set_text(err, fmt, ap);
        va_end(ap);
        err->code = code;
    }
    return code;
}

int error_system(struct error *err, const char *fmt, ...)
{
    int why = errno;
    va_list ap;

    if (err) {
        size_t n;

        va_start(ap, fmt);
        set_text(err, fmt, ap);
        va_end(ap);
        n = strlen(err->text);
        snprintf(err->text + n, sizeof err->text - n, ": %s", strerror(why));
        err->code = E_SYSTEM;
    }
    errno = why;
    return E_SYSTEM;
}

int error_context(struct error *err, const char *fmt, ...)
{
    char front[sizeof err->text];
    char story[sizeof err->text];
    va_list ap;

    if (!err)
        return E_SYSTEM;
    va_start(ap, fmt);
    vsnprintf(front, sizeof front, fmt, ap);
    va_end(ap);
    memcpy(story, err->text, sizeof story);
    snprintf(err->text, sizeof err->text, "%s", front);
    size_t n = strlen(err->text);
    snprintf(err->text + n, sizeof err->text - n, ": %s", story);
    return err->code;
}

int error_exit_status(int code)
{
    static const int status[] = {
        [0] = 0,          [-E_USAGE] = 2, [-E_INPUT] = 3,  [-E_SYSTEM] = 8,
        [-E_CORRUPT] = 5, [-E_STAGE] = 1, [-E_DEVICE] = 8, [-E_TRUST] = 6,
        [-E_REMOTE] = 7,  [-E_AGAIN] = 8,
    };

    if (code >= 0)
        return 0;
    return -code < (int)(sizeof status / sizeof *status) ? status[-code] : 70;
}
