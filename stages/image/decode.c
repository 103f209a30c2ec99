#include "image/decode.h"

#include <stdbool.h>
#include <string.h>

#include "image/jpeg.h"
#include "image/png.h"
#include "image/resize.h"
#include "larder/buf.h"
#include "larder/fs.h"

#include "larder/banned.h"

static bool begins(const void *bytes, size_t n, const char *with, size_t length)
{
    return n >= length && memcmp(bytes, with, length) == 0;
}

int image_decode(struct image *im, const void *bytes, size_t n, struct error *err)
{
    if (begins(bytes, n, "\xff\xd8\xff", 3))
        return image_decode_jpeg(im, bytes, n, err);
    if (begins(bytes, n, "\x89PNG\r\n\x1a\n", 8))
        return image_decode_png(im, bytes, n, err);
    return error_set(err, E_INPUT, n == 0 ? "it is empty" : "it is neither JPEG nor PNG");
}

int image_load_rgb(struct image *rgb, const struct image *im, struct error *err)
{
    struct image decoded = { .name = im->name };
    int rc;

    if (im->file == NULL) {
        image_rgb(rgb, im);
        return 0;
    }
    rc = image_decode(&decoded, im->file, im->file_bytes, err);
    if (rc < 0)
        return error_context(err, "%s", im->name);
    image_rgb(rgb, &decoded);
    image_release(&decoded);
    return 0;
}

int image_read_rgb(struct image *rgb, const char *folder, const char *name,
                   struct error *err)
{
    struct buf path = { 0 }, bytes = { 0 };
    struct image decoded = { .name = name };
    int rc;

    fs_join(&path, folder, name);
    rc = fs_read(buf_str(&path), &bytes, err);
    if (rc == 0 && (rc = image_decode(&decoded, bytes.s, bytes.len, err)) < 0)
        error_context(err, "%s", name);
    if (rc == 0)
        image_rgb(rgb, &decoded);
    image_release(&decoded);
    buf_release(&bytes);
    buf_release(&path);
    return rc;
}
