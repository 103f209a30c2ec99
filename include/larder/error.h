/*
 * error - how a failure is told.
 *
 * A function that can fail takes `struct error *err` last and returns 0 (or a named
 * value >= 0), or a negative E_ code with the story in *err. Each level that knows more
 * adds it in front with error_context(). Libraries print nothing and never exit.
 */
#ifndef LARDER_ERROR_H
#define LARDER_ERROR_H

#include <stdarg.h>

enum {
    E_USAGE = -1,   /* the command line is wrong */
    E_INPUT = -2,   /* a recipe, a file or a value given to us is wrong */
    E_SYSTEM = -3,  /* the operating system refused */
    E_CORRUPT = -4, /* bytes are not what their name says */
    E_STAGE = -5,   /* a step failed */
    E_DEVICE = -6,  /* no such device, or it refused */
    E_TRUST = -7,   /* nobody whom we trust says so */
    E_REMOTE = -8,  /* a remote is away, or refuses */
    E_AGAIN = -9,   /* as E_DEVICE, but it may pass: a program ends with 75 */
};

struct error {
    int code;
    char text[1024]; /* one line or several, no newline at the end; cut, never overrun */
};

/* Sets *err and returns code. err may be NULL: the story is lost, the code is not. */
int error_set(struct error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Like error_set(err, E_SYSTEM, ...) with ": " and the text of errno added. */
int error_system(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "fmt: " in front of the story and returns its code, which must be negative. */
int error_context(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit status of the command line for a code (0 for code >= 0). */
int error_exit_status(int code);

#endif
