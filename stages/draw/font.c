#include "draw/font.h"

#include <cairo-ft.h>
#include <ft2build.h>
#include FT_FREETYPE_H

#include "larder/mem.h"

#include "larder/banned.h"

struct font {
    cairo_font_face_t *face;
    cairo_surface_t *surface; /* for measuring only */
    cairo_t *measure;
};

/* What cairo must keep as long as it may still use the face. */
struct loaded {
    FT_Library library;
    FT_Face face;
};

static void unload(void *of)
{
    struct loaded *l = of;

    if (l->face != NULL)
        FT_Done_Face(l->face);
    if (l->library != NULL)
        FT_Done_FreeType(l->library);
    free(l);
}

static int load(struct loaded **l, const char *path, struct error *err)
{
    FT_Error failed;

    *l = xcalloc(1, sizeof **l);
    failed = FT_Init_FreeType(&(*l)->library);
    if (failed == 0)
        failed = FT_New_Face((*l)->library, path, 0, &(*l)->face);
    if (failed == 0)
        return 0;
    unload(*l);
    *l = NULL;
    return error_set(err, E_INPUT, "%s: FreeType cannot read it as a font (error %d)",
                     path, failed);
}

int font_open(struct font **font, const char *path, struct error *err)
{
    static const cairo_user_data_key_t key;
    struct loaded *l;
    struct font *f;

    *font = NULL;
    if (load(&l, path, err) < 0)
        return E_INPUT;
    f = xcalloc(1, sizeof *f);
    f->face = cairo_ft_font_face_create_for_ft_face(l->face, FT_LOAD_NO_HINTING);
    if (cairo_font_face_set_user_data(f->face, &key, l, unload) != CAIRO_STATUS_SUCCESS) {
        font_close(f);
        unload(l);
        return error_set(err, E_SYSTEM, "%s: cairo has no memory for the font", path);
    }
    f->surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    f->measure = cairo_create(f->surface);
    font_use(f, f->measure);
    *font = f;
    return 0;
}

void font_close(struct font *f)
{
    if (f == NULL)
        return;
    if (f->measure != NULL)
        cairo_destroy(f->measure);
    if (f->surface != NULL)
        cairo_surface_destroy(f->surface);
    cairo_font_face_destroy(f->face);
    free(f);
}

double font_width(const struct font *f, double size, const char *text)
{
    cairo_text_extents_t extents;

    cairo_set_font_size(f->measure, size);
    cairo_text_extents(f->measure, text, &extents);
    return extents.x_advance;
}

/* Outlines as they are: no hinting, no snapping of widths, grey edges. */
void font_use(const struct font *f, void *drawing)
{
    cairo_font_options_t *o = cairo_font_options_create();

    cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(o, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(drawing, o);
    cairo_font_options_destroy(o);
    cairo_set_font_face(drawing, f->face);
}
