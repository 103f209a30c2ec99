/*
 * moved - who hears how many bytes have come or gone, while they do.
 */
#ifndef LARDER_MOVED_H
#define LARDER_MOVED_H

#include <stddef.h>

struct moved { /* all-zero: nobody */
    void (*tell)(void *self, size_t n);
    void *self;
};

static inline void moved_tell(const struct moved *m, size_t n)
{
    if (m->tell)
        m->tell(m->self, n);
}

#endif
