#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "signed.h"

#include "larder/banned.h"

int spool_add(struct spool *s, struct store *st, const struct buf *text,
              struct error *err)
{
    int rc = s->file.st ? 0 : tempfile_open(&s->file, st, err);

    if (rc == 0)
        rc = tempfile_write(&s->file, text->s, text->len, err);
    if (rc < 0)
        return rc;
    GROW(s->text, s->n + 1, s->cap);
    s->text[s->n++] = (struct spooled){ s->size, text->len };
    s->size += (long long)text->len;
    return 0;
}

int spool_read(const struct spool *s, size_t i, struct buf *text, struct error *err)
{
    const struct spooled *r = &s->text[i];

    buf_reset(text);
    buf_reserve(text, r->size);
    while (text->len < r->size) {
        ssize_t n = io_pread(s->file.fd, text->s + text->len, r->size - text->len,
                             r->from + (long long)text->len);

        if (n == 0)
            errno = EIO; /* it was written a moment ago */
        if (n <= 0)
            return error_system(err, "cannot read in the store");
        text->len += (size_t)n;
    }
    return 0;
}

static int keep(const struct spool *s, size_t i, struct store *st, struct buf *text,
                struct error *err)
{
    struct record *rec = NULL;
    int rc = spool_read(s, i, text, err);

    if (rc == 0)
        rc = signed_read(&rec, text->s, text->len, err);
    if (rc == 0)
        rc = signed_keep(st, rec, text->s, text->len, err);
    record_free(rec);
    return rc;
}

int spool_keep(struct spool *s, struct store *st, struct error *err)
{
    struct buf text = { 0 };
    int rc = 0;

    for (size_t i = 0; i < s->n && rc == 0; i++)
        rc = keep(s, i, st, &text, err);
    buf_release(&text);
    return rc;
}

void spool_release(struct spool *s)
{
    tempfile_release(&s->file);
    free(s->text);
    *s = (struct spool){ 0 };
}
