#include "dissect/broden.h"

#include <string.h>

#include "image/decode.h"
#include "kit/number.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { MOST_SIDE = 4096 };

static int read_in(struct csv *c, const char *folder, const char *name, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    fs_join(&path, folder, name);
    rc = csv_read(c, buf_str(&path), err);
    buf_release(&path);
    return rc;
}

static int read_categories(struct broden *b, const char *folder, struct error *err)
{
    int name, rc = read_in(&b->category, folder, "category.csv", err);

    if (rc < 0)
        return rc;
    name = csv_column(&b->category, "name", err);
    if (name < 0)
        return name;
    if (b->category.n_rows > BRODEN_CATEGORIES)
        return error_set(err, E_INPUT, "%s: %zu categories; at most %d", b->category.path,
                         b->category.n_rows, BRODEN_CATEGORIES);
    for (size_t i = 0; i < b->category.n_rows && rc == 0; i++) {
        struct buf file = { 0 };

        b->category_name[i] = csv_get(&b->category, i, name);
        b->column[i] = csv_find(&b->index, b->category_name[i]);
        buf_printf(&file, "c_%s.csv", b->category_name[i]);
        rc = read_in(&b->codes[i], folder, buf_str(&file), err);
        buf_release(&file);
        b->n_categories++;
    }
    return rc;
}

static int read_labels(struct broden *b, const char *folder, struct error *err)
{
    int rc = read_in(&b->label, folder, "label.csv", err), number, name;

    if (rc < 0)
        return rc;
    number = csv_column(&b->label, "number", err);
    name = csv_column(&b->label, "name", err);
    if (number < 0 || name < 0)
        return E_INPUT;
    b->label_name = xcalloc(BRODEN_LABELS, sizeof *b->label_name);
    b->primary = xcalloc(BRODEN_LABELS, sizeof *b->primary);
    for (int i = 0; i < BRODEN_LABELS; i++)
        b->primary[i] = -1;
    for (size_t i = 0; i < b->label.n_rows; i++) {
        long n;

        rc = csv_long(&b->label, i, number, 1, BRODEN_LABELS - 1, &n, err);
        if (rc < 0)
            return rc;
        b->label_name[n] = csv_get(&b->label, i, name);
        b->n_labels = (int)n >= b->n_labels ? (int)n + 1 : b->n_labels;
    }
    return 0;
}

static int find_primaries(struct broden *b, struct error *err)
{
    double *most = xcalloc(BRODEN_LABELS, sizeof *most);
    int rc = 0;

    for (int c = 0; c < b->n_categories && rc == 0; c++) {
        const struct csv *codes = &b->codes[c];
        int number = csv_column(codes, "number", err);
        int coverage = csv_column(codes, "coverage", err);

        rc = number < 0 || coverage < 0 ? E_INPUT : 0;
        for (size_t i = 0; i < codes->n_rows && rc == 0; i++) {
            double covered = 0;
            long n = 0;

            rc = csv_long(codes, i, number, 0, BRODEN_LABELS - 1, &n, err);
            if (rc == 0)
                rc = csv_double(codes, i, coverage, &covered, err);
            if (rc == 0 && n > 0 && (b->primary[n] < 0 || covered >= most[n])) {
                b->primary[n] = c;
                most[n] = covered;
            }
        }
    }
    free(most);
    return rc;
}

int broden_open(struct broden *b, const char *folder, struct error *err)
{
    struct buf images = { 0 };
    int rc;

    *b = (struct broden){ 0 };
    fs_join(&images, folder, "images");
    b->images = buf_take(&images);
    rc = read_in(&b->index, folder, "index.csv", err);
    if (rc == 0 && ((b->image = csv_column(&b->index, "image", err)) < 0 ||
                    (b->sh = csv_column(&b->index, "sh", err)) < 0 ||
                    (b->sw = csv_column(&b->index, "sw", err)) < 0))
        rc = E_INPUT;
    if (rc == 0 && b->index.n_rows == 0)
        rc = error_set(err, E_INPUT, "%s names no picture", b->index.path);
    if (rc == 0)
        rc = read_categories(b, folder, err);
    if (rc == 0)
        rc = read_labels(b, folder, err);
    if (rc == 0)
        rc = find_primaries(b, err);
    if (rc < 0)
        broden_close(b);
    return rc;
}

void broden_close(struct broden *b)
{
    for (int c = 0; c < BRODEN_CATEGORIES; c++)
        csv_release(&b->codes[c]);
    csv_release(&b->index);
    csv_release(&b->category);
    csv_release(&b->label);
    free(b->images);
    free(b->label_name);
    free(b->primary);
    *b = (struct broden){ 0 };
}

long broden_size(const struct broden *b)
{
    return (long)b->index.n_rows;
}

int broden_picture(const struct broden *b, long i, struct image *rgb, struct error *err)
{
    return image_read_rgb(rgb, b->images, csv_get(&b->index, (size_t)i, b->image), err);
}

void segments_release(struct segments *s)
{
    free(s->plane);
    free(s->whole);
    *s = (struct segments){ 0 };
}

static int check_label(const struct broden *b, long label, struct error *err)
{
    if (label < b->n_labels && (label == 0 || b->label_name[label] != NULL))
        return 0;
    return error_set(err, E_INPUT, "label %ld is not in label.csv", label);
}

static int add_plane(const struct broden *b, const char *name, struct segments *s,
                     struct error *err)
{
    size_t n = (size_t)s->sh * (size_t)s->sw;
    struct image im;
    uint16_t *plane;
    int rc = image_read_rgb(&im, b->images, name, err);

    if (rc < 0)
        return rc;
    if (im.width != s->sw || im.height != s->sh)
        rc = error_set(err, E_INPUT, "%s has %d x %d labels, not %d x %d", name, im.width,
                       im.height, s->sw, s->sh);
    GROW(s->plane, (size_t)(s->n_planes + 1) * n, s->planes_room);
    plane = s->plane + (size_t)s->n_planes * n;
    for (size_t k = 0; k < n && rc == 0; k++) {
        plane[k] = (uint16_t)(im.pixel[3 * k] + 256 * im.pixel[3 * k + 1]);
        if (plane[k] != 0)
            rc = check_label(b, plane[k], err);
    }
    s->n_planes += rc == 0;
    image_release(&im);
    return rc;
}

/* One item of a cell: a number, or the name of a PNG. */
static int add_item(const struct broden *b, const char *item, struct segments *s,
                    struct error *err)
{
    long label;
    int rc;

    if (number_long(item, &label) != NUMBER_OK)
        return add_plane(b, item, s, err);
    rc = label < 0 ? error_set(err, E_INPUT, "label %ld", label)
                   : check_label(b, label, err);
    if (rc < 0 || label == 0)
        return rc;
    GROW(s->whole, (size_t)s->n_whole + 1, s->whole_room);
    s->whole[s->n_whole++] = (uint16_t)label;
    return 0;
}

static int add_cell(const struct broden *b, const char *cell, struct segments *s,
                    struct error *err)
{
    int rc = 0;

    while (*cell != '\0' && rc == 0) {
        size_t n = strcspn(cell, ";");
        char *item = xstrndup(cell, n);

        if (n > 0)
            rc = add_item(b, item, s, err);
        free(item);
        cell += cell[n] == ';' ? n + 1 : n;
    }
    return rc;
}

int broden_segments(const struct broden *b, long i, struct segments *s, struct error *err)
{
    size_t row = (size_t)i;
    long sh, sw;
    int rc = csv_long(&b->index, row, b->sh, 1, MOST_SIDE, &sh, err);

    if (rc == 0)
        rc = csv_long(&b->index, row, b->sw, 1, MOST_SIDE, &sw, err);
    if (rc < 0)
        return rc;
    s->sh = (int)sh;
    s->sw = (int)sw;
    s->n_planes = s->n_whole = 0;
    for (int c = 0; c < b->n_categories && rc == 0; c++)
        if (b->column[c] >= 0)
            rc = add_cell(b, csv_get(&b->index, row, b->column[c]), s, err);
    return rc < 0 ? error_context(err, "%s:%zu", b->index.path, row + 2) : 0;
}
