#include "trace/trace.h"

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "image/resize.h"
#include "made_picture.h"

/* What convert | potrace --svg | rsvg-convert make of the picture, white below. */
Test(tracing, covers_what_the_three_programs_cover)
{
    static const struct {
        double dpi;
        int width, height;
        uint32_t crc;
        long sum;
    } known[] = { { 90, 378, 325, 0x6e70794d, 15286173 },
                  { 96, 403, 347, 0x9c21833b, 17408520 } };
    struct error err = { 0 };
    struct image im, to;

    make_picture(&im);
    for (size_t i = 0; i < 2; i++) {
        struct tracing t = { .dpi = known[i].dpi, .round_up = true };
        long sum = 0;

        cr_assert(eq(int, trace(&to, &im, &t, &err), 0), "%s", err.text);
        for (size_t e = 0; e < image_bytes(&to); e++)
            sum += to.pixel[e];
        cr_expect(eq(int, to.width, known[i].width));
        cr_expect(eq(int, to.height, known[i].height));
        cr_expect(eq(long, sum, known[i].sum));
        cr_expect(eq(u32, crc(&to), known[i].crc));
        image_release(&to);
    }
    image_release(&im);
}

Test(tracing, is_scaled_back_for_a_network)
{
    struct tracing t = { .dpi = 90, .round_up = true };
    struct error err = { 0 };
    struct image im, grey, rgb, to;

    make_picture(&im);
    cr_assert(eq(int, trace(&grey, &im, &t, &err), 0));
    image_rgb(&rgb, &grey);
    image_fit(&to, &rgb, 256, 224);
    cr_expect(eq(u32, crc(&to), 0x64fd48db));
    image_release(&to);
    image_release(&rgb);
    image_release(&grey);
    image_release(&im);
}

Test(tracing, nothing_is_left_of_specks_and_of_white)
{
    struct buf svg = { 0 };
    struct tracing t = { .dpi = 72, .svg = &svg };
    struct error err = { 0 };
    struct image im, to;

    image_init(&im, 20, 10, 1);
    memset(im.pixel, 255, image_bytes(&im));
    im.pixel[45] = 0;
    im.pixel[100] = 128; /* white: 3 * 128 is not below 383 */
    cr_assert(eq(int, trace(&to, &im, &t, &err), 0));
    for (size_t e = 0; e < image_bytes(&to); e++)
        cr_assert(eq(u8, to.pixel[e], 255));
    cr_expect(strstr(buf_str(&svg), "<path") == NULL);
    image_release(&to);
    memset(im.pixel, 127, image_bytes(&im));
    cr_assert(eq(int, trace(&to, &im, &t, &err), 0));
    for (size_t e = 0; e < image_bytes(&to); e++)
        cr_assert(eq(u8, to.pixel[e], 0));
    cr_expect(strstr(buf_str(&svg), "<path d=\"M") != NULL);
    image_release(&to);
    image_release(&im);
    buf_release(&svg);
}
