#include "dissect/tally.h"

#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

void tally_open(struct tally *t, const struct broden *b, enum presence presence,
                int units, const double *threshold)
{
    *t = (struct tally){ b, presence, units, threshold, NULL, NULL };
    t->both = xcalloc((size_t)units * (size_t)b->n_labels, sizeof *t->both);
    t->active = xcalloc((size_t)units * BRODEN_CATEGORIES, sizeof *t->active);
}

void tally_close(struct tally *t)
{
    free(t->both);
    free(t->active);
    *t = (struct tally){ 0 };
}

void tally_room_release(struct tally_room *r)
{
    free(r->seen);
    *r = (struct tally_room){ 0 };
}

static void prepare_room(struct tally_room *r, size_t n)
{
    if (r->n != n || r->now == UINT32_MAX) {
        free(r->seen);
        *r = (struct tally_room){ .seen = xcalloc(n, sizeof *r->seen), .n = n };
    }
    r->now++;
}

/* A mask in the making, for one unit and picture. */
struct mask {
    struct tally *t;
    const struct segments *s;
    uint32_t *both;
    uint64_t area;
    uint32_t present; /* a bit for each category */
};

static uint32_t bit_of(const struct tally *t, int label)
{
    int c = t->broden->primary[label];

    return c >= 0 ? 1u << c : 0;
}

static void add_pixel(struct mask *m, size_t at)
{
    size_t n = (size_t)m->s->sh * (size_t)m->s->sw;

    m->area++;
    for (int p = 0; p < m->s->n_planes; p++) {
        int label = m->s->plane[(size_t)p * n + at];

        if (label != 0) {
            m->both[label]++;
            m->present |= bit_of(m->t, label);
        }
    }
}

/* The pixels that read one cell of the map. */
static void visit_cell(struct mask *m, const float *map, int stride,
                       const struct enlarge *e, int row, int column, struct tally_room *r,
                       double threshold)
{
    for (int y = e->y.from[row]; y < e->y.to[row]; y++)
        for (int x = e->x.from[column]; x < e->x.to[column]; x++) {
            size_t at = (size_t)y * (size_t)m->s->sw + (size_t)x;

            if (r->seen[at] == r->now)
                continue;
            r->seen[at] = r->now;
            if ((double)enlarge_at(e, map, stride, y, x) > threshold)
                add_pixel(m, at);
        }
}

/* Labels of the picture as a whole cover every pixel of it. */
static void add_whole(struct mask *m)
{
    for (int i = 0; i < m->s->n_whole; i++) {
        m->both[m->s->whole[i]] += (uint32_t)m->area;
        m->present |= bit_of(m->t, m->s->whole[i]);
    }
}

static uint32_t categories_of(const struct tally *t, const struct segments *s)
{
    size_t n = (size_t)s->n_planes * (size_t)s->sh * (size_t)s->sw;
    uint32_t present = 0;

    for (size_t i = 0; i < n; i++)
        present |= s->plane[i] != 0 ? bit_of(t, s->plane[i]) : 0;
    for (int i = 0; i < s->n_whole; i++)
        present |= bit_of(t, s->whole[i]);
    return present;
}

void tally_add(struct tally *t, int unit, const float *map, int stride,
               const struct enlarge *e, const struct segments *s, struct tally_room *r)
{
    struct mask m = { .t = t,
                      .s = s,
                      .both = t->both + (size_t)unit * (size_t)t->broden->n_labels };
    double threshold = t->threshold[unit];
    bool begun = false;

    /* A mean of cells is above the threshold only where one of them is. */
    for (int row = 0; row < e->y.in; row++)
        for (int column = 0; column < e->x.in; column++) {
            if ((double)map[((long)row * e->x.in + column) * (long)stride] <= threshold)
                continue;
            if (!begun)
                prepare_room(r, (size_t)s->sh * (size_t)s->sw);
            begun = true;
            visit_cell(&m, map, stride, e, row, column, r, threshold);
        }
    if (m.area == 0)
        return;
    add_whole(&m);
    if (t->presence == PRESENCE_ORIGINAL)
        m.present = categories_of(t, s);
    for (int c = 0; c < t->broden->n_categories; c++)
        if (m.present & 1u << c)
            t->active[(size_t)unit * BRODEN_CATEGORIES + (size_t)c] += m.area;
}

void tally_truth(const struct segments *s, uint64_t *truth)
{
    size_t pixels = (size_t)s->sh * (size_t)s->sw, n = (size_t)s->n_planes * pixels;

    for (size_t i = 0; i < n; i++)
        truth[s->plane[i]] += s->plane[i] != 0;
    for (int i = 0; i < s->n_whole; i++)
        truth[s->whole[i]] += pixels;
}

void tally_iou(const struct tally *t, int unit, const uint64_t *truth, double *iou)
{
    const uint32_t *both = t->both + (size_t)unit * (size_t)t->broden->n_labels;

    for (int label = 0; label < t->broden->n_labels; label++) {
        int c = t->broden->primary[label];
        double in = both[label], active;

        iou[label] = 0;
        if (label == 0 || c < 0 || both[label] == 0)
            continue;
        active = (double)t->active[(size_t)unit * BRODEN_CATEGORIES + (size_t)c];
        iou[label] = in / (active + (double)truth[label] - in + 1e-10);
    }
}
