/* Pictures from files, and their scaling. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "image/decode.h"
#include "image/png.h"
#include "image/resize.h"
#include "larder/fs.h"

static uint32_t crc(const struct image *im)
{
    return (uint32_t)crc32(0, im->pixel, (uInt)image_bytes(im));
}

/* A picture that was scaled by Pillow 9.4.0, whose checksums stand below. */
static struct image counted(int width, int height)
{
    struct image im;

    image_init(&im, width, height, 3);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                im.pixel[((size_t)y * width + x) * 3 + c] =
                    (uint8_t)((7 * x + 13 * y + 29 * c + (x * y >> 3)) & 255);
    return im;
}

Test(decode, scaling_is_that_of_pillow)
{
    struct image im = counted(375, 500), scaled, cropped;

    cr_assert(eq(u32, crc(&im), 0x9ab4bf54));
    image_fit(&scaled, &im, 256, 0);
    cr_assert(eq(int, scaled.width, 256));
    cr_assert(eq(int, scaled.height, 341));
    cr_assert(eq(u32, crc(&scaled), 0x5fc93799));
    image_fit(&cropped, &im, 256, 224);
    cr_assert(eq(u32, crc(&cropped), 0xb2bb9949));
    cr_assert(eq(int, cropped.pixel[0], 182));
    cr_assert(eq(int, cropped.pixel[224 * 224 * 3 - 1], 90));
    image_release(&cropped);
    image_release(&scaled);
    image_release(&im);
}

Test(decode, a_row_is_scaled_by_hand)
{
    struct image im, scaled;

    image_init(&im, 5, 1, 1);
    memcpy(im.pixel, (uint8_t[]){ 0, 64, 128, 192, 255 }, 5);
    image_resize(&scaled, &im, 3, 1);
    cr_assert(eq(int, scaled.pixel[0], 27));
    cr_assert(eq(int, scaled.pixel[1], 128));
    cr_assert(eq(int, scaled.pixel[2], 228));
    image_release(&scaled);
    image_release(&im);
}

Test(decode, a_picture_of_that_size_stays_as_it_is)
{
    struct image im = counted(256, 300), same;

    image_fit(&same, &im, 256, 0);
    cr_assert(eq(int, same.height, 300));
    cr_assert(eq(u32, crc(&same), crc(&im)));
    image_release(&same);
    image_release(&im);
}

Test(decode, small_and_narrow_pictures_are_scaled_up_and_cut)
{
    static const int size[][2] = {
        { 1, 1 }, { 1, 400 }, { 400, 1 }, { 3, 2 }, { 1, 5000 }
    };

    for (int i = 0; i < 5; i++) {
        struct image im = counted(size[i][0], size[i][1]), fit;
        image_fit(&fit, &im, 32, 28);
        cr_assert(eq(int, fit.width, 28));
        cr_assert(eq(int, fit.height, 28));
        image_release(&fit);
        image_release(&im);
    }
}

Test(decode, what_is_outside_a_crop_is_black)
{
    struct image im = counted(4, 4), out;

    image_crop(&out, &im, -1, 2, 6, 4);
    cr_assert(eq(int, out.pixel[0], 0));
    cr_assert(eq(int, out.pixel[3], im.pixel[2 * 4 * 3]));
    cr_assert(eq(int, out.pixel[6 * 3 - 1], 0));
    cr_assert(eq(int, out.pixel[3 * 6 * 3 + 3], 0));
    image_release(&out);
    image_release(&im);
}

Test(decode, a_png_is_read_as_it_was_written)
{
    struct image im = counted(17, 9), back = { .name = "x" };
    struct buf bytes = { 0 };
    struct error err = { 0 };

    cr_assert(eq(int, image_write_png(&im, "decode.png", &err), 0));
    cr_assert(eq(int, fs_read("decode.png", &bytes, &err), 0));
    cr_assert(eq(int, image_decode(&back, bytes.s, bytes.len, &err), 0), "%s", err.text);
    cr_assert(eq(u32, crc(&back), crc(&im)));
    image_release(&back);
    for (size_t n = 0; n < bytes.len - 12; n += 7) { /* without the last, empty chunk */
        cr_assert(eq(int, image_decode(&back, bytes.s, n, &err), E_INPUT), "%zu", n);
        cr_assert(zero(ptr, back.pixel));
    }
    buf_release(&bytes);
    image_release(&im);
    remove("decode.png");
}

Test(decode, what_is_no_picture_is_named)
{
    struct error err = { 0 };
    struct image im = { 0 };

    cr_assert(eq(int, image_decode(&im, "", 0, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "empty"))));
    cr_assert(eq(int, image_decode(&im, "GIF89a..", 8, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "neither JPEG nor PNG"))));
    cr_assert(eq(int, image_decode(&im, "\xff\xd8\xff\xe0garbage", 11, &err), E_INPUT));
    cr_assert(eq(int, image_check_size(0, 5, &err), E_INPUT));
    cr_assert(eq(int, image_check_size(70000, 5, &err), E_INPUT));
    cr_assert(eq(int, image_check_size(60000, 60000, &err), E_INPUT));
}
