#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "larder/buf.h"
#include "weights/tar.h"
#include "weights/zip.h"

#define must(call) cr_assert(ge(int, (call), 0), "%s: %s", #call, err.text)

/* A zip file under construction. What a test makes wrong it sets before the call. */
struct maker {
    struct buf file, directory;
    int entries, method, flags;
    const char *local_name; /* where it is another than the directory's */
    uint32_t more_size;     /* added to what the directory says */
    uint32_t move;          /* added to where it says the entry is */
    bool wide;              /* sizes and places in zip64 fields */
};

static void put(struct buf *b, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_addc(b, i < 8 ? (char)(x >> 8 * i) : 0);
}

static void add_entry(struct maker *m, const char *name, const char *bytes)
{
    const char *local = m->local_name ? m->local_name : name;
    size_t header = m->file.len + m->move, n = strlen(bytes);
    struct buf *d = &m->directory;

    put(&m->file, 0x04034b50, 4);
    put(&m->file, 0, 22); /* as PyTorch: no sizes, no checksum */
    put(&m->file, strlen(local), 2);
    put(&m->file, 6, 2);
    buf_adds(&m->file, local);
    buf_add(&m->file, "FB\2\0ZZ", 6);
    buf_adds(&m->file, bytes);
    put(d, 0x02014b50, 4);
    put(d, 0, 4);
    put(d, m->flags, 2);
    put(d, m->method, 2);
    put(d, 0, 4);
    put(d, 0x12345678, 4);
    put(d, m->wide ? UINT32_MAX : n + m->more_size, 4);
    put(d, m->wide ? UINT32_MAX : n + m->more_size, 4);
    put(d, strlen(name), 2);
    put(d, m->wide ? 28 : 0, 2);
    put(d, 0, 10);
    put(d, m->wide ? UINT32_MAX : header, 4);
    buf_adds(d, name);
    if (m->wide) {
        put(d, 1, 2);
        put(d, 24, 2);
        put(d, n + m->more_size, 8);
        put(d, n + m->more_size, 8);
        put(d, header, 8);
    }
    m->entries++;
}

/* The whole file, of which the maker is empty afterwards. */
static struct buf finish(struct maker *m, bool zip64, const char *comment)
{
    size_t at = m->file.len, size = m->directory.len, end;
    struct buf *b = &m->file, whole;

    buf_add(b, m->directory.s, m->directory.len);
    end = b->len;
    if (zip64) {
        put(b, 0x06064b50, 4);
        put(b, 44, 8);
        put(b, 0, 12);
        put(b, m->entries, 8);
        put(b, m->entries, 8);
        put(b, size, 8);
        put(b, at, 8);
        put(b, 0x07064b50, 4);
        put(b, 0, 4);
        put(b, end, 8);
        put(b, 1, 4);
    }
    put(b, 0x06054b50, 4);
    put(b, 0, 4);
    put(b, zip64 ? UINT16_MAX : m->entries, 2);
    put(b, zip64 ? UINT16_MAX : m->entries, 2);
    put(b, zip64 ? UINT32_MAX : size, 4);
    put(b, zip64 ? UINT32_MAX : at, 4);
    put(b, strlen(comment), 2);
    buf_adds(b, comment);
    whole = *b;
    buf_release(&m->directory);
    *m = (struct maker){ 0 };
    return whole;
}

static void check_two(struct buf b)
{
    struct error err = { 0 };
    struct zip z;

    must(zip_open(&z, (uint8_t *)b.s, b.len, &err));
    cr_assert(eq(sz, z.n, 2));
    cr_assert(eq(sz, zip_find(&z, "a/data.pkl")->size, 5));
    cr_assert(zero(int, memcmp(b.s + zip_find(&z, "a/data.pkl")->at, "first", 5)));
    cr_assert(zero(int, memcmp(b.s + zip_find(&z, "a/data/0")->at, "2nd", 3)));
    cr_assert(eq(u32, zip_find(&z, "a/data/0")->crc, 0x12345678u));
    cr_assert(zero(ptr, (void *)zip_find(&z, "a/data/1")));
    zip_release(&z);
    buf_release(&b);
}

static void two(struct maker *m)
{
    add_entry(m, "a/data.pkl", "first");
    add_entry(m, "a/data/0", "2nd");
}

Test(weights_zip, entries_are_found_by_the_directory)
{
    struct maker m = { 0 };

    two(&m);
    check_two(finish(&m, false, ""));
    two(&m);
    check_two(finish(&m, false, "a comment"));
    two(&m);
    check_two(finish(&m, true, ""));
    m.wide = true;
    two(&m);
    check_two(finish(&m, true, "more"));
}

static void refused(struct maker *m, const char *says)
{
    struct buf b = finish(m, false, "");
    struct error err = { 0 };
    struct zip z;

    cr_assert(eq(int, zip_open(&z, (uint8_t *)b.s, b.len, &err), E_INPUT), "%s", says);
    cr_assert(not(zero(ptr, strstr(err.text, says))), "%s: %s", says, err.text);
    buf_release(&b);
}

Test(weights_zip, entries_that_mislead_are_refused)
{
    struct maker m = { .method = 8 };

    two(&m);
    refused(&m, "compressed (method 8)");
    m.flags = 1;
    two(&m);
    refused(&m, "encrypted");
    m.local_name = "a/data.pkx";
    add_entry(&m, "a/data.pkl", "first");
    refused(&m, "another name");
    add_entry(&m, "a/data/0", "1");
    add_entry(&m, "a/data/0", "2");
    refused(&m, "two entries are called a/data/0");
    m.more_size = 1000;
    two(&m);
    refused(&m, "not inside the file");
    add_entry(&m, "a/data.pkl", "first");
    m.move = 1;
    add_entry(&m, "a/data/0", "2nd");
    refused(&m, "local header is not there");
    m.more_size = 4; /* over the next header */
    add_entry(&m, "a/data.pkl", "first");
    m.more_size = 0;
    add_entry(&m, "a/data/0", "2nd");
    refused(&m, "overlap");
    add_entry(&m, "", "no name");
    refused(&m, "no usable name");
    two(&m);
    m.entries = 3;
    refused(&m, "does not fit"); /* more than fit into the directory */
    two(&m);
    m.directory.s[0] ^= 1;
    refused(&m, "directory of the zip file is damaged");
    m.wide = true;
    two(&m);
    m.directory.s[46 + 10] ^= 2; /* no longer a zip64 field */
    refused(&m, "zip64 field");
}

/* The header of a member, whose sum is right. */
static void add_member(struct buf *b, const char *name, const char *size, char type,
                       const char *bytes)
{
    char h[513] = "";
    unsigned sum = 0;

    memcpy(h, name, strlen(name));
    memcpy(h + 124, size, 11);
    h[156] = type;
    memcpy(h + 257, "ustar  ", 7);
    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 7, "%06o", sum);
    h[155] = ' ';
    buf_add(b, h, 512);
    buf_adds(b, bytes);
    while (b->len % 512 != 0)
        buf_addc(b, '\0');
}

Test(weights_zip, members_of_a_tar_archive_are_found)
{
    struct error err = { 0 };
    struct buf b = { 0 };
    struct tar_member m;

    add_member(&b, "./sys_info", "00000000003", '0', "abc");
    add_member(&b, "pickle", "00000000004", '\0', "defg");
    add_member(&b, "folder", "00000000000", '5', "");
    add_member(&b, "twice", "00000000001", '0', "1");
    add_member(&b, "twice", "00000000001", '0', "2");
    must(tar_find((uint8_t *)b.s, b.len, "pickle", &m, &err));
    cr_assert(eq(sz, m.size, 4));
    cr_assert(zero(int, memcmp(b.s + m.at, "defg", 4)));
    must(tar_find((uint8_t *)b.s, b.len, "sys_info", &m, &err));
    cr_assert(zero(int, memcmp(b.s + m.at, "abc", 3)));
    cr_assert(eq(int, tar_find((uint8_t *)b.s, b.len, "pickl", &m, &err), E_INPUT));
    cr_assert(eq(int, tar_find((uint8_t *)b.s, b.len, "twice", &m, &err), E_INPUT));
    cr_assert(eq(int, tar_find((uint8_t *)b.s, b.len, "folder", &m, &err), E_INPUT));
    b.s[512 * 2 + 3] ^= 1; /* the second header */
    cr_assert(eq(int, tar_find((uint8_t *)b.s, b.len, "sys_info", &m, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "damaged at byte 1024"))), "%s", err.text);
    buf_release(&b);
}

Test(weights_zip, a_member_that_does_not_fit_is_refused)
{
    static const char *const size[] = { "00000001001", "77777777777", "0000000000x",
                                        "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" };

    for (int i = 0; i < 4; i++) {
        struct error err = { 0 };
        struct buf b = { 0 };
        struct tar_member m;

        add_member(&b, "pickle", size[i], '0', "defg");
        cr_assert(eq(int, tar_find((uint8_t *)b.s, b.len, "pickle", &m, &err), E_INPUT));
        buf_release(&b);
    }
}
