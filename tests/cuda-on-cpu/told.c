#include "told.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void told_stop(const char *fmt, ...)
{
    char text[600];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0)
        dprintf(STDERR_FILENO, "cuda-on-cpu: %s\n", text);
    signal(SIGABRT, SIG_DFL);
    abort();
}
