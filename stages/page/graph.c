#include "page/graph.h"

#include "larder/mem.h"

#include "larder/banned.h"

/* In pixels. */
enum { LINE = 24, BOX = 18, LETTER = 7, GAP = 56, MARGIN = 8 };
enum { SWEEPS = 8 };

/* The steps of one stage. */
struct box {
    char *name;
    const struct origin *first;
    size_t steps;
    int column;
    double place; /* among those of its column; while ordering, what it is drawn to */
    int x, y, width;
};

/* All-zero is empty. */
struct plan {
    struct box *box;
    size_t n;
    struct map by_name; /* -> its place in box, from 1 */
    bool *reads;        /* n x n: box i reads box j */
};

static bool *edge(const struct plan *g, size_t reader, size_t read)
{
    return &g->reads[reader * g->n + read];
}

static char *stage_of(const char *step)
{
    return xstrndup(step, strcspn(step, "@"));
}

static size_t find_box(const struct plan *g, const char *step)
{
    char *name = stage_of(step);
    size_t place = (size_t)map_get(&g->by_name, name);

    free(name);
    return place;
}

static void add_boxes(struct plan *g, const struct provenance *p)
{
    g->box = xcalloc(p->n + 1, sizeof *g->box);
    for (size_t i = 0; i < p->n; i++) {
        size_t place = find_box(g, p->origin[i].step);

        if (place == 0) {
            struct box *b = &g->box[g->n++];

            *b = (struct box){ .name = stage_of(p->origin[i].step),
                               .first = &p->origin[i] };
            map_set(&g->by_name, b->name, (void *)g->n);
            place = g->n;
        }
        g->box[place - 1].steps++;
    }
}

static void add_edges(struct plan *g, const struct provenance *p)
{
    g->reads = xcalloc(g->n * g->n + 1, sizeof *g->reads);
    for (size_t i = 0; i < p->n; i++)
        for (size_t f = 0; f < p->origin[i].n; f++) {
            const struct fact *fact = &p->origin[i].fact[f];
            const struct origin *from = NULL;
            const char *hex, *more;
            size_t a, b;

            if (strcmp(fact->field, "input") == 0 &&
                provenance_digest(fact->value, &hex, &more))
                from = provenance_step(p, more);
            if (from == NULL)
                continue;
            a = find_box(g, p->origin[i].step);
            b = find_box(g, from->step);
            if (a != b && !*edge(g, b - 1, a - 1))
                *edge(g, a - 1, b - 1) = true;
        }
}

/* The column is the longest way from a box that reads nothing. Boxes that read each other
 * through steps of one stage would go on for ever: n rounds are enough for all others. */
static int add_columns(struct plan *g)
{
    int columns = 0;
    bool again = true;

    for (size_t round = 0; again && round < g->n; round++) {
        again = false;
        for (size_t i = 0; i < g->n; i++)
            for (size_t j = 0; j < g->n; j++)
                if (*edge(g, i, j) && g->box[i].column <= g->box[j].column) {
                    g->box[i].column = g->box[j].column + 1;
                    again = true;
                }
    }
    for (size_t i = 0; i < g->n; i++)
        columns = g->box[i].column >= columns ? g->box[i].column + 1 : columns;
    return columns;
}

/* Leaves out what is reached through others. */
static void reduce(struct plan *g)
{
    bool *far = xcalloc(g->n * g->n + 1, sizeof *far);

    for (size_t i = 0; i < g->n * g->n; i++)
        far[i] = g->reads[i];
    for (size_t k = 0; k < g->n; k++)
        for (size_t i = 0; i < g->n; i++)
            for (size_t j = 0; far[i * g->n + k] && j < g->n; j++)
                far[i * g->n + j] = far[i * g->n + j] || far[k * g->n + j];
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++)
            for (size_t k = 0; k < g->n && *edge(g, i, j); k++)
                if (k != j && k != i && *edge(g, i, k) && far[k * g->n + j])
                    *edge(g, i, j) = false;
    free(far);
}

/* The mean place of the boxes on the other end of its lines, on one side; its own where
 * there are none. */
static double pull(const struct plan *g, size_t i, bool from_left)
{
    double sum = 0;
    size_t n = 0;

    for (size_t j = 0; j < g->n; j++)
        if (from_left ? *edge(g, i, j) : *edge(g, j, i)) {
            sum += g->box[j].place;
            n++;
        }
    return n > 0 ? sum / (double)n : g->box[i].place;
}

/* Puts the boxes of a column in the order of what draws them; equal ones stay. */
static void order_column(struct plan *g, int column, bool from_left)
{
    double *wanted = xcalloc(g->n + 1, sizeof *wanted);

    for (size_t i = 0; i < g->n; i++)
        wanted[i] = pull(g, i, from_left);
    for (size_t i = 0; i < g->n; i++) {
        size_t before = 0;

        for (size_t j = 0; j < g->n; j++)
            before += g->box[i].column == column && g->box[j].column == column &&
                      (wanted[j] < wanted[i] || (wanted[j] <= wanted[i] && j < i));
        if (g->box[i].column == column)
            g->box[i].place = (double)before;
    }
    free(wanted);
}

static void order_boxes(struct plan *g, int columns)
{
    for (int c = 0; c < columns; c++)
        order_column(g, c, true);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int c = 0; c < columns; c++) {
            bool right = sweep % 2 == 0;

            order_column(g, right ? c : columns - 1 - c, right);
        }
}

static int text_width(const struct box *b)
{
    int count = b->steps > 1 ? snprintf(NULL, 0, " (%zu)", b->steps) : 0;

    return ((int)strlen(b->name) + count) * LETTER + 8;
}

/* Sets x, y and width of all boxes; returns how wide and high the picture is. */
static void place_boxes(struct plan *g, int columns, int *width, int *height)
{
    int x = MARGIN, rows = 0;

    for (int c = 0; c < columns; c++) {
        int widest = 0, n = 0;

        for (size_t i = 0; i < g->n; i++)
            if (g->box[i].column == c) {
                g->box[i].x = x;
                g->box[i].y = MARGIN + (int)g->box[i].place * LINE;
                g->box[i].width = text_width(&g->box[i]);
                widest = g->box[i].width > widest ? g->box[i].width : widest;
                n++;
            }
        rows = n > rows ? n : rows;
        x += widest + GAP;
    }
    *width = x - GAP + MARGIN;
    *height = rows * LINE + 2 * MARGIN;
}

static void draw_lines(struct buf *to, const struct plan *g)
{
    buf_adds(to, "<g fill=\"none\" stroke=\"currentColor\" stroke-opacity=\".45\">\n");
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++) {
            const struct box *a = &g->box[j], *b = &g->box[i];
            int x1 = a->x + a->width, y1 = a->y + BOX / 2, y2 = b->y + BOX / 2;

            if (*edge(g, i, j))
                buf_printf(to, "<path d=\"M%d %dC%d %d %d %d %d %d\"/>\n", x1, y1,
                           x1 + GAP / 2, y1, b->x - GAP / 2, y2, b->x, y2);
        }
    buf_adds(to, "</g>\n");
}

static void draw_boxes(struct buf *to, const struct plan *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct box *b = &g->box[i];

        buf_printf(to,
                   "<a href=\"#k-%.16s\"><rect x=\"%d\" y=\"%d\" width=\"%d\" "
                   "height=\"%d\" rx=\"3\"/><text x=\"%d\" y=\"%d\">",
                   b->first->key, b->x, b->y, b->width, BOX, b->x + 4, b->y + 13);
        buf_add_html(to, b->name);
        if (b->steps > 1)
            buf_printf(to, " (%zu)", b->steps);
        buf_adds(to, "</text></a>\n");
    }
}

void graph_add(struct buf *to, const struct provenance *p, const char *caption)
{
    struct plan g = { 0 };
    int width, height, columns;

    if (p->n == 0)
        return;
    add_boxes(&g, p);
    add_edges(&g, p);
    columns = add_columns(&g);
    reduce(&g);
    order_boxes(&g, columns);
    place_boxes(&g, columns, &width, &height);
    buf_printf(to,
               "<figure class=\"graph wide\" id=\"graph\">\n<div class=\"scroll\" "
               "tabindex=\"0\">"
               "<svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
               "aria-label=\"The stages of the plan\">\n",
               width, height, width, height);
    draw_lines(to, &g);
    draw_boxes(to, &g);
    buf_printf(to, "</svg></div>\n<figcaption>%s</figcaption>\n</figure>\n", caption);
    for (size_t i = 0; i < g.n; i++)
        free(g.box[i].name);
    free(g.box);
    free(g.reads);
    map_release(&g.by_name);
}
