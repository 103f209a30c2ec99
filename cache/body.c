#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "larder/io.h"

#include "larder/mem.h"

#include "larder/banned.h"

static int give_text(void *self, void *bytes, size_t n, size_t *got, struct error *err)
{
    struct body_text *t = self;

    (void)err;
    *got = n < t->size - t->at ? n : t->size - t->at;
    if (*got)
        memcpy(bytes, t->bytes + t->at, *got);
    t->at += *got;
    return 0;
}

static void give_text_again(void *self)
{
    ((struct body_text *)self)->at = 0;
}

struct remote_body body_of_text(struct body_text *t)
{
    return (struct remote_body){ give_text, give_text_again, t, (long long)t->size };
}

static int give_file(void *self, void *bytes, size_t n, size_t *got, struct error *err)
{
    struct body_file *f = self;
    ssize_t k = io_pread(f->fd, bytes, n, (off_t)f->at);

    if (k < 0)
        return error_system(err, "cannot read what is to be given");
    f->at += k;
    *got = (size_t)k;
    return 0;
}

static void give_file_again(void *self)
{
    ((struct body_file *)self)->at = 0;
}

struct remote_body body_of_file(struct body_file *f)
{
    return (struct remote_body){ give_file, give_file_again, f, f->size };
}

int body_hash(const struct remote_body *body, struct digest *id, struct error *err)
{
    struct hasher *hasher = hasher_new();
    char *bytes = xmalloc(DIGEST_CHUNK);
    size_t got;
    int rc;

    do {
        rc = body->give(body->self, bytes, DIGEST_CHUNK, &got, err);
        if (rc == 0)
            hasher_add(hasher, bytes, got);
    } while (rc == 0 && got > 0);
    hasher_finish(hasher, id);
    hasher_free(hasher);
    free(bytes);
    body->again(body->self);
    return rc;
}

static int take_text(void *self, const void *bytes, size_t n, struct error *err)
{
    struct sink_text *s = self;

    if (n > s->max - s->text.len) {
        s->too_long = true;
        return error_set(err, E_CORRUPT, "more than the %zu bytes that it may have",
                         s->max);
    }
    buf_add(&s->text, bytes, n);
    return 0;
}

struct remote_sink sink_to_text(struct sink_text *s)
{
    return (struct remote_sink){ take_text, s };
}
