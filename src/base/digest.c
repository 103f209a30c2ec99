#include "larder/digest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "larder/crypto.h"
#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct hasher {
    SHA256_CTX context;
};

struct hasher *hasher_new(void)
{
    struct hasher *h = xcalloc(1, sizeof *h);

    SHA256_Init(&h->context);
    return h;
}

void hasher_add(struct hasher *h, const void *bytes, size_t n)
{
    SHA256_Update(&h->context, bytes, n);
}

void hasher_finish(struct hasher *h, struct digest *d)
{
    SHA256_Final(d->byte, &h->context);
    SHA256_Init(&h->context);
}

void hasher_free(struct hasher *h)
{
    free(h);
}

void digest_bytes(struct digest *d, const void *bytes, size_t n)
{
    struct hasher *h = hasher_new();

    hasher_add(h, bytes, n);
    hasher_finish(h, d);
    hasher_free(h);
}

int digest_file(struct digest *d, long long *size, const char *path, struct error *err)
{
    unsigned char small[DIGEST_SMALL], *chunk = small;
    size_t room = sizeof small;
    struct hasher *h;
    long long total = 0;
    int fd, rc = 0;

    fd = io_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return error_system(err, "cannot read %s", path);
    h = hasher_new();
    for (;;) {
        ssize_t n = io_read(fd, chunk, room);

        if (n < 0)
            rc = error_system(err, "cannot read %s", path);
        if (n <= 0)
            break;
        hasher_add(h, chunk, (size_t)n);
        total += n;
        if (chunk == small && n == (ssize_t)room) {
            posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
            room = DIGEST_CHUNK;
            chunk = xmalloc(room);
        }
    }
    if (rc == 0) {
        hasher_finish(h, d);
        if (size)
            *size = total;
    }
    if (chunk != small)
        free(chunk);
    hasher_free(h);
    io_close(fd);
    return rc;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return digest_compare(a, b) == 0;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
    return memcmp(a->byte, b->byte, DIGEST_SIZE);
}

char *digest_hex(const struct digest *d, char hex[DIGEST_HEX + 1])
{
    static const char digit[] = "0123456789abcdef";

    for (int i = 0; i < DIGEST_SIZE; i++) {
        hex[2 * i] = digit[d->byte[i] >> 4];
        hex[2 * i + 1] = digit[d->byte[i] & 15];
    }
    hex[DIGEST_HEX] = '\0';
    return hex;
}

/* One more than what a hex digit stands for, 0 for any other character. */
static const unsigned char hex_value[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool digest_parse(struct digest *d, const char *text)
{
    char hex[DIGEST_HEX];

    if (strncmp(text, "sha256:", 7) == 0)
        text += 7;
    if (strlen(text) != DIGEST_HEX)
        return false;
    for (int i = 0; i < DIGEST_HEX; i++)
        hex[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
    return digest_parse_hex(d, hex);
}

bool digest_parse_hex(struct digest *d, const char *text)
{
    struct digest read;

    for (int i = 0; i < DIGEST_SIZE; i++) {
        int high = hex_value[(unsigned char)text[2 * i]],
            low = hex_value[(unsigned char)text[2 * i + 1]];

        if (!high || !low)
            return false;
        read.byte[i] = (unsigned char)((high - 1) << 4 | (low - 1));
    }
    *d = read;
    return true;
}
