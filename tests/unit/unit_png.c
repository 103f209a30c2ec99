#include "image/png.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "larder/buf.h"
#include "larder/fs.h"

static char path[] = "/tmp/unit-png-XXXXXX";

static void make_file(void)
{
    close(mkstemp(path));
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(png, .init = make_file, .fini = remove_file);

static void draw(struct image *im, int width, int height, int channels)
{
    image_init(im, width, height, channels);
    for (size_t i = 0; i < image_bytes(im); i++)
        im->pixel[i] = (uint8_t)(i * i / 7);
}

static void decodes_to_the_same(const struct image *im)
{
    png_image png = { .version = PNG_IMAGE_VERSION };
    uint8_t *pixel = malloc(image_bytes(im));
    struct error err = { 0 };

    cr_assert_eq(image_write_png(im, path, &err), 0, "%s", err.text);
    cr_assert(png_image_begin_read_from_file(&png, path), "%s", png.message);
    cr_assert_eq(png.width, (unsigned)im->width);
    cr_assert_eq(png.height, (unsigned)im->height);
    cr_assert_eq(png.format, im->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB);
    cr_assert(png_image_finish_read(&png, NULL, pixel, 0, NULL), "%s", png.message);
    cr_assert_eq(memcmp(pixel, im->pixel, image_bytes(im)), 0);
    free(pixel);
}

Test(png, colour_and_grey_decode_to_the_same_pixels)
{
    static const int shape[][3] = {
        { 32, 32, 3 }, { 1, 1, 1 }, { 7, 300, 3 }, { 513, 2, 1 }
    };

    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
        struct image im;

        draw(&im, shape[i][0], shape[i][1], shape[i][2]);
        decodes_to_the_same(&im);
        image_release(&im);
    }
}

Test(png, holds_only_the_chunks_that_a_picture_needs)
{
    struct image im;
    struct buf bytes = { 0 };
    size_t at = 8;
    char chunks[64] = "";

    draw(&im, 40, 40, 3);
    cr_assert_eq(image_write_png(&im, path, NULL), 0);
    cr_assert_eq(fs_read(path, &bytes, NULL), 0);
    while (at + 12 <= bytes.len) {
        const unsigned char *b = (const unsigned char *)bytes.s + at;

        strncat(chunks, (const char *)b + 4, 4);
        at += 12 + ((size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3]);
    }
    cr_assert_str_eq(chunks, "IHDRIDATIEND");
    buf_release(&bytes);
    image_release(&im);
}

Test(png, is_the_same_bytes_each_time)
{
    struct image im;
    struct buf a = { 0 }, b = { 0 };

    draw(&im, 64, 48, 3);
    cr_assert_eq(image_write_png(&im, path, NULL), 0);
    cr_assert_eq(fs_read(path, &a, NULL), 0);
    cr_assert_eq(image_write_png(&im, path, NULL), 0);
    cr_assert_eq(fs_read(path, &b, NULL), 0);
    cr_assert_eq(a.len, b.len);
    cr_assert_eq(memcmp(a.s, b.s, a.len), 0);
    buf_release(&a);
    buf_release(&b);
    image_release(&im);
}

Test(png, a_path_that_cannot_be_written_is_an_error)
{
    struct image im;
    struct error err = { 0 };

    draw(&im, 4, 4, 1);
    cr_assert_eq(image_write_png(&im, "/nowhere/x.png", &err), E_SYSTEM);
    cr_assert_not_null(strstr(err.text, "/nowhere"), "%s", err.text);
    image_release(&im);
}
