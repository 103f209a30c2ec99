#include "weights/tar.h"

#include <string.h>

#include "larder/banned.h"

/* Places in the header of a member. */
enum {
    RECORD = 512,
    NAME = 0,
    NAME_SIZE = 100,
    SIZE = 124,
    SIZE_SIZE = 12,
    SUM = 148,
    SUM_SIZE = 8,
    TYPE = 156,
    MAGIC = 257,
};

bool tar_is(const uint8_t *s, size_t n)
{
    return n >= RECORD && memcmp(s + MAGIC, "ustar", 5) == 0;
}

/* Octal digits up to a space or NUL; or, where the first bit is set, the number itself
 * with the highest byte first (GNU's way for sizes from 8 GiB on). */
static bool read_number(const uint8_t *s, size_t n, uint64_t *x)
{
    size_t i = 0;

    *x = 0;
    if (s[0] & 0x80) {
        for (i = 1; i < n; i++)
            *x = *x << 8 | s[i];
        return s[0] == 0x80 && (n <= 9 || (s[1] | s[2] | s[3]) == 0);
    }
    while (i < n && s[i] == ' ')
        i++;
    for (; i < n && s[i] >= '0' && s[i] <= '7'; i++)
        *x = *x << 3 | (uint64_t)(s[i] - '0');
    return i == n || s[i] == ' ' || s[i] == '\0';
}

/* The sum of the header's bytes, with spaces in place of the sum itself. */
static bool sum_is_right(const uint8_t *h)
{
    uint64_t want, sum = (uint64_t)SUM_SIZE * ' ';

    for (int i = 0; i < RECORD; i++)
        if (i < SUM || i >= SUM + SUM_SIZE)
            sum += h[i];
    return read_number(h + SUM, SUM_SIZE, &want) && want == sum;
}

static bool is_called(const uint8_t *h, const char *name)
{
    const char *have = (const char *)h + NAME;
    size_t n = strlen(name);

    if (have[0] == '.' && have[1] == '/')
        have += 2;
    return strncmp(have, name, n) == 0 && have[n] == '\0';
}

/* The member that begins at *at; *at moves to the next. */
static int read_member(const uint8_t *s, size_t n, size_t *at, struct tar_member *m,
                       struct error *err)
{
    uint64_t size, rest = n - *at - RECORD;

    if (!tar_is(s + *at, n - *at) || !sum_is_right(s + *at))
        return error_set(err, E_INPUT, "the tar archive is damaged at byte %zu", *at);
    if (!read_number(s + *at + SIZE, SIZE_SIZE, &size) || size > rest)
        return error_set(err, E_INPUT,
                         "the tar archive is cut short: the member at byte "
                         "%zu does not fit",
                         *at);
    m->at = *at + RECORD;
    m->size = (size_t)size;
    size = (size + RECORD - 1) / RECORD * RECORD;
    *at = m->at + (size_t)(size < rest ? size : rest);
    return 0;
}

int tar_find(const uint8_t *s, size_t n, const char *name, struct tar_member *m,
             struct error *err)
{
    struct tar_member x;
    bool found = false;
    size_t at = 0;
    int rc;

    while (n - at >= RECORD && s[at] != '\0') {
        const uint8_t *h = s + at;

        rc = read_member(s, n, &at, &x, err);
        if (rc < 0)
            return rc;
        if (!is_called(h, name))
            continue;
        if (found)
            return error_set(err, E_INPUT, "the tar archive has two members %s", name);
        if (h[TYPE] != '0' && h[TYPE] != '\0')
            return error_set(err, E_INPUT, "the member %s of the tar archive is no file",
                             name);
        *m = x;
        found = true;
    }
    if (!found)
        return error_set(err, E_INPUT, "the tar archive has no member %s", name);
    return 0;
}
