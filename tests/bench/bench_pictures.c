/*
 * bench_pictures - what turning JPEG files into a set costs at least, and reading a set.
 *
 *     bench_pictures loop FILE...      decodes each by bare libjpeg, scales, crops
 *     bench_pictures sum SET           goes over the pictures of a set
 *     bench_pictures read SET TIMES    opens it and reads it whole, as floats, so often
 *
 * The first two print the CRC-32 of all squares: the same when they are those of the same
 * files. The last prints pictures a second of CPU time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jpeglib.h>
#include <zlib.h>

#include "image/resize.h"
#include "image/set.h"
#include "learn/feed.h"

enum { SIDE = 256, CROP = 224, BATCH = 64 };

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_pictures: %s\n", err->text);
    exit(1);
}

static unsigned long add(unsigned long crc, const struct image *im)
{
    return crc32(crc, im->pixel, (unsigned)image_bytes(im));
}

static unsigned long decode(unsigned long crc, const char *path)
{
    struct jpeg_decompress_struct j;
    struct jpeg_error_mgr errors;
    struct image im, square;
    FILE *f = fopen(path, "rb");

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    j.err = jpeg_std_error(&errors); /* an error ends the process */
    jpeg_create_decompress(&j);
    jpeg_stdio_src(&j, f);
    jpeg_read_header(&j, TRUE);
    jpeg_start_decompress(&j);
    image_init(&im, (int)j.output_width, (int)j.output_height, 3);
    while (j.output_scanline < j.output_height) {
        JSAMPROW row = im.pixel + (size_t)j.output_scanline * j.output_width * 3;

        jpeg_read_scanlines(&j, &row, 1);
    }
    jpeg_finish_decompress(&j);
    jpeg_destroy_decompress(&j);
    fclose(f);
    image_fit(&square, &im, SIDE, CROP);
    crc = add(crc, &square);
    image_release(&square);
    image_release(&im);
    return crc;
}

static unsigned long sum(const char *path)
{
    unsigned long crc = crc32(0, NULL, 0);
    struct error err = { 0 };
    struct imageset *set;
    struct image im;

    must(imageset_open(&set, path, &err), &err);
    while (imageset_next(set, &im, &err) == IMAGESET_ITEM)
        crc = add(crc, &im);
    imageset_close(set);
    return crc;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double reading(const char *path, int times)
{
    double begin = seconds(), read = 0;
    struct error err = { 0 };

    for (int i = 0; i < times; i++) {
        struct feed f;

        must(feed_open(&f, path, BATCH, 0, &err), &err);
        while (feed_next(&f, &err) == FEED_BATCH)
            read += f.n;
        feed_close(&f);
    }
    return read / (seconds() - begin);
}

int main(int argc, char **argv)
{
    unsigned long crc = crc32(0, NULL, 0);

    if (argc >= 3 && strcmp(argv[1], "loop") == 0) {
        for (int i = 2; i < argc; i++)
            crc = decode(crc, argv[i]);
        printf("%08lx\n", crc);
    } else if (argc == 3 && strcmp(argv[1], "sum") == 0) {
        printf("%08lx\n", sum(argv[2]));
    } else if (argc == 4 && strcmp(argv[1], "read") == 0) {
        printf("%.1f\n", reading(argv[2], (int)strtol(argv[3], NULL, 10)));
    } else {
        fprintf(stderr,
                "usage: bench_pictures loop FILE... | sum SET | read SET TIMES\n");
        return 2;
    }
    return 0;
}
