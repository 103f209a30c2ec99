#include "image/set.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "larder/buf.h"
#include "larder/fs.h"

static char folder[] = "/tmp/unit-set-XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    cr_assert_eq(fs_remove_tree(folder, NULL), 0);
}

TestSuite(imageset, .init = make_folder, .fini = remove_folder);

/* Picture i of a sample set: some pixels that tell it from the others. */
static void draw(struct image *im, int i, int side, int channels)
{
    image_init(im, side, side, channels);
    im->label = i % 10;
    im->texture = i % 3 == 0 ? -1 : i % 7;
    for (size_t k = 0; k < image_bytes(im); k++)
        im->pixel[k] = (uint8_t)(i * 31 + (int)k * 7);
}

/* Writes pictures first, first + step, ... below end. */
static void write_set(const char *path, int first, int end, int step, int side,
                      int channels)
{
    struct imageset *set;
    struct error err = { 0 };
    char name[16];

    cr_assert_eq(
        imageset_create(&set, path, (long long)end * (side * side * channels + 8), &err),
        0, "%s", err.text);
    for (int i = first; i < end; i += step) {
        struct image im;

        draw(&im, i, side, channels);
        snprintf(name, sizeof name, "p-%06d", i);
        im.name = name;
        cr_assert_eq(imageset_append(set, &im, &err), 0, "%s", err.text);
        image_release(&im);
    }
    cr_assert_eq(imageset_commit(set, &err), 0, "%s", err.text);
    imageset_close(set);
}

static struct imageset *open_set(const char *path)
{
    struct imageset *set;
    struct error err = { 0 };

    cr_assert_eq(imageset_open(&set, path, &err), 0, "%s", err.text);
    return set;
}

static bool same_picture(const struct image *a, const struct image *b)
{
    return a->width == b->width && a->height == b->height && a->channels == b->channels &&
           a->label == b->label && a->texture == b->texture &&
           memcmp(a->pixel, b->pixel, image_bytes(a)) == 0;
}

static void reads_back(const char *path, int n, int side, int channels)
{
    struct imageset *set = open_set(path);
    struct error err = { 0 };
    char name[16];

    cr_assert_eq(imageset_size(set), n);
    for (int i = 0; i < n; i++) {
        struct image im, wanted;

        draw(&wanted, i, side, channels);
        snprintf(name, sizeof name, "p-%06d", i);
        cr_assert_eq(imageset_get(set, i, &im, &err), 0, "%s", err.text);
        cr_assert_str_eq(im.name, name);
        cr_assert(same_picture(&im, &wanted), "picture %d", i);
        cr_assert_eq(imageset_find(set, name), i);
        image_release(&wanted);
    }
    imageset_close(set);
}

/* Sizes that end in a leaf, in one overflow page, in several; and more than one commit.
 */
struct shape_case {
    int n, side, channels;
};

ParameterizedTestParameters(imageset, what_was_written_is_read)
{
    static struct shape_case cases[] = {
        { 1, 1, 1 },    { 10, 32, 3 },  { 10, 32, 1 },   { 7, 100, 3 },
        { 1000, 2, 3 }, { 2503, 8, 3 }, { 2503, 32, 1 },
    };

    return cr_make_param_array(struct shape_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct shape_case *c, imageset, what_was_written_is_read)
{
    write_set("s", 0, c->n, 1, c->side, c->channels);
    reads_back("s", c->n, c->side, c->channels);
}

Test(imageset, next_goes_through_all_and_ends)
{
    struct imageset *set;
    struct image im;
    int n = 0, rc;

    write_set("s", 0, 12, 1, 4, 3);
    set = open_set("s");
    while ((rc = imageset_next(set, &im, NULL)) == IMAGESET_ITEM)
        n++;
    cr_assert_eq(rc, IMAGESET_END);
    cr_assert_eq(n, 12);
    imageset_close(set);
}

Test(imageset, a_position_outside_is_an_error)
{
    struct imageset *set;
    struct image im;

    write_set("s", 0, 3, 1, 4, 3);
    set = open_set("s");
    cr_assert_eq(imageset_get(set, 3, &im, NULL), E_INPUT);
    cr_assert_eq(imageset_get(set, -1, &im, NULL), E_INPUT);
    cr_assert_eq(imageset_find(set, "p-000003"), -1);
    imageset_close(set);
}

Test(imageset, an_empty_set_can_be_written_and_read)
{
    struct imageset *set;
    int w, h, c;

    write_set("s", 0, 0, 1, 4, 3);
    set = open_set("s");
    cr_assert_eq(imageset_size(set), 0);
    cr_assert_eq(imageset_find(set, "p"), -1);
    cr_assert_eq(imageset_shape(set, &w, &h, &c, NULL), E_INPUT);
    imageset_close(set);
}

static void read_data(const char *path, struct buf *bytes)
{
    struct error err = { 0 };
    struct buf file = { 0 };

    fs_join(&file, path, "data.mdb");
    cr_assert_eq(fs_read(buf_str(&file), bytes, &err), 0, "%s", err.text);
    buf_release(&file);
}

Test(imageset, equal_content_gives_equal_bytes_and_no_lock_file)
{
    struct buf a = { 0 }, b = { 0 };
    void *dirt[200];

    write_set("a", 0, 2503, 1, 8, 3);
    for (int i = 0; i < 200; i++) /* another heap must not show in the file */
        memset(dirt[i] = malloc(30000), 0xa5, 30000);
    for (int i = 0; i < 200; i++)
        free(dirt[i]);
    write_set("b", 0, 2503, 1, 8, 3);
    read_data("a", &a);
    read_data("b", &b);
    cr_assert_eq(a.len, b.len);
    cr_assert_eq(memcmp(a.s, b.s, a.len), 0);
    cr_assert_not(fs_exists("a/lock.mdb"));
    buf_release(&a);
    buf_release(&b);
}

static void set_digest(const char *path, char hex[DIGEST_HEX + 1])
{
    struct imageset *set = open_set(path);
    struct digest id;

    imageset_digest(set, &id);
    digest_hex(&id, hex);
    imageset_close(set);
}

Test(imageset, a_sharded_set_reads_like_one_and_has_its_digest)
{
    char whole[DIGEST_HEX + 1], sharded[DIGEST_HEX + 1];

    write_set("s", 0, 301, 1, 8, 3);
    write_set("t/00", 0, 301, 3, 8, 3);
    write_set("t/01", 1, 301, 3, 8, 3);
    write_set("t/02", 2, 301, 3, 8, 3);
    reads_back("t", 301, 8, 3);
    set_digest("s", whole);
    set_digest("t", sharded);
    cr_assert_str_eq(whole, sharded);
}

/* The number can be had by hand: 7 0 0 0 "p-00000" ... of docs/image-set.md. */
Test(imageset, the_digest_follows_its_rule)
{
    static const unsigned char expected[] = {
        8,   0,   0,  0,  'p', '-', '0', '0', '0', '0', '0', '1', /* name */
        28,  0,   0,  0,                                          /* size of the value */
        'L', 'I', 1,  3,  2,   0,   2,   0, /* version, channels, width, height */
        1,   0,   0,  0,  1,   0,   0,   0, /* label, texture */
        31,  38,  45, 52, 59,  66,  73,  80,  87,  94,  101, 108,
    };
    struct imageset *set;
    struct digest id, wanted;

    write_set("s", 1, 2, 1, 2, 3);
    set = open_set("s");
    imageset_digest(set, &id);
    digest_bytes(&wanted, expected, sizeof expected);
    cr_assert(digest_equal(&id, &wanted));
    imageset_close(set);
}

static void refuses(const char *path, int code, const char *why)
{
    struct imageset *set;
    struct error err = { 0 };

    cr_assert_eq(imageset_open(&set, path, &err), code, "%s: %s", path, err.text);
    cr_assert_null(set);
    cr_assert(strstr(err.text, path) != NULL && strstr(err.text, why) != NULL, "%s",
              err.text);
}

Test(imageset, a_picture_can_be_kept_as_its_file_for_those_who_ask)
{
    static const uint8_t bytes[] = "what a camera wrote";
    struct image im = { .name = "a",
                        .width = 300,
                        .height = 200,
                        .channels = 3,
                        .label = 4,
                        .texture = -1,
                        .file = bytes,
                        .file_bytes = sizeof bytes };
    struct imageset *set;
    struct error err = { 0 };

    cr_assert_eq(imageset_create(&set, "files", sizeof bytes + 1, &err), 0, "%s",
                 err.text);
    cr_assert_eq(imageset_append(set, &im, &err), 0, "%s", err.text);
    cr_assert_eq(imageset_commit(set, &err), 0, "%s", err.text);
    imageset_close(set);

    cr_assert_eq(imageset_open(&set, "files", &err), E_INPUT);
    cr_assert(strstr(err.text, "\"a\" is kept as a file"), "%s", err.text);
    cr_assert_eq(imageset_open_files(&set, "files", &err), 0, "%s", err.text);
    cr_assert_eq(imageset_next(set, &im, &err), IMAGESET_ITEM);
    cr_assert(im.width == 300 && im.height == 200 && im.label == 4);
    cr_assert_null(im.pixel);
    cr_assert_eq(im.file_bytes, sizeof bytes);
    cr_assert_arr_eq(im.file, bytes, sizeof bytes);
    imageset_close(set);
}

Test(imageset, what_is_no_set_is_refused)
{
    refuses("absent", E_SYSTEM, "No such file");
    cr_assert_eq(fs_mkdirs("empty", NULL), 0);
    refuses("empty", E_INPUT, "empty");
    cr_assert_eq(fs_mkdirs("other/00", NULL), 0);
    refuses("other", E_SYSTEM, "No such file");
    cr_assert_eq(fs_mkdirs("photos/holiday", NULL), 0);
    refuses("photos", E_INPUT, "\"holiday\"");
    cr_assert_eq(fs_mkdirs("text", NULL), 0);
    cr_assert_eq(fs_write("text/data.mdb", "hello\n", 6, false, NULL), 0);
    refuses("text", E_CORRUPT, "not an LMDB file");
    cr_assert_eq(fs_write("text/data.mdb", "", 0, false, NULL), 0);
    refuses("text", E_INPUT, "empty");
}

Test(imageset, a_name_in_two_shards_is_refused)
{
    write_set("s/00", 0, 3, 1, 4, 3);
    write_set("s/01", 2, 5, 1, 4, 3);
    refuses("s", E_CORRUPT, "\"p-000002\" is in two shards");
}

Test(imageset, a_truncated_file_is_an_error_at_any_length)
{
    struct buf whole = { 0 };

    write_set("s", 0, 40, 1, 32, 3);
    read_data("s", &whole);
    for (size_t n = whole.len - 1; n > 0; n = n > 4096     ? n - 1021
                                              : n - 97 > n ? 0
                                                           : n - 97) {
        struct imageset *set;
        struct error err = { 0 };

        cr_assert_eq(truncate("s/data.mdb", (off_t)n), 0);
        cr_assert_eq(imageset_open(&set, "s", &err), E_CORRUPT, "%zu bytes: %s", n,
                     err.text);
    }
    buf_release(&whole);
}

static volatile uint8_t sink; /* so that each byte is really read */

/* A damaged set is refused or gives pictures that can be read: never a crash. */
Test(imageset, mutated_files_never_crash)
{
    struct buf whole = { 0 };
    uint32_t state = 12345;
    long refused = 0;

    write_set("s", 0, 60, 1, 16, 1);
    read_data("s", &whole);
    for (int round = 0; round < 3000; round++) {
        struct imageset *set;
        struct image im;
        size_t at[4];
        char was[4];
        int fd = open("s/data.mdb", O_WRONLY);

        for (int k = 0; k < 4; k++) {
            uint8_t flip;

            state = state * 1664525 + 1013904223;
            at[k] = (state >> 8) % whole.len;
            if (k > 0) /* most damage near each other, in the headers of pages */
                at[k] = at[0] / 4096 * 4096 + at[k] % 64;
            state = state * 1664525 + 1013904223;
            flip = (uint8_t)(state >> 24);
            was[k] = whole.s[at[k]];
            cr_assert_eq(pwrite(fd, &flip, 1, (off_t)at[k]), 1);
        }
        if (imageset_open(&set, "s", NULL) == 0)
            while (imageset_next(set, &im, NULL) == IMAGESET_ITEM)
                for (size_t b = 0; b < image_bytes(&im); b++)
                    sink ^= im.pixel[b];
        else
            refused++;
        imageset_close(set);
        for (int k = 3; k >= 0; k--)
            cr_assert_eq(pwrite(fd, &was[k], 1, (off_t)at[k]), 1);
        close(fd);
    }
    cr_assert(refused > 300, "only %ld of 3000 were refused", refused);
    reads_back("s", 60, 16, 1);
    buf_release(&whole);
}

Test(imageset, shape_names_two_pictures_that_differ)
{
    struct imageset *set;
    struct error err = { 0 };
    int w, h, c;

    write_set("s/00", 0, 3, 1, 4, 3);
    write_set("s/01", 3, 5, 1, 4, 1);
    set = open_set("s");
    cr_assert_eq(imageset_shape(set, &w, &h, &c, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "\"p-000003\" is 4x4x1"), "%s", err.text);
    imageset_close(set);
}

static int append_name(struct imageset *set, const char *name, struct error *err)
{
    struct image im;
    int rc;

    image_init(&im, 2, 2, 1);
    im.name = name;
    rc = imageset_append(set, &im, err);
    image_release(&im);
    return rc;
}

Test(imageset, names_must_rise_and_hold_no_control_characters)
{
    struct imageset *set;
    struct error err = { 0 };
    char lengthy[600];

    memset(lengthy, 'x', sizeof lengthy);
    lengthy[599] = '\0';
    cr_assert_eq(imageset_create(&set, "s", 1000, &err), 0, "%s", err.text);
    cr_assert_eq(append_name(set, "b", &err), 0);
    cr_assert_eq(append_name(set, "b", &err), E_INPUT);
    cr_assert_eq(append_name(set, "a", &err), E_INPUT);
    cr_assert_eq(append_name(set, "", &err), E_INPUT);
    cr_assert_eq(append_name(set, "c\td", &err), E_INPUT);
    cr_assert_eq(append_name(set, lengthy, &err), E_INPUT);
    cr_assert_eq(append_name(set, "b-", &err), 0);
    imageset_close(set);
}

Test(imageset, a_folder_with_something_in_it_is_not_overwritten)
{
    struct imageset *set;
    struct error err = { 0 };

    write_set("s", 0, 3, 1, 4, 3);
    cr_assert_eq(imageset_create(&set, "s", 1000, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "not empty"));
    reads_back("s", 3, 4, 3);
}

Test(imageset, more_than_was_announced_is_a_clear_error)
{
    struct imageset *set;
    struct error err = { 0 };
    struct image im;
    char name[16];
    int rc = 0;

    image_init(&im, 2000, 2000, 3);
    im.name = name;
    cr_assert_eq(imageset_create(&set, "s", 1, &err), 0);
    for (int i = 0; i < 30 && rc == 0; i++) {
        snprintf(name, sizeof name, "%03d", i);
        rc = imageset_append(set, &im, &err);
    }
    cr_assert_eq(rc, E_INPUT);
    cr_assert_not_null(strstr(err.text, "than were announced"), "%s", err.text);
    imageset_close(set);
    image_release(&im);
}

Test(imageset, one_that_is_not_committed_does_not_stay)
{
    struct imageset *set;
    struct error err = { 0 };
    struct image im;

    image_init(&im, 3, 4, 3);
    im.name = "a";
    cr_assert_eq(imageset_create(&set, "s", 100, &err), 0);
    cr_assert_eq(imageset_append(set, &im, &err), 0);
    imageset_close(set);
    cr_assert(access("s", F_OK) != 0);
    image_release(&im);
}
