#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ahead.h"
#include "attested.h"
#include "envelope.h"
#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "object.h"
#include "sidehash.h"

#include "larder/banned.h"

bool volume_is_credible(long long size, long long file_size)
{
    return (size - VOLUME_SLACK) / VOLUME_RATIO <= file_size;
}

void volume_record_name(const struct bundle_record *r, struct buf *name)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(&r->key, hex);
    buf_printf(name, "ac/%.2s/%s/%s", hex, hex, r->by.text);
}

void volume_attestation_name(const struct bundle_attestation *a, struct buf *name)
{
    attested_name(&a->key, &a->record, &a->by, name);
}

void volume_object_name(const struct bundle_object *o, struct buf *name)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(&o->id, hex);
    buf_printf(name, "cas/%.2s/%s", hex, hex);
}

int volume_add_text(struct tarout *t, const char *name, const char *text, size_t n,
                    struct error *err)
{
    int rc = tarout_begin(t, name, (long long)n, err);

    return rc == 0 ? tarout_add(t, text, n, err) : rc;
}

static int changed(const struct bundle_object *o, const char *how, struct error *err)
{
    char hex[DIGEST_HEX + 1];

    return error_set(err, E_CORRUPT, "object sha256:%s is %s in our own cache",
                     digest_hex(&o->id, hex), how);
}

void passage_init(struct passage *p)
{
    p->hash = sidehash_new();
}

void passage_release(struct passage *p)
{
    sidehash_free(p->hash);
    buf_release(&p->small);
    *p = (struct passage){ 0 };
}

/* The bytes of fd, which are to be those of the object. */
static int add_bytes(struct passage *p, const struct bundle_object *o, int fd,
                     struct tarout *t, struct error *err)
{
    long long left = o->size;
    struct digest d;
    int rc = 0;

    while (rc == 0 && left > 0) {
        char *chunk = sidehash_room(p->hash);
        ssize_t n =
            io_read(fd, chunk, left < SIDEHASH_ROOM ? (size_t)left : SIDEHASH_ROOM);

        if (n <= 0) {
            rc = n == 0 || errno == EIO ? changed(o, "damaged", err)
                                        : error_system(err, "cannot read an object");
            break;
        }
        sidehash_put(p->hash, (size_t)n);
        rc = t ? tarout_add(t, chunk, (size_t)n, err) : 0;
        left -= n;
    }
    sidehash_finish(p->hash, &d);
    if (rc == 0 && !digest_equal(&d, &o->id))
        rc = changed(o, "damaged", err);
    return rc;
}

static int add_file(struct passage *p, struct store *st, const struct bundle_object *o,
                    struct tarout *t, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct buf name = { 0 };
    struct stat s;
    int dir = layout_folder(st, &o->id), rc = 0;
    int fd = dir < 0 ? -1
                     : io_openat(dir, digest_hex(&o->id, hex),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);

    volume_object_name(o, &name);
    if (fd < 0)
        rc = errno == ENOENT ? changed(o, "missing", err)
                             : error_system(err, "cannot read %s in the store", name.s);
    else if (io_fstat(fd, &s) < 0)
        rc = error_system(err, "cannot read %s in the store", name.s);
    else if (!S_ISREG(s.st_mode) || s.st_size != o->size)
        rc = changed(o, "damaged", err);
    if (rc == 0 && t)
        rc = tarout_begin(t, name.s, o->size, err);
    if (rc == 0)
        rc = add_bytes(p, o, fd, t, err);
    /* Believed when it is found again: else no run would make it anew. */
    if (rc == E_CORRUPT && object_check(st, &o->id, o->size, true, NULL) == OBJECT_FINE)
        rc = error_set(err, E_SYSTEM,
                       "%s in the store could not be read just now; do it once more",
                       name.s);
    if (fd >= 0)
        io_close(fd);
    buf_release(&name);
    return rc;
}

int volume_add_object(struct passage *p, struct store *st, const struct bundle_object *o,
                      struct tarout *t, struct error *err)
{
    struct buf name = { 0 };
    int rc = 0;

    if (!ahead_take(p->ahead, &o->id, &p->small))
        return add_file(p, st, o, t, err);
    volume_object_name(o, &name);
    if (t)
        rc = volume_add_text(t, name.s, buf_str(&p->small), p->small.len, err);
    buf_release(&name);
    return rc;
}

int volume_sign(struct tarout *t, const struct signer *s, const struct buf *text,
                struct error *err)
{
    struct envelope e;
    struct buf all = { 0 };
    int rc = envelope_sign(&e, ENVELOPE_BUNDLE, s, text->s, text->len, err);

    if (rc == 0) {
        envelope_write(&e, &all);
        rc = volume_add_text(t, VOLUME_SIGNATURE, all.s, all.len - text->len, err);
    }
    buf_release(&all);
    return rc;
}
