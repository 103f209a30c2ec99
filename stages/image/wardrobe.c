#include "image/wardrobe.h"

#include "larder/mem.h"

#include "larder/banned.h"

enum { GARMENT_BYTES = WORLD_GARMENT_SIDE * WORLD_GARMENT_SIDE };

int wardrobe_open(struct wardrobe *w, const char *images, const char *labels,
                  struct error *err)
{
    int rc;

    *w = (struct wardrobe){ .path = images };
    rc = idx_read(&w->images, images, 3, err);
    if (rc == 0)
        rc = idx_read(&w->labels, labels, 1, err);
    if (rc < 0)
        return rc;
    if (w->images.dim[1] != WORLD_GARMENT_SIDE || w->images.dim[2] != WORLD_GARMENT_SIDE)
        return error_set(err, E_INPUT, "%s: pictures of %ux%u, not %dx%d", images,
                         w->images.dim[2], w->images.dim[1], WORLD_GARMENT_SIDE,
                         WORLD_GARMENT_SIDE);
    if (w->labels.dim[0] != w->images.dim[0])
        return error_set(err, E_INPUT, "%s has %u labels for the %u pictures of %s",
                         labels, w->labels.dim[0], w->images.dim[0], images);
    for (int c = 0; c < WORLD_CLASSES; c++)
        w->garment[c] = xcalloc(w->images.dim[0], sizeof **w->garment);
    for (uint32_t i = 0; i < w->images.dim[0]; i++) {
        int c = w->labels.bytes[i];

        if (c >= WORLD_CLASSES)
            return error_set(err, E_INPUT, "%s: label %d of picture %u; 0 to %d exist",
                             labels, c, i, WORLD_CLASSES - 1);
        w->garment[c][w->n[c]++] = w->images.bytes + (size_t)i * GARMENT_BYTES;
    }
    return 0;
}

void wardrobe_close(struct wardrobe *w)
{
    for (int c = 0; c < WORLD_CLASSES; c++)
        free(w->garment[c]);
    idx_release(&w->labels);
    idx_release(&w->images);
}

const uint8_t *wardrobe_garment(const struct wardrobe *w, int class, long number,
                                struct error *err)
{
    if (number < w->n[class])
        return w->garment[class][number];
    error_set(err, E_INPUT, "%s: garment %ld of class %d is wanted, there are %ld",
              w->path, number + 1, class, w->n[class]);
    return NULL;
}
