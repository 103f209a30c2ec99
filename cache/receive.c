#include "receive.h"

#include "layout.h"
#include "object.h"

#include "larder/banned.h"

int receive_open(struct receive *r, struct store *st, const struct digest *id,
                 long long size, long long max, struct buf *copy, struct error *err)
{
    *r = (struct receive){ .st = st, .id = *id, .size = size, .copy = copy };
    r->max = size >= 0 ? size : max;
    r->hasher = hasher_new();
    return r->rc = tempfile_open(&r->temp, st, err);
}

int receive_take(struct receive *r, const void *bytes, size_t n, struct error *err)
{
    if ((long long)n > r->max - r->got)
        return r->rc = error_set(err, E_CORRUPT, "more than its %lld bytes", r->max);
    r->rc = tempfile_write(&r->temp, bytes, n, err);
    if (r->rc < 0)
        return r->rc;
    hasher_add(r->hasher, bytes, n);
    if (r->copy)
        buf_add(r->copy, bytes, n);
    r->got += (long long)n;
    return 0;
}

int receive_check(struct receive *r, struct error *err)
{
    struct digest d;

    hasher_finish(r->hasher, &d);
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
    tempfile_release(&r->temp);
    hasher_free(r->hasher);
    *r = (struct receive){ 0 };
}
