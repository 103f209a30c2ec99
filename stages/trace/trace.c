#include "trace/trace.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include <cairo.h>
#include <potracelib.h>

#include "larder/mem.h"

#include "larder/banned.h"

enum { WORD_BITS = (int)(sizeof(potrace_word) * CHAR_BIT), BLACK_BELOW = 383 };

/* One drawing under way. */
struct drawing {
    cairo_t *cairo;
    double scale; /* pixels for a point */
    int height;   /* of the picture, in points */
    struct buf *svg;
};

/* ---- the bitmap ---- */

/* Row 0 is the lowest one, the highest bit of a word its leftmost pixel. */
static potrace_bitmap_t *threshold(const struct image *im)
{
    potrace_bitmap_t *b = xcalloc(1, sizeof *b);
    int C = im->channels;

    b->w = im->width;
    b->h = im->height;
    b->dy = (im->width + WORD_BITS - 1) / WORD_BITS;
    b->map = xcalloc((size_t)b->dy * (size_t)b->h, sizeof *b->map);
    for (int y = 0; y < im->height; y++) {
        potrace_word *row = b->map + (ptrdiff_t)(im->height - 1 - y) * b->dy;
        const uint8_t *p = im->pixel + (size_t)y * (size_t)(im->width * C);

        for (int x = 0; x < im->width; x++, p += C) {
            int light = C == 3 ? p[0] + p[1] + p[2] : 3 * p[0];

            if (light < BLACK_BELOW)
                row[x / WORD_BITS] |= (potrace_word)1 << (WORD_BITS - 1 - x % WORD_BITS);
        }
    }
    return b;
}

static void release_bitmap(potrace_bitmap_t *b)
{
    free(b->map);
    free(b);
}

/* ---- the paths ---- */

/* Potrace writes SVG in tenths of a point. */
static double tenths(double x)
{
    return floor(10 * x + .5);
}

struct place {
    double x, y; /* tenths */
};

static struct place at(potrace_dpoint_t p)
{
    return (struct place){ tenths(p.x), tenths(p.y) };
}

static double across(const struct drawing *d, struct place p)
{
    return p.x / 10 * d->scale;
}

static double down(const struct drawing *d, struct place p)
{
    return (d->height - p.y / 10) * d->scale;
}

static void move(const struct drawing *d, struct place p)
{
    cairo_move_to(d->cairo, across(d, p), down(d, p));
    if (d->svg != NULL)
        buf_printf(d->svg, "M%.0f %.0f", p.x, p.y);
}

static void line(const struct drawing *d, struct place p)
{
    cairo_line_to(d->cairo, across(d, p), down(d, p));
    if (d->svg != NULL)
        buf_printf(d->svg, "L%.0f %.0f", p.x, p.y);
}

static void bend(const struct drawing *d, struct place a, struct place b, struct place p)
{
    cairo_curve_to(d->cairo, across(d, a), down(d, a), across(d, b), down(d, b),
                   across(d, p), down(d, p));
    if (d->svg != NULL)
        buf_printf(d->svg, "C%.0f %.0f %.0f %.0f %.0f %.0f", a.x, a.y, b.x, b.y, p.x,
                   p.y);
}

static void add_curve(const struct drawing *d, const potrace_curve_t *c)
{
    move(d, at(c->c[c->n - 1][2]));
    for (int i = 0; i < c->n; i++) {
        const potrace_dpoint_t *p = c->c[i];

        if (c->tag[i] == POTRACE_CORNER) {
            line(d, at(p[1]));
            line(d, at(p[2]));
        } else {
            bend(d, at(p[0]), at(p[1]), at(p[2]));
        }
    }
    cairo_close_path(d->cairo);
    if (d->svg != NULL)
        buf_addc(d->svg, 'z');
}

/* A path of an outline and its holes; then what lies in the holes. */
static void fill_paths(const struct drawing *d, const potrace_path_t *first)
{
    for (const potrace_path_t *p = first; p != NULL; p = p->sibling) {
        if (d->svg != NULL)
            buf_adds(d->svg, "<path d=\"");
        cairo_new_path(d->cairo);
        add_curve(d, &p->curve);
        for (const potrace_path_t *hole = p->childlist; hole; hole = hole->sibling)
            add_curve(d, &hole->curve);
        cairo_fill(d->cairo);
        if (d->svg != NULL)
            buf_adds(d->svg, "\"/>\n");
        for (const potrace_path_t *hole = p->childlist; hole; hole = hole->sibling)
            fill_paths(d, hole->childlist);
    }
}

/* ---- the picture ---- */

static int side(int points, const struct drawing *d, const struct tracing *t)
{
    double pixels = points * d->scale;

    return (int)(t->round_up ? ceil(pixels) : floor(pixels + .5));
}

/* Black on white of an ARGB surface of which only alpha says something. */
static void take_alpha(struct image *to, cairo_surface_t *s)
{
    int stride = cairo_image_surface_get_stride(s);
    const unsigned char *data = cairo_image_surface_get_data(s);

    for (int y = 0; y < to->height; y++)
        for (int x = 0; x < to->width; x++) {
            uint32_t argb;

            memcpy(&argb, data + (ptrdiff_t)y * stride + 4 * x, sizeof argb);
            to->pixel[y * to->width + x] = (uint8_t)(255 - (argb >> 24));
        }
}

static int draw(struct image *to, const struct image *from, const potrace_path_t *tree,
                const struct tracing *t, struct error *err)
{
    struct drawing d = { .scale = t->dpi / 72, .height = from->height, .svg = t->svg };
    int width = side(from->width, &d, t), height = side(from->height, &d, t), rc = 0;
    cairo_surface_t *s;

    if (width < 1 || height < 1 || width > UINT16_MAX || height > UINT16_MAX)
        return error_set(err, E_INPUT, "it would be drawn in %d x %d pixels", width,
                         height);
    s = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    d.cairo = cairo_create(s);
    cairo_set_source_rgb(d.cairo, 0, 0, 0);
    if (d.svg != NULL)
        buf_printf(d.svg,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%dpt\" "
                   "height=\"%dpt\" viewBox=\"0 0 %d %d\">\n"
                   "<g transform=\"translate(0,%d) scale(0.1,-0.1)\">\n",
                   from->width, from->height, from->width, from->height, from->height);
    fill_paths(&d, tree);
    if (d.svg != NULL)
        buf_adds(d.svg, "</g>\n</svg>\n");
    cairo_surface_flush(s);
    if (cairo_status(d.cairo) != CAIRO_STATUS_SUCCESS)
        rc = error_set(err, E_SYSTEM, "cairo: %s",
                       cairo_status_to_string(cairo_status(d.cairo)));
    if (rc == 0) {
        image_init(to, width, height, 1);
        take_alpha(to, s);
    }
    cairo_destroy(d.cairo);
    cairo_surface_destroy(s);
    return rc;
}

int trace(struct image *to, const struct image *from, const struct tracing *t,
          struct error *err)
{
    potrace_param_t *param = potrace_param_default();
    potrace_bitmap_t *bitmap = threshold(from);
    potrace_state_t *state = param ? potrace_trace(param, bitmap) : NULL;
    int rc;

    if (state == NULL || state->status != POTRACE_STATUS_OK)
        rc = error_set(err, E_SYSTEM, "potrace could not trace it");
    else
        rc = draw(to, from, state->plist, t, err);
    if (state != NULL)
        potrace_state_free(state);
    if (param != NULL)
        potrace_param_free(param);
    release_bitmap(bitmap);
    return rc;
}
