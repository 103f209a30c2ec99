#include "arrival.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/fs.h"
#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

static int failed(const struct arrival *a, struct error *err)
{
    return error_system(err, "%s", a->text);
}

/* What has the name already; *there is its descriptor where that is to be looked at. */
static int look_there(struct arrival *a, int root, struct error *err)
{
    long long size;
    int fd = landing_read(root, a->text, &size);

    if (fd < 0)
        return errno == ENOENT ? 0 : failed(a, err);
    if (a->how == PUT_NEW) {
        io_close(fd);
        return REMOTE_THERE;
    }
    a->there = fd;
    a->differs = remote_name_is_digest(&a->name) ? size != a->size
                                                 : size > remote_name_max(&a->name);
    return 0;
}

int arrival_begin(struct arrival *a, int root, const char *name, long long size,
                  enum remote_put how, struct error *err)
{
    int rc;

    *a = (struct arrival){ .how = how, .size = size, .text = xstrdup(name) };
    if (!remote_name_parse(&a->name, name))
        return error_set(err, E_INPUT, "a remote has no such name");
    if (size > remote_name_max(&a->name))
        return error_set(err, E_INPUT, "at most %lld bytes can have this name",
                         remote_name_max(&a->name));
    rc = look_there(a, root, err);
    if (rc != 0)
        return rc;
    if (remote_name_is_digest(&a->name))
        a->hasher = hasher_new();
    return landing_open(&a->landing, root) < 0 ? failed(a, err) : 0;
}

/* Whether what is there has the same bytes. What cannot be read has others. */
static void compare(struct arrival *a, const char *bytes, size_t n)
{
    char *theirs = xmalloc(n);

    for (size_t at = 0; at < n && !a->differs;) {
        ssize_t k = io_pread(a->there, theirs, n - at, (off_t)(a->had + (long long)at));

        a->differs = k <= 0 || memcmp(theirs, bytes + at, (size_t)k) != 0;
        at += k > 0 ? (size_t)k : 0;
    }
    free(theirs);
}

int arrival_take(struct arrival *a, const void *bytes, size_t n, struct error *err)
{
    if ((long long)n > a->size - a->had)
        return error_set(err, E_CORRUPT, "there are more bytes than were announced");
    if (a->hasher) {
        hasher_add(a->hasher, bytes, n);
        if (a->there && !a->differs)
            compare(a, bytes, n);
    }
    if (fs_write_all(a->landing.fd, bytes, n) < 0)
        return failed(a, err);
    a->had += (long long)n;
    return 0;
}

/* A text that has come, or that is there: whether it fits the name. */
static bool fits(const struct arrival *a, int fd)
{
    struct buf text = { 0 };
    bool yes = io_lseek(fd, 0, SEEK_SET) == 0 && fs_read_fd(fd, &text) == 0 &&
               remote_name_fits(&a->name, &text);

    buf_release(&text);
    return yes;
}

static bool is_right(struct arrival *a)
{
    struct digest d;

    if (a->had != a->size)
        return false;
    if (!a->hasher)
        return fits(a, a->landing.fd);
    hasher_finish(a->hasher, &d);
    return digest_equal(&d, &a->name.id);
}

int arrival_finish(struct arrival *a, struct error *err)
{
    bool whole;
    int rc;

    if (!is_right(a))
        return error_set(err, E_CORRUPT, "these bytes are not what their name says");
    if (a->there) {
        whole = !a->differs && (a->hasher || fits(a, a->there));
        if (whole)
            return REMOTE_THERE;
    }
    rc = landing_name(&a->landing, a->text, a->there ? PUT_OVER : PUT_NEW);
    return rc < 0 ? failed(a, err) : rc;
}

void arrival_release(struct arrival *a)
{
    landing_close(&a->landing);
    if (a->there)
        io_close(a->there);
    hasher_free(a->hasher);
    free(a->text);
    *a = (struct arrival){ 0 };
}
