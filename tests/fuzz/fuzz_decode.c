/* Pictures: what is decoded has a size, and can be scaled. Run it with -max_len=3000: the
 * largest pictures take seconds. */
#include "fuzz.h"

#include <stdlib.h>

#include "image/decode.h"
#include "image/resize.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct image im = { .name = "fuzz" }, fit;
    struct error err = { 0 };

    if (image_decode(&im, bytes, n, &err) < 0) {
        if (im.pixel != NULL)
            abort();
        return 0;
    }
    if (image_bytes(&im) < 1 << 20) {
        image_fit(&fit, &im, 9, 7);
        if (fit.width != 7 || fit.height != 7)
            abort();
        image_release(&fit);
    }
    image_release(&im);
    return 0;
}
