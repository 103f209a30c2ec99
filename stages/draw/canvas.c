#include "draw/canvas.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct canvas {
    const char *path;
    enum canvas_format format;
    int scale;
    cairo_surface_t *surface;
    cairo_t *cr;
    struct buf bytes; /* the file */
};

static cairo_status_t add_bytes(void *closure, const unsigned char *bytes, unsigned int n)
{
    buf_add(closure, bytes, n);
    return CAIRO_STATUS_SUCCESS;
}

enum canvas_format canvas_format_of(const char *word)
{
    return strcmp(word, "svg") == 0 ? CANVAS_SVG : CANVAS_PNG;
}

int canvas_open(struct canvas **canvas, const char *path, enum canvas_format format,
                double width, double height, int scale, const struct font *font,
                struct error *err)
{
    struct canvas *c = xcalloc(1, sizeof *c);
    cairo_status_t status;

    c->path = path;
    c->format = format;
    c->scale = format == CANVAS_PNG ? scale : 1;
    if (format == CANVAS_PNG)
        c->surface = cairo_image_surface_create(
            CAIRO_FORMAT_RGB24, (int)ceil(width) * scale, (int)ceil(height) * scale);
    else
        c->surface = cairo_svg_surface_create_for_stream(add_bytes, &c->bytes,
                                                         ceil(width), ceil(height));
    c->cr = cairo_create(c->surface);
    status = cairo_status(c->cr);
    if (status != CAIRO_STATUS_SUCCESS) {
        *canvas = NULL;
        canvas_close(c, E_INPUT, NULL);
        return error_set(err, E_INPUT, "%s: a figure of %.0f x %.0f pixels: %s", path,
                         width * scale, height * scale, cairo_status_to_string(status));
    }
    cairo_scale(c->cr, c->scale, c->scale);
    font_use(font, c->cr);
    cairo_set_source_rgb(c->cr, 1, 1, 1);
    cairo_paint(c->cr);
    *canvas = c;
    return 0;
}

static int finish(struct canvas *c, struct error *err)
{
    cairo_status_t status = cairo_status(c->cr);

    if (status == CAIRO_STATUS_SUCCESS && c->format == CANVAS_PNG)
        status = cairo_surface_write_to_png_stream(c->surface, add_bytes, &c->bytes);
    cairo_surface_finish(c->surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(c->surface);
    if (status != CAIRO_STATUS_SUCCESS)
        return error_set(err, E_SYSTEM, "%s: drawing: %s", c->path,
                         cairo_status_to_string(status));
    return fs_write(c->path, buf_str(&c->bytes), c->bytes.len, false, err);
}

int canvas_close(struct canvas *c, int rc, struct error *err)
{
    if (c == NULL)
        return rc;
    if (rc >= 0)
        rc = finish(c, err);
    cairo_destroy(c->cr);
    cairo_surface_destroy(c->surface); /* an SVG still writes its end into bytes */
    buf_release(&c->bytes);
    free(c);
    return rc;
}

static void set_colour(struct canvas *c, struct colour colour)
{
    cairo_set_source_rgb(c->cr, colour.r, colour.g, colour.b);
}

void canvas_rect(struct canvas *c, double x, double y, double width, double height,
                 struct colour colour)
{
    set_colour(c, colour);
    cairo_rectangle(c->cr, x, y, width, height);
    cairo_fill(c->cr);
}

void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1,
                 double width, struct colour colour)
{
    set_colour(c, colour);
    cairo_set_line_width(c->cr, width);
    cairo_move_to(c->cr, x0, y0);
    cairo_line_to(c->cr, x1, y1);
    cairo_stroke(c->cr);
}

void canvas_dashes(struct canvas *c, double x0, double y0, double x1, double y1,
                   double width, struct colour colour)
{
    static const double dash[] = { 4, 3 };

    cairo_set_dash(c->cr, dash, 2, 0);
    canvas_line(c, x0, y0, x1, y1, width, colour);
    cairo_set_dash(c->cr, NULL, 0, 0);
}

/* Lines across a rectangle, `apart` from one another: level, or rising by a pixel each
 * pixel (slope 1), or falling (-1). */
static void add_lines(struct canvas *c, double x, double y, double width, double height,
                      int slope, double apart)
{
    double rise = slope * width, last = slope == 0 ? height : width + height;

    for (double at = apart / 2; at < last; at += apart) {
        double from = slope < 0 ? at - width : at;

        cairo_move_to(c->cr, x, y + from);
        cairo_line_to(c->cr, x + width, y + from - rise);
    }
}

void canvas_hatched(struct canvas *c, double x, double y, double width, double height,
                    struct colour colour, enum canvas_hatch hatch)
{
    canvas_rect(c, x, y, width, height, colour);
    cairo_save(c->cr);
    cairo_rectangle(c->cr, x, y, width, height);
    cairo_clip(c->cr);
    if (hatch == HATCH_RISING || hatch == HATCH_CROSSED)
        add_lines(c, x, y, width, height, 1, 5);
    if (hatch == HATCH_CROSSED)
        add_lines(c, x, y, width, height, -1, 5);
    if (hatch == HATCH_LEVEL)
        add_lines(c, x, y, width, height, 0, 3);
    cairo_set_line_width(c->cr, .7);
    cairo_set_source_rgb(c->cr, 0, 0, 0);
    cairo_stroke(c->cr);
    cairo_restore(c->cr);
    cairo_set_source_rgb(c->cr, 0, 0, 0);
    cairo_rectangle(c->cr, x, y, width, height);
    cairo_set_line_width(c->cr, .8);
    cairo_stroke(c->cr);
}

/* The corners of a mark of size 1. */
static void add_corners(struct canvas *c, double x, double y, double size,
                        enum canvas_mark mark)
{
    static const struct {
        int n;
        double at[4][2];
    } shape[MARKS] = {
        [MARK_TRIANGLE] = { 3, { { 0, -.58 }, { .58, .42 }, { -.58, .42 } } },
        [MARK_SQUARE] = { 4,
                          { { -.44, -.44 },
                            { .44, -.44 },
                            { .44, .44 },
                            { -.44, .44 } } },
        [MARK_DIAMOND] = { 4, { { 0, -.62 }, { .62, 0 }, { 0, .62 }, { -.62, 0 } } },
    };

    for (int i = 0; i < shape[mark].n; i++)
        cairo_line_to(c->cr, x + size * shape[mark].at[i][0],
                      y + size * shape[mark].at[i][1]);
    cairo_close_path(c->cr);
}

void canvas_mark(struct canvas *c, double x, double y, double size, enum canvas_mark mark,
                 struct colour colour)
{
    cairo_new_path(c->cr);
    if (mark == MARK_CIRCLE)
        cairo_arc(c->cr, x, y, size / 2, 0, 2 * M_PI);
    else
        add_corners(c, x, y, size, mark);
    set_colour(c, colour);
    cairo_fill_preserve(c->cr);
    cairo_set_source_rgb(c->cr, 0, 0, 0);
    cairo_set_line_width(c->cr, .8);
    cairo_stroke(c->cr);
}

void canvas_upright(struct canvas *c, double x, double y, double size,
                    enum canvas_align align, struct colour colour, const char *text)
{
    cairo_save(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_rotate(c->cr, -M_PI / 2);
    canvas_text(c, 0, 0, size, align, colour, text);
    cairo_restore(c->cr);
}

void canvas_text(struct canvas *c, double x, double y, double size,
                 enum canvas_align align, struct colour colour, const char *text)
{
    cairo_text_extents_t extents;

    cairo_set_font_size(c->cr, size);
    cairo_text_extents(c->cr, text, &extents);
    if (align == ALIGN_CENTRE)
        x -= extents.x_advance / 2;
    else if (align == ALIGN_RIGHT)
        x -= extents.x_advance;
    set_colour(c, colour);
    cairo_move_to(c->cr, x, y);
    cairo_show_text(c->cr, text);
}

double canvas_length(struct canvas *c, double size, const char *text)
{
    cairo_text_extents_t extents;

    cairo_set_font_size(c->cr, size);
    cairo_text_extents(c->cr, text, &extents);
    return extents.x_advance;
}

void canvas_picture(struct canvas *c, double x, double y, const uint8_t *rgb, int width,
                    int height, int enlarge)
{
    /* Enlarged here, pixel by pixel of the file, so that no filter smooths it. An SVG may
     * be shown larger: it gets twice as many. */
    int k = enlarge * (c->format == CANVAS_PNG ? c->scale : 2);
    cairo_surface_t *s =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, width * k, height * k);
    unsigned char *to = cairo_image_surface_get_data(s);
    int stride = cairo_image_surface_get_stride(s);

    for (int py = 0; to != NULL && py < height * k; py++)
        for (int px = 0; px < width * k; px++) {
            const uint8_t *p = &rgb[((py / k) * width + px / k) * 3];
            uint32_t value = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

            memcpy(to + (size_t)py * stride + (size_t)px * 4, &value, sizeof value);
        }
    cairo_surface_mark_dirty(s);
    cairo_save(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_scale(c->cr, (double)enlarge / k, (double)enlarge / k);
    cairo_set_source_surface(c->cr, s, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(c->cr), CAIRO_FILTER_NEAREST);
    cairo_paint(c->cr);
    cairo_restore(c->cr);
    cairo_surface_destroy(s);
}
