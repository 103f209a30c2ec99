#include "cells.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"

enum { TABLE_BYTES = 1 << 20 };

void cells_release(struct cells *c)
{
    map_release(&c->cell);
    arena_release(&c->arena);
    buf_release(&c->text);
    *c = (struct cells){ 0 };
}

bool cells_read(struct cells *c, struct store *st, const struct object *o)
{
    int row = -1, column = -1, value = -1, n = 0;
    struct buf path = { 0 };
    char *rest, *line, *word;
    bool ok;

    if (o->kind != OBJECT_FILE || o->size > TABLE_BYTES)
        return false;
    store_object_path(st, &o->id, &path);
    ok = fs_read(path.s, &c->text, NULL) == 0;
    buf_release(&path);
    rest = ok ? c->text.s : NULL;
    line = strsep(&rest, "\n");
    for (; line && (word = strsep(&line, "\t")) != NULL; n++) {
        row = strcmp(word, "row") == 0 ? n : row;
        column = strcmp(word, "column") == 0 ? n : column;
        value = strcmp(word, "value") == 0 ? n : value;
    }
    if (row < 0 || column < 0 || value < 0)
        return false;
    while ((line = strsep(&rest, "\n")) != NULL && *line) {
        const char *field[3] = { NULL, NULL, NULL };

        for (n = 0; (word = strsep(&line, "\t")) != NULL; n++) {
            field[0] = n == row ? word : field[0];
            field[1] = n == column ? word : field[1];
            field[2] = n == value ? word : field[2];
        }
        if (field[0] && field[1] && field[2])
            map_set(&c->cell, arena_printf(&c->arena, "%s / %s", field[0], field[1]),
                    arena_strdup(&c->arena, field[2]));
    }
    return true;
}
