#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image/jpeg.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* What libjpeg's callbacks are given; manager is first. */
struct reader {
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    bool cut;                    /* the bytes ended too early */
    char story[JMSG_LENGTH_MAX]; /* what libjpeg says of an error */
    struct image im;
    uint8_t *inks; /* a row of four inks */
};

static void on_error(j_common_ptr info)
{
    struct reader *r = (struct reader *)info->err;

    info->err->format_message(info, r->story);
    longjmp(r->back, 1);
}

/* Other warnings are of damage that libjpeg mends, as Pillow lets it. */
static void on_message(j_common_ptr info, int level)
{
    struct reader *r = (struct reader *)info->err;

    if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF)
        r->cut = true;
}

enum { MOST_SCANS = 500 };

/* A small file can ask for any number of passes over a large picture. */
static void on_progress(j_common_ptr info)
{
    struct reader *r = (struct reader *)info->err;

    if (((j_decompress_ptr)info)->input_scan_number <= MOST_SCANS)
        return;
    snprintf(r->story, sizeof r->story, "it has more than %d scans", MOST_SCANS);
    longjmp(r->back, 1);
}

/* a b / 255, rounded. */
static unsigned product(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;

    return (t + (t >> 8)) >> 8;
}

/* Adobe's files hold inks inverted: 255 is no ink. */
static void inks_to_rgb(uint8_t *rgb, const uint8_t *inks, int width)
{
    for (int x = 0; x < width; x++, rgb += 3, inks += 4) {
        unsigned light = inks[3];

        for (int c = 0; c < 3; c++) {
            unsigned ink = product(255u - inks[c], light);
            rgb[c] = (uint8_t)(light > ink ? light - ink : 0);
        }
    }
}

static void read_rows(struct jpeg_decompress_struct *j, struct reader *r)
{
    size_t row = (size_t)r->im.width * (size_t)r->im.channels;

    while (j->output_scanline < j->output_height && !r->cut) {
        uint8_t *to = r->im.pixel + (size_t)j->output_scanline * row;
        JSAMPROW one = r->inks != NULL ? r->inks : to;

        jpeg_read_scanlines(j, &one, 1);
        if (r->inks != NULL)
            inks_to_rgb(to, r->inks, r->im.width);
    }
}

/* Nothing is allocated between setjmp() and longjmp() but what *r or libjpeg holds. */
static int decode(struct jpeg_decompress_struct *j, struct reader *r, const void *bytes,
                  size_t n, struct error *err)
{
    int rc;

    if (setjmp(r->back) != 0)
        return error_set(err, E_INPUT, "%s", r->story);
    jpeg_create_decompress(j);
    j->progress = &r->progress;
    jpeg_mem_src(j, bytes, (unsigned long)n);
    jpeg_read_header(j, TRUE);
    rc = image_check_size(j->image_width, j->image_height, err);
    if (rc < 0)
        return rc;
    j->out_color_space = j->num_components == 1   ? JCS_GRAYSCALE
                         : j->num_components == 4 ? JCS_CMYK
                                                  : JCS_RGB;
    jpeg_start_decompress(j);
    image_init(&r->im, (int)j->output_width, (int)j->output_height,
               j->num_components == 1 ? 1 : 3);
    if (j->num_components == 4)
        r->inks = xmalloc(4 * (size_t)r->im.width);
    read_rows(j, r);
    if (r->cut)
        return error_set(err, E_INPUT, "it ends in row %u of %d", j->output_scanline,
                         r->im.height);
    jpeg_finish_decompress(j);
    return 0;
}

int image_decode_jpeg(struct image *im, const void *bytes, size_t n, struct error *err)
{
    const char *name = im->name;
    struct jpeg_decompress_struct j = { 0 };
    struct reader *r = xcalloc(1, sizeof *r);
    int rc;

    j.err = jpeg_std_error(&r->manager);
    r->manager.error_exit = on_error;
    r->manager.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    rc = decode(&j, r, bytes, n, err);
    jpeg_destroy_decompress(&j);
    if (rc < 0)
        image_release(&r->im);
    *im = r->im;
    im->name = name;
    free(r->inks);
    free(r);
    return rc;
}

/* What libjpeg's callbacks are given when it writes; manager is first. */
struct writer {
    struct jpeg_error_mgr manager;
    jmp_buf back;
    char story[JMSG_LENGTH_MAX];
    unsigned char *bytes; /* libjpeg's, by malloc() */
    unsigned long n;
};

static void on_write_error(j_common_ptr info)
{
    struct writer *w = (struct writer *)info->err;

    info->err->format_message(info, w->story);
    longjmp(w->back, 1);
}

static int encode(struct jpeg_compress_struct *j, struct writer *w,
                  const struct image *im, int quality, bool optimise, struct error *err)
{
    size_t row = (size_t)im->width * (size_t)im->channels;

    if (setjmp(w->back) != 0)
        return error_set(err, E_SYSTEM, "writing a JPEG: %s", w->story);
    jpeg_create_compress(j);
    jpeg_mem_dest(j, &w->bytes, &w->n);
    j->image_width = (JDIMENSION)im->width;
    j->image_height = (JDIMENSION)im->height;
    j->input_components = im->channels;
    j->in_color_space = im->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(j);
    jpeg_set_quality(j, quality, TRUE);
    j->optimize_coding = optimise;
    jpeg_start_compress(j, TRUE);
    while (j->next_scanline < j->image_height) {
        JSAMPROW one = im->pixel + (size_t)j->next_scanline * row;

        jpeg_write_scanlines(j, &one, 1);
    }
    jpeg_finish_compress(j);
    return 0;
}

int image_encode_jpeg(const struct image *im, int quality, bool optimise, struct buf *to,
                      struct error *err)
{
    struct jpeg_compress_struct j = { 0 };
    struct writer *w = xcalloc(1, sizeof *w);
    int rc;

    j.err = jpeg_std_error(&w->manager);
    w->manager.error_exit = on_write_error;
    rc = encode(&j, w, im, quality, optimise, err);
    jpeg_destroy_compress(&j);
    if (rc == 0)
        buf_add(to, w->bytes, w->n);
    free(w->bytes);
    free(w);
    return rc;
}

int image_through_jpeg(struct image *to, const struct image *from, int quality,
                       bool optimise, struct error *err)
{
    struct buf file = { 0 };
    int rc = image_encode_jpeg(from, quality, optimise, &file, err);

    *to = (struct image){ .name = from->name };
    if (rc == 0)
        rc = image_decode_jpeg(to, file.s, file.len, err);
    if (rc == 0) {
        to->label = from->label;
        to->texture = from->texture;
    }
    buf_release(&file);
    return rc;
}
