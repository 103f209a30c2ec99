#include "layout.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "larder/io.h"

#include "larder/banned.h"

static const char more[] = ".more", seen[] = ".seen";

const char *layout_below(const struct store *st, const struct buf *path)
{
    return path->s + strlen(st->path) + 1;
}

static void add_sharded(const struct store *st, const char *folder,
                        const struct digest *d, struct buf *path)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(d, hex);
    buf_adds(path, st->path);
    buf_addc(path, '/');
    buf_adds(path, folder);
    buf_addc(path, '/');
    buf_add(path, hex, 2);
    buf_addc(path, '/');
    buf_add(path, hex, DIGEST_HEX);
}

static void add_flat(const struct store *st, const char *folder, const struct digest *d,
                     struct buf *path)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(path, "%s/%s/%s", st->path, folder, digest_hex(d, hex));
}

int layout_folder(struct store *st, const struct digest *id)
{
    int *kept = &st->folder[id->byte[0]];
    char name[16];
    int fd;

    if (*kept)
        return *kept - 1;
    snprintf(name, sizeof name, "cas/%02x", id->byte[0]);
    fd = io_openat(st->dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd >= 0)
        *kept = fd + 1;
    return fd;
}

void layout_object(const struct store *st, const struct digest *id, struct buf *path)
{
    add_sharded(st, "cas", id, path);
}

void layout_record(const struct store *st, const struct digest *key, struct buf *path)
{
    add_sharded(st, "ac", key, path);
}

void layout_more_records(const struct store *st, const struct digest *key,
                         struct buf *path)
{
    add_sharded(st, "ac", key, path);
    buf_adds(path, more);
}

void layout_seen(const struct store *st, const struct digest *key, struct buf *path)
{
    add_sharded(st, "ac", key, path);
    buf_adds(path, seen);
}

void layout_checkpoint(const struct store *st, const struct digest *key, struct buf *path)
{
    add_flat(st, "checkpoints", key, path);
}

static bool is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

bool layout_is_digest(const char *name, struct digest *d)
{
    return is_hex(name, DIGEST_HEX) && digest_parse(d, name);
}

static bool ends_with(const char *name, const char *end, struct digest *d)
{
    char hex[DIGEST_HEX + 1] = { 0 };

    if (strlen(name) != DIGEST_HEX + strlen(end) || strcmp(name + DIGEST_HEX, end) != 0)
        return false;
    memcpy(hex, name, DIGEST_HEX);
    return layout_is_digest(hex, d);
}

bool layout_is_more(const char *name, struct digest *d)
{
    return ends_with(name, more, d);
}

bool layout_is_seen(const char *name, struct digest *d)
{
    return ends_with(name, seen, d);
}

bool layout_is_prefix(const char *name, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];

    return is_hex(name, 2) && (!d || memcmp(name, digest_hex(d, hex), 2) == 0);
}

int layout_sync(struct store *st, struct error *err)
{
    struct buf dir = { 0 };
    bool any = false;
    int rc = 0;

    for (int i = 0; i < 256 && rc == 0; i++) {
        if (!st->dirty[i])
            continue;
        buf_reset(&dir);
        buf_printf(&dir, "%s/cas/%02x", st->path, i);
        rc = fs_sync(dir.s, err);
        if (rc == 0)
            st->dirty[i] = false;
        any = true;
    }
    if (rc == 0 && any) {
        buf_reset(&dir);
        buf_printf(&dir, "%s/cas", st->path);
        rc = fs_sync(dir.s, err);
    }
    buf_release(&dir);
    return rc;
}

void layout_random(struct buf *to, int n)
{
    unsigned char byte[32];

    assert(n <= (int)sizeof byte);
    /* Up to 256 bytes never come short and are never interrupted once the kernel's
     * generator is ready; the names are tried again on a clash in any case. */
    if (getrandom(byte, sizeof byte, 0) < 0)
        memset(byte, 0, sizeof byte);
    for (int i = 0; i < n; i++)
        buf_printf(to, "%02x", byte[i]);
}
