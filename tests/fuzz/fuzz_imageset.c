/* An image set, whose bytes nobody has checked: what is opened has pictures in order, all
 * of whose bytes are there; those kept as files are decoded, or refused. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "image/decode.h"
#include "image/set.h"
#include "larder/buf.h"
#include "place.h"

static unsigned sum(const uint8_t *bytes, size_t n)
{
    unsigned s = 0;

    for (size_t i = 0; i < n; i++)
        s = s * 31 + bytes[i];
    return s;
}

static void look_at(struct imageset *set)
{
    struct image im, rgb = { 0 };
    struct error err = { 0 };
    const char *former = "";
    static volatile unsigned seen; /* for the sanitizer */

    (void)seen;
    while (imageset_next(set, &im, &err) == IMAGESET_ITEM) {
        if (strcmp(former, im.name) >= 0 || (im.pixel == NULL) == (im.file == NULL))
            abort();
        former = im.name;
        seen = im.pixel ? sum(im.pixel, image_bytes(&im)) : sum(im.file, im.file_bytes);
        if (imageset_find(set, im.name) < 0)
            abort();
        if ((long)im.width * im.height < 1 << 20 && im.channels == 3 &&
            image_load_rgb(&rgb, &im, &err) == 0)
            image_release(&rgb);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct imageset *set = NULL;
    struct error err = { 0 };
    struct buf folder = { 0 };

    place_file("set/data.mdb", bytes, n);
    buf_printf(&folder, "%s/set", place_folder());
    if (imageset_open_files(&set, folder.s, &err) == 0)
        look_at(set);
    else if (!err.text[0])
        abort();
    imageset_close(set);
    buf_release(&folder);
    return 0;
}
