#include "weights/source.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/banned.h"

int source_open(struct source *f, const char *path, struct error *err)
{
    struct stat st;
    void *map;

    *f = (struct source){ 0 };
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        return error_system(err, "opening %s", path);
    if (fstat(f->fd, &st) < 0)
        return error_system(err, "%s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, E_INPUT, "%s is not a file", path);
    if (st.st_size == 0)
        return error_set(err, E_INPUT, "%s is empty", path);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, f->fd, 0);
    if (map == MAP_FAILED)
        return error_system(err, "mapping %s", path);
    f->s = map;
    f->n = (size_t)st.st_size;
    return 0;
}

void source_close(struct source *f)
{
    if (f->fd > 0) {
        if (f->s != NULL)
            munmap((void *)f->s, f->n);
        close(f->fd);
    }
    *f = (struct source){ 0 };
}

struct source source_of(const void *bytes, size_t n)
{
    return (struct source){ .s = bytes, .n = n };
}

int source_copy(const struct source *f, size_t at, size_t n, void *to, struct error *err)
{
    uint8_t *place = to;

    if (f->fd < 1) {
        if (n > 0)
            memcpy(place, f->s + at, n);
        return 0;
    }
    while (n > 0) {
        ssize_t got = pread(f->fd, place, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_system(err, "reading at byte %zu", at);
        if (got == 0)
            return error_set(err, E_INPUT, "the file has become shorter");
        place += got;
        at += (size_t)got;
        n -= (size_t)got;
    }
    return 0;
}

bool source_has(const struct source *f, size_t at, size_t n)
{
    return at <= f->n && n <= f->n - at;
}

uint16_t get_u16(const uint8_t *s)
{
    uint16_t x;

    memcpy(&x, s, sizeof x);
    return le16toh(x);
}

uint32_t get_u32(const uint8_t *s)
{
    uint32_t x;

    memcpy(&x, s, sizeof x);
    return le32toh(x);
}

uint64_t get_u64(const uint8_t *s)
{
    uint64_t x;

    memcpy(&x, s, sizeof x);
    return le64toh(x);
}
