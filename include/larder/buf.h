/*
 * buf - the one string builder.
 *
 * All-zero is an empty buf. Once used it is always NUL-terminated; it may also hold NUL
 * bytes. Memory exhaustion ends the process (see mem.h).
 */
#ifndef LARDER_BUF_H
#define LARDER_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *s;
    size_t len, cap;
};

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
void buf_reset(struct buf *b);             /* len = 0; keeps the memory */
void buf_cut(struct buf *b, size_t len);   /* shortens to len */
void buf_reserve(struct buf *b, size_t n); /* room for n more bytes */
const char *buf_str(const struct buf *b); /* borrowed until the next change; never NULL */
char *buf_take(struct buf *b);            /* new (free()); b is empty afterwards */
void buf_release(struct buf *b);

/* Adds s so that it fits one line: \ as \\, newline as \n, tab as \t, CR as \r, other
 * control bytes as \xNN. */
void buf_add_escaped(struct buf *b, const char *s);
/* Adds s with & < > " ' written as HTML entities. */
void buf_add_html(struct buf *b, const char *s);
/* Adds the decimal text with the fewest digits that reads back as x ("0.5", "30",
 * "1e-05"; an exponent below 1e-4 and from 1e16); the same on every machine. */
void buf_add_double(struct buf *b, double x);

#endif
