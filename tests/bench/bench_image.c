/*
 * bench_image - Larder's distortions alone, and what saving pictures costs at least.
 *
 *     bench_image corrupt SQUARES FROST SEVERITY...   for each type CPU seconds a
 * picture, of these severities together bench_image show SQUARES FROST SEVERITY TYPE the
 * first picture, distorted bench_image saved SQUARES OUT                   bare libjpeg:
 * encodes each at quality 75, decodes it, and writes the pixels
 *
 * SQUARES is pictures of 224 x 224 x 3 bytes, one after another, FROST the folder of
 * frost pictures. The key of picture i is "i".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jpeglib.h>

#include "distort/corrupt.h"
#include "image/decode.h"
#include "image/resize.h"
#include "larder/fs.h"

enum { SIDE = 224, BYTES = SIDE * SIDE * 3, QUALITY = 75, MEASURED = 2 };

/* A type is run over the pictures again and again for so long. */
static const double enough = .1;

static const char *const type[] = {
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
};

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_image: %s\n", err->text);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void read_squares(struct buf *squares, const char *path)
{
    struct error err = { 0 };

    must(fs_read(path, squares, &err), &err);
}

static void read_frosts(struct image *frost, const char *folder)
{
    struct error err = { 0 };
    char **name;
    size_t n;

    must(fs_list(folder, &name, &n, &err), &err);
    for (size_t i = 0; i < n && i < CORRUPT_FROSTS; i++) {
        struct buf path = { 0 }, bytes = { 0 };
        struct image im = { 0 };

        fs_join(&path, folder, name[i]);
        must(fs_read(buf_str(&path), &bytes, &err), &err);
        must(image_decode(&im, bytes.s, bytes.len, &err), &err);
        image_rgb(&frost[i], &im);
        image_release(&im);
        buf_release(&bytes);
        buf_release(&path);
    }
    free(name);
}

static void distort(struct image *to, const struct buf *squares, size_t i,
                    const struct corruption *c)
{
    struct image from = { .name = "square",
                          .width = SIDE,
                          .height = SIDE,
                          .channels = 3,
                          .pixel = (uint8_t *)squares->s + i * BYTES };
    struct error err = { 0 };
    struct draws d;
    char key[32];

    snprintf(key, sizeof key, "%zu", i);
    corrupt_draws(&d, c, key, 0);
    must(corrupt(to, &from, c, &d, &err), &err);
}

static double cost(const struct buf *squares, const struct corruption *c)
{
    size_t done = 0;
    double begin = seconds(), spent = 0;
    struct image out;

    for (; spent < enough; spent = seconds() - begin)
        for (size_t i = 0; i < MEASURED; i++, done++) {
            distort(&out, squares, i, c);
            image_release(&out);
        }
    return spent / (double)done;
}

static void costs(const struct buf *squares, const struct image *frost, char **severity)
{
    for (size_t t = 0; t < sizeof type / sizeof type[0]; t++) {
        struct corruption c = { .type = type[t], .frost = frost };
        double sum = 0;
        char **s = severity;

        for (; *s != NULL; s++) {
            c.severity = (int)strtol(*s, NULL, 10);
            sum += cost(squares, &c);
        }
        printf("%s\t%.9f\n", type[t], sum / (double)(s - severity));
    }
}

/* Encodes, decodes into the same place. */
static void through_jpeg(unsigned char *pixel)
{
    struct jpeg_compress_struct to = { 0 };
    struct jpeg_decompress_struct from = { 0 };
    struct jpeg_error_mgr errors; /* an error ends the process */
    unsigned char *bytes = NULL;
    unsigned long n = 0;

    to.err = from.err = jpeg_std_error(&errors);
    jpeg_create_compress(&to);
    jpeg_mem_dest(&to, &bytes, &n);
    to.image_width = to.image_height = SIDE;
    to.input_components = 3;
    to.in_color_space = JCS_RGB;
    jpeg_set_defaults(&to);
    jpeg_set_quality(&to, QUALITY, TRUE);
    jpeg_start_compress(&to, TRUE);
    while (to.next_scanline < SIDE) {
        JSAMPROW row = pixel + (size_t)to.next_scanline * SIDE * 3;

        jpeg_write_scanlines(&to, &row, 1);
    }
    jpeg_finish_compress(&to);
    jpeg_destroy_compress(&to);
    jpeg_create_decompress(&from);
    jpeg_mem_src(&from, bytes, n);
    jpeg_read_header(&from, TRUE);
    jpeg_start_decompress(&from);
    while (from.output_scanline < SIDE) {
        JSAMPROW row = pixel + (size_t)from.output_scanline * SIDE * 3;

        jpeg_read_scanlines(&from, &row, 1);
    }
    jpeg_finish_decompress(&from);
    jpeg_destroy_decompress(&from);
    free(bytes);
}

static void saved(const char *squares, const char *out)
{
    FILE *from = fopen(squares, "rb"), *to = fopen(out, "wb");
    unsigned char *pixel = malloc(BYTES);

    if (from == NULL || to == NULL) {
        perror(from == NULL ? squares : out);
        exit(1);
    }
    while (fread(pixel, BYTES, 1, from) == 1) {
        through_jpeg(pixel);
        fwrite(pixel, BYTES, 1, to);
    }
    fclose(from);
    fflush(to);
    fdatasync(fileno(to)); /* as whoever writes a set does */
    fclose(to);
    free(pixel);
}

int main(int argc, char **argv)
{
    struct image frost[CORRUPT_FROSTS] = { 0 }, out;
    struct buf squares = { 0 };

    if (argc == 4 && strcmp(argv[1], "saved") == 0) {
        saved(argv[2], argv[3]);
    } else if (argc > 4 && strcmp(argv[1], "corrupt") == 0) {
        read_squares(&squares, argv[2]);
        read_frosts(frost, argv[3]);
        costs(&squares, frost, argv + 4);
    } else if (argc == 6 && strcmp(argv[1], "show") == 0) {
        struct corruption c = { .type = argv[5],
                                .severity = (int)strtol(argv[4], NULL, 10),
                                .frost = frost };
        read_squares(&squares, argv[2]);
        read_frosts(frost, argv[3]);
        distort(&out, &squares, 0, &c);
        fwrite(out.pixel, BYTES, 1, stdout);
        image_release(&out);
    } else {
        fprintf(stderr, "usage: bench_image corrupt SQUARES FROST SEVERITY... | "
                        "show SQUARES FROST SEVERITY TYPE | saved SQUARES OUT\n");
        return 2;
    }
    for (int i = 0; i < CORRUPT_FROSTS; i++)
        image_release(&frost[i]);
    buf_release(&squares);
    return 0;
}
