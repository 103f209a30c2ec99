#include "table/pairs.h"

#include "larder/mem.h"
#include "table/share.h"

#include "larder/banned.h"

struct counts {
    long both, only_a, only_b, neither;
};

/* Adds the answers of two records, which are sorted by image. */
static int count_records(const struct cells *c, size_t a, size_t b, size_t part,
                         struct counts *n, struct error *err)
{
    const struct measured *ma = &c->measured[a], *mb = &c->measured[b];

    for (size_t i = 0; i < ma->n_answers || i < mb->n_answers; i++) {
        const struct answer *x = &ma->answer[i], *y = &mb->answer[i];
        bool ax, by;

        if (i >= ma->n_answers || i >= mb->n_answers || strcmp(x->image, y->image) != 0)
            return error_set(err, E_INPUT,
                             "%s and %s are not of the same pictures, so they cannot be "
                             "compared one by one",
                             c->records.record[a].tsv.path,
                             c->records.record[b].tsv.path);
        if (!x->decided || !y->decided)
            continue;
        ax = x->part == part;
        by = y->part == part;
        n->both += ax && by;
        n->only_a += ax && !by;
        n->only_b += !ax && by;
        n->neither += !ax && !by;
    }
    return 0;
}

/* Records of the two cells in turn: of the same sets, in the same order. */
static int count_pair(const struct cells *c, const struct cell *a, const struct cell *b,
                      struct counts *n, struct error *err)
{
    int rc = 0;

    *n = (struct counts){ 0 };
    if (a->n_records != b->n_records)
        return error_set(err, E_INPUT,
                         "%zu records are pooled in column \"%s\" and %zu in \"%s\", so "
                         "they cannot be compared",
                         a->n_records, c->columns.line[a->column].label, b->n_records,
                         c->columns.line[b->column].label);
    for (size_t i = 0; i < a->n_records && rc == 0; i++)
        rc = count_records(c, a->record[i], b->record[i], a->part, n, err);
    return rc;
}

/* By McNemar, and of pooled cells by the bootstrap over pictures. */
static double compare(struct cells *c, const struct cell *a, const struct cell *b,
                      const struct counts *n)
{
    double *x, *y, p = 1;
    size_t size;

    if (a->n_records == 1)
        return share_mcnemar(n->only_a, n->only_b);
    x = cells_rights(c, a, &size);
    y = cells_rights(c, b, &size);
    for (size_t i = 0; i < size; i++)
        x[i] -= y[i];
    if (size > 0)
        p = bootstrap_p(cells_bootstrap(c, size), x);
    free(x);
    free(y);
    return p;
}

static void add_origins(const struct cells *c, const struct cell *cell, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    for (size_t i = 0; i < cell->n_records; i++)
        buf_printf(to, ",%s",
                   digest_hex(&c->records.record[cell->record[i]].digest, hex));
}

/* Is column b what column a becomes when one axis goes from word_a to word_b? */
static bool is_partner(const struct lines *l, size_t a, size_t b, const char *word_a,
                       const char *word_b)
{
    size_t changed = 0;

    for (size_t i = 0; i < l->axis.n; i++) {
        const char *x = l->line[a].value[i], *y = l->line[b].value[i];

        if (strcmp(x, y) == 0)
            continue;
        if (strcmp(x, word_a) != 0 || strcmp(y, word_b) != 0)
            return false;
        changed++;
    }
    return changed == 1;
}

static int add_pair(struct cells *c, const struct cell *a, const struct cell *b,
                    struct buf *to, struct error *err)
{
    struct buf from = { 0 };
    struct counts n;

    if (count_pair(c, a, b, &n, err) < 0)
        return E_INPUT;
    add_origins(c, a, &from);
    add_origins(c, b, &from);
    buf_printf(to, "%s\t%s\t%s\t%ld\t%ld\t%ld\t%ld\t%ld\t%.4g\t%s\n",
               c->rows.line[a->row].label, c->columns.line[a->column].label,
               c->columns.line[b->column].label, n.both + n.only_a + n.only_b + n.neither,
               n.both, n.only_a, n.only_b, n.neither, compare(c, a, b, &n),
               buf_str(&from) + 1);
    buf_release(&from);
    return 0;
}

static int check_word(const struct lines *l, const char *word, struct error *err)
{
    for (size_t i = 0; i < l->n; i++)
        for (size_t a = 0; a < l->axis.n; a++)
            if (strcmp(l->line[i].value[a], word) == 0)
                return 0;
    return error_set(err, E_INPUT, "pairs: no column has the value \"%s\"", word);
}

static int add_row(struct cells *c, size_t row, const char *word_a, const char *word_b,
                   struct buf *to, struct error *err)
{
    for (size_t i = 0; i < c->columns.n; i++)
        for (size_t k = 0; k < c->columns.n; k++) {
            const struct cell *a = cells_at(c, row, i), *b = cells_at(c, row, k);

            if (a == NULL || b == NULL || a->part != b->part ||
                a->part >= c->measure->n_tested ||
                !is_partner(&c->columns, i, k, word_a, word_b))
                continue;
            if (add_pair(c, a, b, to, err) < 0)
                return E_INPUT;
        }
    return 0;
}

int pairs_write(struct cells *c, const char *wanted, struct buf *to, struct error *err)
{
    struct names pairs = { 0 };
    int rc;

    buf_adds(to, "row\ta\tb\tn\tboth\tonly_a\tonly_b\tneither\tp\tfrom\n");
    rc = names_pairs(&pairs, wanted, "pairs", err);
    for (size_t row = 0; rc == 0 && row < c->rows.n; row++)
        for (size_t p = 0; rc == 0 && p < pairs.n; p++) {
            rc = check_word(&c->columns, pairs.word[p], err);
            if (rc == 0)
                rc = check_word(&c->columns, pairs.printed[p], err);
            if (rc == 0)
                rc = add_row(c, row, pairs.word[p], pairs.printed[p], to, err);
        }
    names_release(&pairs);
    return rc;
}
