#include "nn_fixture.h"

#include "larder/buf.h"
#include "larder/fs.h"
#include "weights/crc.h"
#include "weights/named.h"
#include "weights/tar.h"

#define FILES LARDER_SOURCE "/tests/weights/files/"

static const struct named_options usual = { .key = "" };

static void read_file(struct buf *b, const char *name)
{
    struct error err = { 0 };
    struct buf path = { 0 };

    buf_printf(&path, FILES "%s", name);
    must(fs_read(path.s, b, &err));
    buf_release(&path);
}

static size_t find(const struct named *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->item[i].name, name) == 0)
            return i;
    cr_fatal("no tensor %s", name);
    return 0;
}

static void check_values(const struct view *v, const float *value, const char *hex)
{
    char digits[9] = "";

    cr_assert(eq(sz, strlen(hex), v->n * 8));
    for (size_t i = 0; i < v->n; i++) {
        uint32_t bits;

        memcpy(digits, hex + 8 * i, 8);
        memcpy(&bits, &value[i], sizeof bits);
        cr_assert(eq(u32, __builtin_bswap32(bits), (uint32_t)strtoul(digits, NULL, 16)));
    }
}

/* Each row of the table for this file is in it, under the prefix, with its bits. */
static int check_file(const char *name, const char *prefix)
{
    struct error err = { 0 };
    struct tsv t = { 0 };
    struct named f = { 0 };
    struct buf path = { 0 }, full = { 0 };
    char shape[64];
    int rows = 0;

    must(tsv_read(&t, FILES "expected.tsv", &err));
    buf_printf(&path, FILES "%s", name);
    must(named_open(&f, path.s, &usual, &err));
    for (size_t r = 0; r < t.n_rows; r++) {
        struct view v;
        float *value;

        if (strcmp(tsv_get(&t, r, 0), name) != 0)
            continue;
        buf_reset(&full);
        buf_printf(&full, "%s%s", prefix, tsv_get(&t, r, 1));
        must(named_view(&f, find(&f, full.s), &v, &err));
        cr_assert(eq(str, (char *)view_shape(v.n_dims, v.dim, shape, sizeof shape),
                     (char *)tsv_get(&t, r, 2)));
        value = malloc(v.n * sizeof *value + 1);
        must(view_read(&v, &f.file, value, &err));
        check_values(&v, value, tsv_get(&t, r, 3));
        free(value);
        rows++;
    }
    buf_release(&full);
    buf_release(&path);
    named_close(&f);
    tsv_release(&t);
    return rows;
}

Test(weights_file, every_container_gives_the_bits_that_pytorch_saved)
{
    cr_assert(eq(int, check_file("zip.pth", ""), 19));
    cr_assert(eq(int, check_file("stream.pth", ""), 19));
    cr_assert(eq(int, check_file("tar.pth", ""), 16));
    cr_assert(eq(int, check_file("wrapped.pth", "module."), 19));
}

Test(weights_file, the_weights_of_a_checkpoint_are_read_past_the_code_in_it)
{
    cr_assert(eq(int, check_file("robust.pth", "module.model."), 19));
    cr_assert(eq(int, check_file("robust-zip.pth", "module.model."), 19));
}

Test(weights_file, a_key_leads_to_a_dictionary)
{
    struct named_options o = { .key = "model" };
    struct error err = { 0 };
    struct named f;

    must(named_open(&f, FILES "robust.pth", &o, &err));
    cr_assert(eq(sz, f.n, 42)); /* 4 of the normalizers, 19 twice */
    named_close(&f);
    o.key = "optimizer/state";
    cr_assert(eq(int, named_open(&f, FILES "robust.pth", &o, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "no name of a tensor"))), "%s", err.text);
    named_close(&f);
    o.key = "optimizer/nothing";
    cr_assert(eq(int, named_open(&f, FILES "robust.pth", &o, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "key nothing"))), "%s", err.text);
    named_close(&f);
}

/* Opens n bytes, and if that works reads every tensor. Returns what went well. */
static bool reads(const void *bytes, size_t n, struct error *err)
{
    struct named f;
    int rc = named_open_bytes(&f, bytes, n, &usual, err);

    for (size_t i = 0; i < f.n && rc == 0; i++) {
        struct view v;

        rc = named_view(&f, i, &v, err);
        if (rc == 0 && v.n <= n) {
            float *value = malloc(v.n * sizeof *value + 1);

            rc = view_read(&v, &f.file, value, err);
            free(value);
        }
    }
    named_close(&f);
    return rc == 0;
}

/* Where the last member of the tar archive ends; blocks of zeros follow. */
static size_t tar_end(const struct buf *b)
{
    struct error err = { 0 };
    struct tar_member m;

    must(tar_find((uint8_t *)b->s, b->len, "storages", &m, &err));
    return m.at + m.size;
}

/* Cut at every byte, the file is refused with a reason. */
Test(weights_file, a_file_cut_short_is_refused)
{
    static const char *const name[] = { "zip.pth", "stream.pth", "tar.pth" };

    for (size_t i = 0; i < 3; i++) {
        struct buf b = { 0 };
        size_t end;

        read_file(&b, name[i]);
        end = i == 2 ? tar_end(&b) : b.len;
        for (size_t n = 0; n < end; n++) {
            struct error err = { 0 };
            char *copy = malloc(n + 1); /* its own block: a sanitizer sees its end */

            memcpy(copy, b.s, n);
            cr_assert(not(reads(copy, n, &err)), "%s of %zu bytes", name[i], n);
            cr_assert(not(zero(u8, (unsigned char)err.text[0])));
            free(copy);
        }
        buf_release(&b);
    }
}

/* A zip file is covered by checksums: no flipped bit of a storage goes unseen. */
Test(weights_file, a_flipped_bit_in_a_zip_file_is_noticed)
{
    struct error err = { 0 };
    struct buf b = { 0 };
    struct zip z;

    read_file(&b, "zip.pth");
    must(zip_open(&z, (uint8_t *)b.s, b.len, &err));
    for (size_t i = 0; i < z.n; i++) {
        const struct zip_entry *e = &z.entry[i];

        if (strstr(e->name, "/data/") == NULL || e->size == 0)
            continue;
        b.s[e->at + e->size / 2] ^= 4;
        cr_assert(not(reads(b.s, b.len, &err)), "%s", e->name);
        cr_assert(not(zero(ptr, strstr(err.text, "checksum"))), "%s", err.text);
        b.s[e->at + e->size / 2] ^= 4;
    }
    cr_assert(reads(b.s, b.len, &err));
    zip_release(&z);
    buf_release(&b);
}

/* Bytes changed by counter: whatever comes of it, nothing is read beyond the file, which
 * a sanitizer watches, and a refusal has a reason. */
Test(weights_file, damaged_files_never_harm)
{
    static const char *const name[] = { "zip.pth", "stream.pth", "tar.pth",
                                        "robust.pth" };
    uint32_t k = 0;

    for (size_t i = 0; i < 4; i++) {
        struct buf b = { 0 };
        int refused = 0;

        read_file(&b, name[i]);
        for (int round = 0; round < 2000; round++) {
            struct error err = { 0 };
            char *copy = malloc(b.len);

            memcpy(copy, b.s, b.len);
            for (int change = 0; change < 1 + round % 4; change++, k++)
                copy[counter(k, 1) % b.len] = (char)counter(k, 2);
            refused += !reads(copy, b.len, &err);
            free(copy);
        }
        cr_assert(gt(int, refused, 100), "%s: %d", name[i], refused);
        buf_release(&b);
    }
}

Test(weights_file, what_is_no_weight_file_is_refused)
{
    static const char *const no[] = { "",
                                      "PK",
                                      "name\tvalue\n1\t2\n",
                                      "\x80\2\x8a\n",
                                      "\x80\2}q\0.",
                                      "\x89PNG\r\n\x1a\n........" };
    struct error err = { 0 };

    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        cr_assert(not(reads(no[i], strlen(no[i]), &err)));
}

Test(weights_file, a_storage_of_another_size_is_refused)
{
    struct error err = { 0 };
    struct buf b = { 0 };
    char *at;

    read_file(&b, "stream.pth");
    /* 'cpu' and the memo, then the number of elements of the first storage: 24. */
    at = memmem(b.s, b.len, "cpuq", 4);
    cr_assert(not(zero(ptr, at)));
    cr_assert(eq(u8, (unsigned char)at[5], 'K'));
    at[6]++;
    cr_assert(not(reads(b.s, b.len, &err)));
    cr_assert(not(zero(ptr, strstr(err.text, "storage"))), "%s", err.text);
    buf_release(&b);
}

Test(weights_file, big_endian_numbers_are_refused)
{
    struct error err = { 0 };
    struct buf b = { 0 };
    char *at;

    read_file(&b, "stream.pth");
    at = memmem(b.s, b.len, "little_endian", 13);
    cr_assert(eq(u8, (unsigned char)at[15], 0x88));
    at[15] = (char)0x89;
    cr_assert(not(reads(b.s, b.len, &err)));
    cr_assert(not(zero(ptr, strstr(err.text, "little-endian"))), "%s", err.text);
    buf_release(&b);
}

/* The plain way, a bit at a time, from the definition of the polynomial. */
static uint32_t crc_slow(const uint8_t *s, size_t n)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < n; i++) {
        crc ^= s[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

Test(weights_file, the_fast_checksum_is_the_plain_one)
{
    uint8_t s[700];

    for (uint32_t i = 0; i < sizeof s; i++)
        s[i] = (uint8_t)counter(i, 9);
    cr_assert(eq(u32, crc_add(0, "123456789", 9), 0xcbf43926u));
    for (size_t n = 0; n < 600; n++) {
        size_t from = n % 17, half = n * 2 / 3;

        cr_assert(eq(u32, crc_add(0, s + from, n), crc_slow(s + from, n)), "%zu", n);
        cr_assert(eq(u32, crc_add(crc_add(0, s + from, half), s + from + half, n - half),
                     crc_slow(s + from, n)));
    }
}
