#include "learn/cue.h"

#include "kit/tsv.h"
#include "larder/mem.h"

#include "larder/banned.h"

void coarse_identity(struct coarse *c, int classes)
{
    size_t n = (size_t)classes;

    *c = (struct coarse){ .fine = classes, .n = classes };
    c->of = xcalloc(n, sizeof *c->of);
    c->members = xcalloc(n, sizeof *c->members);
    for (int i = 0; i < classes; i++) {
        c->of[i] = i;
        c->members[i] = 1;
    }
}

void coarse_release(struct coarse *c)
{
    for (int i = 0; c->name && i < c->n; i++)
        free(c->name[i]);
    free(c->name);
    free(c->of);
    free(c->members);
    *c = (struct coarse){ 0 };
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The distinct names of a column, sorted. */
static void collect_names(struct coarse *c, const struct tsv *t, int column)
{
    char **all = xcalloc(t->n_rows + 1, sizeof *all);

    for (size_t i = 0; i < t->n_rows; i++)
        all[i] = xstrdup(tsv_get(t, i, column));
    qsort(all, t->n_rows, sizeof *all, compare_names);
    c->n = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        if (c->n > 0 && strcmp(all[i], all[c->n - 1]) == 0)
            free(all[i]);
        else
            all[c->n++] = all[i];
    }
    c->name = all;
}

static int read_class(struct coarse *c, const struct tsv *t, size_t i, int class,
                      int name, struct error *err)
{
    const char *coarse = tsv_get(t, i, name);
    char **at;
    long fine;
    int rc = tsv_long(t, i, class, &fine, err);

    if (rc < 0)
        return rc;
    if (fine < 0 || fine >= c->fine)
        return error_set(err, E_INPUT, "%s: class %ld; the model has classes 0 to %d",
                         t->path, fine, c->fine - 1);
    if (c->of[fine] >= 0)
        return error_set(err, E_INPUT, "%s: class %ld is there twice", t->path, fine);
    at = bsearch(&coarse, c->name, (size_t)c->n, sizeof *c->name, compare_names);
    c->of[fine] = (int)(at - c->name);
    c->members[c->of[fine]]++;
    return 0;
}

int coarse_read(struct coarse *c, const char *path, int fine, struct error *err)
{
    struct tsv t = { 0 };
    int class, name, rc;

    *c = (struct coarse){ .fine = fine };
    rc = tsv_read(&t, path, err);
    if (rc < 0)
        goto out;
    rc = class = tsv_column(&t, "class", err);
    if (rc < 0)
        goto out;
    rc = name = tsv_column(&t, "coarse", err);
    if (rc < 0)
        goto out;
    collect_names(c, &t, name);
    c->members = xcalloc((size_t)c->n + 1, sizeof *c->members);
    c->of = xcalloc((size_t)fine, sizeof *c->of);
    for (int i = 0; i < fine; i++)
        c->of[i] = -1;
    rc = 0;
    for (size_t i = 0; i < t.n_rows && rc == 0; i++)
        rc = read_class(c, &t, i, class, name, err);
    if (rc == 0 && c->n == 0)
        rc = error_set(err, E_INPUT, "%s: names no class", path);
out:
    tsv_release(&t);
    return rc;
}

void coarse_means(const struct coarse *c, const double *p, double *mean)
{
    for (int k = 0; k < c->n; k++)
        mean[k] = 0;
    for (int i = 0; i < c->fine; i++)
        if (c->of[i] >= 0)
            mean[c->of[i]] += p[i];
    for (int k = 0; k < c->n; k++)
        mean[k] /= c->members[k];
}

const char *cue_answer(int predicted, int32_t shape, int32_t texture)
{
    return predicted == shape ? "shape" : predicted == texture ? "texture" : "other";
}
