/*
 * body - bytes on their way to a remote or from it, as its calls want them: from memory,
 * from a file, into memory.
 */
#ifndef LARDER_BODY_H
#define LARDER_BODY_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "remote.h"

/* What is given; bytes are borrowed. */
struct body_text {
    const char *bytes;
    size_t size, at;
};
struct remote_body body_of_text(struct body_text *t);

struct body_file {
    int fd;
    long long size, at;
};
struct remote_body body_of_file(struct body_file *f);

/* The digest of all of it, which is read for it; then it begins again. */
int body_hash(const struct remote_body *body, struct digest *id, struct error *err);

/* What is taken: at most max bytes. text is yours. */
struct sink_text {
    struct buf text;
    size_t max;
    bool too_long; /* there was more, which ended the transfer */
};
struct remote_sink sink_to_text(struct sink_text *s);

#endif
