#include "receive.h"

#include <fcntl.h>
#include <stdlib.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "object.h"
#include "sidehash.h"

#include "larder/banned.h"

static void hash(struct receive *r, const void *bytes, size_t n)
{
    if (r->beside)
        sidehash_add(r->beside, bytes, n);
    else
        hasher_add(r->hasher, bytes, n);
}

static void finish(struct receive *r, struct digest *d)
{
    if (r->beside)
        sidehash_finish(r->beside, d);
    else
        hasher_finish(r->hasher, d);
    r->checked = true;
}

/* Hashes what is there, so that the rest can follow; more than there may be is nothing.
 */
static int go_on(struct receive *r, struct error *err)
{
    char *bytes = xmalloc(DIGEST_CHUNK);
    ssize_t n = 1;

    if (r->had > r->max && io_ftruncate(r->temp.fd, 0) < 0)
        n = -1;
    while (n > 0 && r->had <= r->max) {
        n = io_pread(r->temp.fd, bytes, DIGEST_CHUNK, (off_t)r->got);
        if (n > 0) {
            hash(r, bytes, (size_t)n);
            r->got += n;
        }
    }
    free(bytes);
    r->had = r->got;
    if (n < 0 || io_lseek(r->temp.fd, (off_t)r->got, SEEK_SET) < 0)
        return error_system(err, "cannot go on with %s", r->temp.path);
    return 0;
}

int receive_open(struct receive *r, struct store *st, const struct digest *id,
                 long long size, long long max, struct buf *copy, struct error *err)
{
    *r = (struct receive){ .st = st, .id = *id, .size = size, .copy = copy };
    r->max = size >= 0 ? size : max;
    r->hasher = hasher_new();
    return r->rc = tempfile_open(&r->temp, st, err);
}

int receive_resume(struct receive *r, struct store *st, const struct digest *id,
                   long long size, struct sidehash *beside, struct error *err)
{
    *r = (struct receive){ .st = st, .id = *id, .size = size, .max = size };
    r->hasher = hasher_new();
    r->beside = beside;
    r->rc = tempfile_resume(&r->temp, st, id, &r->had, err);
    if (r->rc == 0 && r->had > 0)
        r->rc = go_on(r, err);
    if (r->rc == 0)
        sidehash_write(beside, r->temp.fd);
    return r->rc;
}

void receive_beside(struct receive *r, struct sidehash *beside)
{
    r->beside = beside;
    sidehash_write(beside, r->temp.fd);
}

/* Told once it is known, which is after the bytes that could not be written. */
static int tell_failure(struct receive *r, struct error *err)
{
    return sidehash_failed(r->beside) ? tempfile_cannot_write(&r->temp, err) : 0;
}

int receive_take(struct receive *r, const void *bytes, size_t n, struct error *err)
{
    if ((long long)n > r->max - r->got)
        return r->rc = error_set(err, E_CORRUPT, "more than its %lld bytes", r->max);
    hash(r, bytes, n);
    r->rc = r->beside ? tell_failure(r, err) : tempfile_write(&r->temp, bytes, n, err);
    if (r->rc < 0)
        return r->rc;
    if (r->copy)
        buf_add(r->copy, bytes, n);
    r->got += (long long)n;
    return 0;
}

int receive_check(struct receive *r, struct error *err)
{
    struct digest d;

    finish(r, &d);
    r->rc = r->beside ? tell_failure(r, err) : 0;
    if (r->rc < 0)
        return r->rc;
    if (r->size >= 0 && r->got != r->size)
        return r->rc = error_set(err, E_CORRUPT, "%lld bytes, not %lld", r->got, r->size);
    if (!digest_equal(&d, &r->id))
        return r->rc = error_set(err, E_CORRUPT, "its bytes have another digest");
    return 0;
}

int receive_publish(struct receive *r, bool sync, struct error *err)
{
    struct fs_state state;
    struct buf path = { 0 };

    layout_object(r->st, &r->id, &path);
    r->rc = tempfile_publish(&r->temp, &path, true, sync, &state, err);
    if (r->rc == 0)
        object_remember(r->st, &r->id, &state);
    buf_release(&path);
    return r->rc;
}

void receive_release(struct receive *r)
{
    struct digest none;

    if (r->beside && !r->checked)
        finish(r, &none); /* it is used again */
    if (r->rc == E_CORRUPT)
        tempfile_discard(&r->temp);
    else
        tempfile_release(&r->temp);
    hasher_free(r->hasher);
    *r = (struct receive){ 0 };
}
