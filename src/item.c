#include "item.h"

#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"

#include "larder/banned.h"

/* The name of the steps of a stage with `map:`, without their shard. */
static void add_common_name(const struct step *step, struct buf *to)
{
    const char *shard = strstr(step->name, ",shard=");

    if (!shard)
        shard = strstr(step->name, "@shard=");
    buf_add(to, step->name, (size_t)(shard - step->name));
}

void item_name(const struct item *item, struct buf *to)
{
    const char *name;

    if (!item->step) {
        name = item->source->name;
        buf_adds(to, name[0] == '/' ? fs_basename(name) : name);
        return;
    }
    if (item->is_set)
        add_common_name(item->step, to);
    else
        buf_adds(to, item->step->name);
    buf_addc(to, '.');
    step_object_name(item->step, (size_t)item->output, to);
}

enum object_kind item_kind(const struct item *item)
{
    if (item->source)
        return item->source->kind;
    if (item->is_set || (size_t)item->output >= item->step->n_outputs)
        return OBJECT_TREE;
    return item->step->output[item->output].kind;
}

bool item_is_done(const struct work *any, const struct item *item)
{
    for (size_t i = 0; i < item_n_steps(item); i++)
        if (work_of(any, item_step(item, i))->state != WORK_DONE)
            return false;
    return true;
}

/* The folder of what the steps of all shards made; st NULL: it is only named. */
static int compose(struct store *st, const struct work *any, const struct item *item,
                   struct object *o, struct error *err)
{
    size_t n = item_n_steps(item);
    struct store_entry *entry = xcalloc(n + 1, sizeof *entry);
    struct arena arena = { 0 };
    struct buf name = { 0 };
    int rc;

    for (size_t i = 0; i < n; i++) {
        buf_reset(&name);
        shard_name(i, n, &name);
        entry[i].name = arena_strdup(&arena, buf_str(&name));
        entry[i].object = *work_output(work_of(any, item_step(item, i)), item->output);
    }
    rc =
        st ? store_add_folder(st, entry, n, o, err) : store_name_folder(entry, n, o, err);
    buf_release(&name);
    arena_release(&arena);
    free(entry);
    return rc;
}

void item_object(const struct work *any, const struct item *item, struct object *o)
{
    if (!item->is_set)
        *o = *work_output(work_of(any, item->step), item->output);
    else
        compose(NULL, any, item, o, NULL);
}

int item_publish(struct store *st, const struct work *any, const struct item *item,
                 struct object *o, struct error *err)
{
    if (item->is_set)
        return compose(st, any, item, o, err);
    item_object(any, item, o);
    return 0;
}
