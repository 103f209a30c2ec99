#include "dissect/chosen.h"

#include "larder/mem.h"

#include "larder/banned.h"

int chosen_read(struct chosen *c, const char *path, struct error *err)
{
    static const char *const names[] = { "block", "net", "layer", "unit",    "category",
                                         "label", "iou", "shape", "texture", "why" };
    enum { COLUMNS = sizeof names / sizeof *names, UNIT = 3 };
    int column[COLUMNS], rc;

    *c = (struct chosen){ 0 };
    rc = tsv_read(&c->tsv, path, err);
    for (size_t i = 0; i < COLUMNS && rc >= 0; i++)
        rc = column[i] = tsv_column(&c->tsv, names[i], err);
    rc = rc < 0 ? rc : 0;
    c->unit = xcalloc(c->tsv.n_rows + 1, sizeof *c->unit);
    for (size_t row = 0; row < c->tsv.n_rows && rc == 0; row++) {
        struct chosen_unit *u = &c->unit[c->n++];
        const char **field[COLUMNS] = { &u->block,    &u->net,   &u->layer, NULL,
                                        &u->category, &u->label, &u->iou,   &u->shape,
                                        &u->texture,  &u->why };

        for (size_t i = 0; i < COLUMNS; i++)
            if (field[i] != NULL)
                *field[i] = tsv_get(&c->tsv, row, column[i]);
        u->unit = -1;
        if (tsv_get(&c->tsv, row, column[UNIT])[0] != '\0')
            rc = tsv_long(&c->tsv, row, column[UNIT], &u->unit, err);
    }
    if (rc < 0)
        chosen_release(c);
    return rc;
}

void chosen_release(struct chosen *c)
{
    free(c->unit);
    tsv_release(&c->tsv);
    *c = (struct chosen){ 0 };
}

void chosen_name(const struct chosen_unit *u, struct buf *to)
{
    buf_printf(to, "%*s", 4, u->block);
    for (size_t i = to->len - 4; to->s[i] == ' '; i++)
        to->s[i] = '0';
}
