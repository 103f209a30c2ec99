#include "table/measure.h"

#include "larder/mem.h"
#include "table/overlaps.h"

#include "larder/banned.h"

static int by_image(const void *pa, const void *pb)
{
    const struct answer *a = pa, *b = pb;

    return strcmp(a->image, b->image);
}

/* Sorts the answers and counts them. */
static int count_answers(struct measured *m, const struct tsv *record, struct error *err)
{
    qsort(m->answer, m->n_answers, sizeof *m->answer, by_image);
    for (size_t i = 0; i < m->n_answers; i++) {
        const struct answer *a = &m->answer[i];

        if (i > 0 && strcmp(a[-1].image, a->image) == 0)
            return error_set(err, E_INPUT, "%s: image \"%s\" stands there twice",
                             record->path, a->image);
        m->n += a->decided;
        if (a->decided && a->part < m->n_parts)
            m->k[a->part]++;
    }
    return 0;
}

static int read_accuracy(struct measured *m, const struct tsv *record, struct error *err)
{
    int image, label, predicted;

    if ((image = tsv_column(record, "image", err)) < 0 ||
        (label = tsv_column(record, "label", err)) < 0 ||
        (predicted = tsv_column(record, "predicted", err)) < 0)
        return E_INPUT;
    m->share = true;
    m->answer = xcalloc(record->n_rows, sizeof *m->answer);
    m->n_answers = record->n_rows;
    for (size_t row = 0; row < record->n_rows; row++) {
        long truth, said;

        if (tsv_long(record, row, label, &truth, err) < 0 ||
            tsv_long(record, row, predicted, &said, err) < 0)
            return E_INPUT;
        m->answer[row] = (struct answer){ tsv_get(record, row, image), true,
                                          said == truth ? 0 : MEASURE_PARTS };
    }
    return count_answers(m, record, err);
}

static int read_cue_share(struct measured *m, const struct tsv *record, struct error *err)
{
    int image, column;

    if ((image = tsv_column(record, "image", err)) < 0 ||
        (column = tsv_column(record, "answer", err)) < 0)
        return E_INPUT;
    m->share = true;
    m->answer = xcalloc(record->n_rows, sizeof *m->answer);
    m->n_answers = record->n_rows;
    for (size_t row = 0; row < record->n_rows; row++) {
        const char *answer = tsv_get(record, row, column);
        struct answer *a = &m->answer[row];

        *a = (struct answer){ tsv_get(record, row, image), true, MEASURE_PARTS };
        if (strcmp(answer, "shape") == 0)
            a->part = 0;
        else if (strcmp(answer, "texture") == 0)
            a->part = 1;
        else if (strcmp(answer, "other") == 0)
            a->decided = false;
        else
            return error_set(err, E_INPUT,
                             "%s:%zu: answer \"%s\" is none of shape, texture, other",
                             record->path, tsv_line(record, row), answer);
    }
    return count_answers(m, record, err);
}

static int read_kernel_tv(struct measured *m, const struct tsv *record, struct error *err)
{
    static const char *const name[MEASURE_PARTS] = { "mean_tv", "all_filters",
                                                     "tv_over_l1", "isotropic" };
    int layer, filters, column[MEASURE_PARTS];

    if ((layer = tsv_column(record, "layer", err)) < 0 ||
        (filters = tsv_column(record, "filters", err)) < 0)
        return E_INPUT;
    for (size_t i = 0; i < MEASURE_PARTS; i++)
        if ((column[i] = tsv_column(record, name[i], err)) < 0)
            return E_INPUT;
    for (size_t row = 0; row < record->n_rows; row++) {
        if (strcmp(tsv_get(record, row, layer), "network") != 0)
            continue;
        if (tsv_long(record, row, filters, &m->n, err) < 0)
            return E_INPUT;
        for (size_t i = 0; i < MEASURE_PARTS; i++)
            if (tsv_double(record, row, column[i], &m->value[i], err) < 0)
                return E_INPUT;
        return 0;
    }
    return error_set(err, E_INPUT, "%s: no row with the layer `network`", record->path);
}

static const struct measure known[] = {
    { "accuracy", "percent", { "accuracy" }, 1, read_accuracy },
    { "cue-share", "percent", { "shape", "texture" }, 1, read_cue_share },
    { "kernel-tv",
      "",
      { "mean", "all-filters", "over-l1", "isotropic" },
      0,
      read_kernel_tv },
    { "overlap", "percent", { "mean-iou", "pixels" }, 0, overlaps_read },
};

const struct measure *measure_find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

size_t measure_parts(const struct measure *m)
{
    size_t n = 0;

    while (n < MEASURE_PARTS && m->part[n] != NULL)
        n++;
    return n;
}

int measure_read(const struct measure *measure, struct measured *m,
                 const struct tsv *record, struct error *err)
{
    *m = (struct measured){ .n_parts = measure_parts(measure) };
    return measure->read(m, record, err);
}

static int by_name(const void *name, const void *image)
{
    return strcmp(name, *(const char *const *)image);
}

void measured_keep(struct measured *m, const char *const *image, size_t n)
{
    size_t kept = 0;

    m->n = 0;
    for (size_t p = 0; p < MEASURE_PARTS; p++)
        m->k[p] = 0;
    for (size_t i = 0; i < m->n_answers; i++) {
        const struct answer *a = &m->answer[i];

        if (n == 0 || !bsearch(a->image, image, n, sizeof *image, by_name))
            continue;
        m->n += a->decided;
        if (a->decided && a->part < m->n_parts)
            m->k[a->part]++;
        m->answer[kept++] = *a;
    }
    m->n_answers = kept;
}

void measured_release(struct measured *m)
{
    free(m->answer);
    *m = (struct measured){ 0 };
}
