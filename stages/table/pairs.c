#include "table/pairs.h"

#include "larder/mem.h"
#include "table/share.h"

#include "larder/banned.h"

struct counts {
    long both, only_a, only_b, neither;
};

/* Both records are sorted by image. */
static int count_pair(const struct cells *c, const struct cell *a, const struct cell *b,
                      struct counts *n, struct error *err)
{
    const struct measured *ma = &c->measured[a->record], *mb = &c->measured[b->record];

    *n = (struct counts){ 0 };
    for (size_t i = 0; i < ma->n_answers || i < mb->n_answers; i++) {
        const struct answer *x = &ma->answer[i], *y = &mb->answer[i];
        bool ax, by;

        if (i >= ma->n_answers || i >= mb->n_answers || strcmp(x->image, y->image) != 0)
            return error_set(err, E_INPUT,
                             "%s and %s are not of the same pictures, so they cannot be "
                             "compared one by one",
                             c->records.record[a->record].tsv.path,
                             c->records.record[b->record].tsv.path);
        if (!x->decided || !y->decided)
            continue;
        ax = x->part == a->part;
        by = y->part == a->part;
        n->both += ax && by;
        n->only_a += ax && !by;
        n->only_b += !ax && by;
        n->neither += !ax && !by;
    }
    return 0;
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

static int add_pair(const struct cells *c, const struct cell *a, const struct cell *b,
                    struct buf *to, struct error *err)
{
    const struct record *ra = &c->records.record[a->record];
    const struct record *rb = &c->records.record[b->record];
    char from_a[DIGEST_HEX + 1], from_b[DIGEST_HEX + 1];
    struct counts n;

    if (count_pair(c, a, b, &n, err) < 0)
        return E_INPUT;
    buf_printf(to, "%s\t%s\t%s\t%ld\t%ld\t%ld\t%ld\t%ld\t%.4g\t%s,%s\n",
               c->rows.line[a->row].label, c->columns.line[a->column].label,
               c->columns.line[b->column].label, n.both + n.only_a + n.only_b + n.neither,
               n.both, n.only_a, n.only_b, n.neither, share_mcnemar(n.only_a, n.only_b),
               digest_hex(&ra->digest, from_a), digest_hex(&rb->digest, from_b));
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

static int add_row(const struct cells *c, size_t row, const char *word_a,
                   const char *word_b, struct buf *to, struct error *err)
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

int pairs_write(const struct cells *c, const char *wanted, struct buf *to,
                struct error *err)
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
