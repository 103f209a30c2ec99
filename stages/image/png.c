#include "image/png.h"

#include <png.h>
#include <stdbool.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { COMPRESSION_LEVEL = 9 };

/* What libpng's callbacks are given. */
struct writer {
    struct buf bytes;
    char story[256]; /* what libpng says of an error */
};

static void on_error(png_structp png, png_const_charp message)
{
    struct writer *w = png_get_error_ptr(png);

    snprintf(w->story, sizeof w->story, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message; /* libpng warns of what the writer may not use here */
}

static void on_write(png_structp png, png_bytep bytes, size_t n)
{
    struct writer *w = png_get_io_ptr(png);

    buf_add(&w->bytes, bytes, n);
}

static void on_flush(png_structp png)
{
    (void)png;
}

/* Fills w->bytes; false when libpng gave up. Nothing is allocated between setjmp() and
 * longjmp() but by libpng, and no local changes there. */
static bool encode(const struct image *im, png_structp png, png_infop info,
                   struct writer *w)
{
    size_t row = (size_t)im->width * (size_t)im->channels;

    if (setjmp(png_jmpbuf(png)) != 0)
        return false;
    png_set_write_fn(png, w, on_write, on_flush);
    png_set_compression_level(png, COMPRESSION_LEVEL);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    png_set_IHDR(png, info, (png_uint_32)im->width, (png_uint_32)im->height, 8,
                 im->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < im->height; y++)
        png_write_row(png, im->pixel + (size_t)y * row);
    png_write_end(png, NULL);
    return true;
}

int image_write_png(const struct image *im, const char *path, struct error *err)
{
    struct writer w = { 0 };
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    int rc;

    if (info == NULL)
        rc = error_set(err, E_SYSTEM, "%s: libpng cannot be started", path);
    else if (!encode(im, png, info, &w))
        rc = error_set(err, E_SYSTEM, "%s: libpng: %s", path, w.story);
    else
        rc = fs_write(path, buf_str(&w.bytes), w.bytes.len, false, err);
    png_destroy_write_struct(&png, &info);
    buf_release(&w.bytes);
    return rc;
}

/* What libpng's callbacks are given while a file is read. */
struct reader {
    const uint8_t *bytes;
    size_t n, at;
    char story[256];
    struct image im;
    png_bytep *row;
};

static void on_read_error(png_structp png, png_const_charp message)
{
    struct reader *r = png_get_error_ptr(png);

    snprintf(r->story, sizeof r->story, "%s", message);
    png_longjmp(png, 1);
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    struct reader *r = png_get_io_ptr(png);

    if (n > r->n - r->at)
        png_error(png, "it ends too early");
    memcpy(to, r->bytes + r->at, n);
    r->at += n;
}

/* 8 bits, grey or RGB, whatever the file has. */
static void transform(png_structp png)
{
    png_set_strip_16(png);
    png_set_expand(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
}

static int decode(png_structp png, png_infop info, struct reader *r, struct error *err)
{
    int rc;

    if (setjmp(png_jmpbuf(png)) != 0)
        return error_set(err, E_INPUT, "%s", r->story);
    png_set_read_fn(png, r, on_read);
    png_read_info(png, info);
    rc = image_check_size(png_get_image_width(png, info), png_get_image_height(png, info),
                          err);
    if (rc < 0)
        return rc;
    transform(png);
    png_read_update_info(png, info);
    image_init(&r->im, (int)png_get_image_width(png, info),
               (int)png_get_image_height(png, info), png_get_channels(png, info));
    r->row = xcalloc((size_t)r->im.height, sizeof *r->row);
    for (int y = 0; y < r->im.height; y++)
        r->row[y] =
            r->im.pixel + (size_t)y * (size_t)r->im.width * (size_t)r->im.channels;
    png_read_image(png, r->row);
    return 0;
}

int image_decode_png(struct image *im, const void *bytes, size_t n, struct error *err)
{
    const char *name = im->name;
    struct reader *r = xcalloc(1, sizeof *r);
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_read_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    int rc;

    r->bytes = bytes;
    r->n = n;
    rc = info != NULL ? decode(png, info, r, err)
                      : error_set(err, E_SYSTEM, "libpng cannot be set up");
    png_destroy_read_struct(&png, &info, NULL);
    if (rc < 0)
        image_release(&r->im);
    *im = r->im;
    im->name = name;
    free(r->row);
    free(r);
    return rc;
}
