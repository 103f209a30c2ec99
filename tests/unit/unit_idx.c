#include "image/idx.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <criterion/criterion.h>

#include "larder/buf.h"
#include "larder/fs.h"

static char path[] = "/tmp/unit-idx-XXXXXX";

static void make_file(void)
{
    close(mkstemp(path));
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(idx, .init = make_file, .fini = remove_file);

/* Two pictures of 3 x 2. */
static const unsigned char sample[] = {
    0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3,  0,  0,
    0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255,
};

static void put_gzip(const void *bytes, size_t n)
{
    gzFile gz = gzopen(path, "wb");

    cr_assert_not_null(gz);
    cr_assert_eq(gzwrite(gz, bytes, (unsigned)n), (int)n);
    cr_assert_eq(gzclose(gz), Z_OK);
}

static void refuses(int n_dims, const char *why)
{
    struct idx x;
    struct error err = { 0 };

    cr_assert_eq(idx_read(&x, path, n_dims, &err), E_INPUT, "taken, where \"%s\"", why);
    cr_assert(strstr(err.text, path) != NULL && strstr(err.text, why) != NULL, "%s",
              err.text);
    cr_assert_null(x.bytes);
}

Test(idx, reads_dimensions_and_bytes)
{
    struct idx x;
    struct error err = { 0 };

    put_gzip(sample, sizeof sample);
    cr_assert_eq(idx_read(&x, path, 3, &err), 0, "%s", err.text);
    cr_assert_eq(x.n_dims, 3);
    cr_assert_eq(x.dim[0], 2);
    cr_assert_eq(x.dim[1], 3);
    cr_assert_eq(x.dim[2], 2);
    cr_assert_arr_eq(x.bytes, sample + 16, 12);
    idx_release(&x);
}

Test(idx, other_dimensions_or_types_are_refused)
{
    unsigned char other[sizeof sample];

    put_gzip(sample, sizeof sample);
    refuses(1, "not an IDX array of bytes with 1 dimension");
    memcpy(other, sample, sizeof other);
    other[2] = 0x0d; /* floats */
    put_gzip(other, sizeof other);
    refuses(3, "not an IDX array of bytes with 3 dimensions");
}

Test(idx, a_size_that_does_not_fit_the_dimensions_is_refused)
{
    unsigned char other[sizeof sample + 1] = { 0 };

    memcpy(other, sample, sizeof sample);
    put_gzip(other, sizeof sample - 1);
    refuses(3, "too few bytes");
    put_gzip(other, sizeof sample + 1);
    refuses(3, "more bytes");
    other[4] = 0x7f;
    put_gzip(other, sizeof sample);
    refuses(3, "larger than 1 GiB");
    other[4] = other[7] = 0;
    put_gzip(other, sizeof sample);
    refuses(3, "empty");
}

Test(idx, what_is_not_gzip_or_not_whole_is_refused)
{
    struct buf whole = { 0 };

    put_gzip(sample, sizeof sample);
    cr_assert_eq(fs_read(path, &whole, NULL), 0);
    for (size_t n = 0; n < whole.len; n++) {
        cr_assert_eq(fs_write(path, whole.s, n, false, NULL), 0);
        refuses(3, "");
    }
    buf_addc(&whole, 'x');
    cr_assert_eq(fs_write(path, whole.s, whole.len, false, NULL), 0);
    refuses(3, "more bytes");
    cr_assert_eq(fs_write(path, sample, sizeof sample, false, NULL), 0);
    refuses(3, "not gzip");
    buf_release(&whole);
}

Test(idx, a_missing_file_is_named)
{
    struct idx x;
    struct error err = { 0 };

    cr_assert_eq(idx_read(&x, "/nowhere/x.gz", 3, &err), E_SYSTEM);
    cr_assert_not_null(strstr(err.text, "/nowhere/x.gz"), "%s", err.text);
}

/* gzip carries a sum, so hardly any change goes unnoticed; none may crash. */
Test(idx, mutated_files_never_crash)
{
    struct buf whole = { 0 };
    uint32_t state = 7;
    int taken = 0;

    put_gzip(sample, sizeof sample);
    cr_assert_eq(fs_read(path, &whole, NULL), 0);
    for (int round = 0; round < 2000; round++) {
        struct idx x;
        size_t at;
        char was;

        state = state * 1664525 + 1013904223;
        at = (state >> 8) % whole.len;
        was = whole.s[at];
        state = state * 1664525 + 1013904223;
        whole.s[at] = (char)(state >> 24);
        cr_assert_eq(fs_write(path, whole.s, whole.len, false, NULL), 0);
        if (idx_read(&x, path, 3, NULL) == 0) {
            taken++;
            cr_assert_arr_eq(x.bytes, sample + 16, 12);
            idx_release(&x);
        }
        whole.s[at] = was;
    }
    cr_assert(taken < 700, "%d of 2000 were taken",
              taken); /* unused header bytes of gzip */
    buf_release(&whole);
}
