#include "page/provenance.h"

#include "larder/mem.h"

#include "larder/banned.h"

static bool is_field(const struct fact *f, const char *field)
{
    return strcmp(f->field, field) == 0;
}

bool provenance_digest(const char *value, const char **hex, const char **more)
{
    struct digest d;
    char text[DIGEST_HEX + 1];

    if (strncmp(value, "sha256:", 7) != 0 || strlen(value) < 7 + DIGEST_HEX)
        return false;
    memcpy(text, value + 7, DIGEST_HEX);
    text[DIGEST_HEX] = '\0';
    *hex = value + 7;
    *more = value + 7 + DIGEST_HEX;
    if (**more == ' ')
        (*more)++;
    else if (**more != '\0')
        return false;
    return digest_parse(&d, text);
}

const struct origin *provenance_step(const struct provenance *p, const char *name)
{
    const char *dot = strrchr(name, '.');
    struct buf step = { 0 };
    const struct origin *o;

    if (dot == NULL)
        return NULL;
    buf_add(&step, name, (size_t)(dot - name));
    o = map_get(&p->by_step, buf_str(&step));
    buf_release(&step);
    return o;
}

/* Groups the rows of a step, which stand together. */
static int group_rows(struct provenance *p, const int column[4], struct error *err)
{
    struct tsv *t = &p->tsv;

    p->fact = xcalloc(t->n_rows + 1, sizeof *p->fact);
    p->origin = xcalloc(t->n_rows + 1, sizeof *p->origin);
    for (size_t row = 0; row < t->n_rows; row++) {
        const char *step = tsv_get(t, row, column[0]), *hex, *more;
        struct fact f = { tsv_get(t, row, column[1]), tsv_get(t, row, column[2]),
                          tsv_get(t, row, column[3]) };
        bool digest = provenance_digest(f.value, &hex, &more);
        struct origin *o;

        if (p->n == 0 || strcmp(p->origin[p->n - 1].step, step) != 0)
            p->origin[p->n++] = (struct origin){ .step = step, .fact = &p->fact[row] };
        o = &p->origin[p->n - 1];
        if ((is_field(&f, "key") || is_field(&f, "input") || is_field(&f, "output")) &&
            !digest)
            return error_set(err, E_INPUT, "%s:%zu: \"%s\" does not begin with a digest",
                             t->path, row + 2, f.value);
        if (is_field(&f, "key"))
            o->key = hex;
        else
            o->fact[o->n++] = f;
    }
    return 0;
}

static void add_source(struct provenance *p, const struct fact *f)
{
    const char *hex, *more;

    if (!is_field(f, "input") || !provenance_digest(f->value, &hex, &more) ||
        provenance_step(p, more) != NULL || strcmp(more, "plan.provenance") == 0)
        return;
    for (size_t i = 0; i < p->n_sources; i++)
        if (strncmp(p->source[i].digest, hex, DIGEST_HEX) == 0)
            return;
    p->source[p->n_sources++] = (struct source){ more, hex };
}

static int index_steps(struct provenance *p, struct error *err)
{
    for (size_t i = 0; i < p->n; i++) {
        struct origin *o = &p->origin[i];

        if (o->key == NULL)
            return error_set(err, E_INPUT, "%s: step %s has no key", p->tsv.path,
                             o->step);
        if (map_set(&p->by_step, o->step, o) != NULL)
            return error_set(err, E_INPUT,
                             "%s: the rows of step %s do not stand together", p->tsv.path,
                             o->step);
    }
    p->source = xcalloc(p->tsv.n_rows + 1, sizeof *p->source);
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->origin[i].n; k++)
            add_source(p, &p->origin[i].fact[k]);
    return 0;
}

int provenance_read(struct provenance *p, const char *path, struct error *err)
{
    static const char *const name[4] = { "step", "field", "name", "value" };
    int column[4], rc;

    *p = (struct provenance){ 0 };
    if (path == NULL)
        return 0;
    rc = tsv_read(&p->tsv, path, err);
    for (size_t i = 0; rc >= 0 && i < 4; i++)
        rc = column[i] = tsv_column(&p->tsv, name[i], err);
    if (rc >= 0)
        rc = group_rows(p, column, err);
    if (rc >= 0)
        rc = index_steps(p, err);
    if (rc < 0)
        provenance_release(p);
    return rc;
}

void provenance_release(struct provenance *p)
{
    map_release(&p->by_step);
    free(p->fact);
    free(p->origin);
    free(p->source);
    tsv_release(&p->tsv);
    *p = (struct provenance){ 0 };
}

static bool made(const struct origin *o, const char *hex)
{
    for (size_t i = 0; i < o->n; i++) {
        const char *own, *more;

        if (is_field(&o->fact[i], "output") &&
            provenance_digest(o->fact[i].value, &own, &more) &&
            strncmp(own, hex, DIGEST_HEX) == 0)
            return true;
    }
    return false;
}

const struct origin *provenance_maker(const struct provenance *p, const char *hex,
                                      size_t *at)
{
    while (*at < p->n) {
        const struct origin *o = &p->origin[(*at)++];

        if (made(o, hex))
            return o;
    }
    return NULL;
}
