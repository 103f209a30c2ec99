/*
 * sheet - sample pictures of a set as one PNG: a row a class.
 *
 * in   set     image set
 * in   below   another image set, shown in the same way beneath (may be left out)
 * out  sheet   PNG
 *
 * Row r holds pictures of class r in the order of their names, from the `first` on (from
 * 0); where there are no more the paper stays white. Pixels are enlarged without
 * smoothing.
 */
#include "image/png.h"
#include "image/set.h"
#include "kit/stage.h"

#include "larder/banned.h"

struct options {
    const char *set, *below, *sheet;
    int columns, rows, first, scale, gap;
};

/* One set and where its pictures go. */
struct grid {
    struct imageset *set; /* NULL: none */
    int width, height, channels;
};

static int grid_open(struct grid *g, const char *path, struct error *err)
{
    int rc = imageset_open(&g->set, path, err);

    return rc < 0 ? rc : imageset_shape(g->set, &g->width, &g->height, &g->channels, err);
}

/* Copies a picture to (left, top), each pixel scale x scale times; grey becomes colour
 * where the sheet is in colour. */
static void paste(struct image *sheet, const struct image *im, int left, int top,
                  int scale)
{
    for (int y = 0; y < im->height * scale; y++) {
        const uint8_t *row = im->pixel + (size_t)(y / scale) * im->width * im->channels;
        uint8_t *to =
            sheet->pixel + ((size_t)(top + y) * sheet->width + left) * sheet->channels;

        for (int x = 0; x < im->width * scale; x++)
            for (int k = 0; k < sheet->channels; k++)
                *to++ = row[x / scale * im->channels + (im->channels == 3 ? k : 0)];
    }
}

/* Pastes the pictures of one set, the first of them at height top. */
static int paste_grid(struct image *sheet, const struct grid *g, const struct options *o,
                      int top, struct error *err)
{
    int across = g->width * o->scale + o->gap, down = g->height * o->scale + o->gap;

    for (int row = 0; row < o->rows; row++) {
        int seen = 0;

        for (long i = 0; i < imageset_size(g->set) && seen < o->first + o->columns; i++) {
            struct image im;
            int rc = imageset_get(g->set, i, &im, err);

            if (rc < 0)
                return rc;
            if (im.label != row || seen++ < o->first)
                continue;
            paste(sheet, &im, o->gap + (seen - 1 - o->first) * across, top + row * down,
                  o->scale);
        }
    }
    return 0;
}

/* The white sheet for one or two grids; *second is where the second begins. */
static int make_sheet(struct image *sheet, const struct grid grid[2],
                      const struct options *o, int *second, struct error *err)
{
    const struct grid *g = &grid[0];
    long across = g->width * o->scale + o->gap, down = g->height * o->scale + o->gap;
    long width = o->columns * across + o->gap, height = o->rows * down + o->gap;
    int channels = g->channels;

    *second = (int)height + o->gap;
    if (grid[1].set != NULL) {
        height += o->gap + o->rows * down + o->gap;
        channels = grid[1].channels > channels ? 3 : channels;
        if (grid[1].width != g->width || grid[1].height != g->height)
            return error_set(err, E_INPUT, "%s has pictures of %dx%d, %s of %dx%d",
                             o->set, g->width, g->height, o->below, grid[1].width,
                             grid[1].height);
    }
    if (width > UINT16_MAX || height > UINT16_MAX)
        return error_set(err, E_USAGE, "a sheet of %ldx%ld pixels is too large", width,
                         height);
    image_init(sheet, (int)width, (int)height, channels);
    memset(sheet->pixel, 255, image_bytes(sheet));
    return 0;
}

static int draw_sheet(const void *options, struct error *err)
{
    const struct options *o = options;
    struct grid grid[2] = { 0 };
    struct image sheet = { 0 };
    int rc, second;

    rc = grid_open(&grid[0], o->set, err);
    if (rc == 0 && o->below != NULL)
        rc = grid_open(&grid[1], o->below, err);
    if (rc == 0)
        rc = make_sheet(&sheet, grid, o, &second, err);
    if (rc == 0)
        rc = paste_grid(&sheet, &grid[0], o, o->gap, err);
    if (rc == 0 && o->below != NULL)
        rc = paste_grid(&sheet, &grid[1], o, second, err);
    if (rc == 0)
        rc = image_write_png(&sheet, o->sheet, err);
    image_release(&sheet);
    imageset_close(grid[1].set);
    imageset_close(grid[0].set);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .columns = 12, .rows = 10, .scale = 2, .gap = 2 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("sample pictures of a set as one PNG: a row a class"),
        STAGE_IN_SET("set", &o.set, "the pictures"),
        STAGE_MAY_IN_SET("below", &o.below, "more pictures, beneath"),
        STAGE_OUT("sheet", &o.sheet, "PNG"),
        STAGE_INT("columns", &o.columns, 1, 1000, "pictures a class"),
        STAGE_INT("rows", &o.rows, 1, 1000, "classes, from class 0"),
        STAGE_INT("first", &o.first, 0, 999999, "pictures of each class to pass over"),
        STAGE_INT("scale", &o.scale, 1, 64, "how many times a pixel is enlarged"),
        STAGE_INT("gap", &o.gap, 0, 64, "white pixels between pictures"),
        STAGE_END,
    };

    return stage_main(argc, argv, args, draw_sheet, &o);
}
