#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"

#include "item.h"
#include "lookup.h"
#include "pick.h"
#include "place.h"
#include "session.h"
#include "sharing.h"

/* What is to be placed where. */
struct wish {
    struct item item;
    const char *file; /* of a folder that is the item, or NULL */
    const char *to;
};

static int no_output(const struct step *step, const char *name, struct error *err)
{
    const char **known = xcalloc(step->n_outputs + 1, sizeof *known);
    struct buf near = { 0 };

    for (size_t i = 0; i < step->n_outputs; i++)
        known[i] = step->output[i].name;
    suggest_name(&near, name, known, step->n_outputs);
    error_set(err, E_USAGE, "%s has no output %s%s", step->name, name, near.s);
    buf_release(&near);
    free(known);
    return E_USAGE;
}

/* Sets the output, or shard of one, that is called name. */
static int find_object(struct item *item, const char *name, struct error *err)
{
    const struct step *step = item->step;
    size_t i = 0;
    bool found = false;

    for (; i < step->n_objects && !found; i++) {
        struct buf own = { 0 };

        step_object_name(step, i, &own);
        found = !strcmp(buf_str(&own), name);
        buf_release(&own);
    }
    if (!found)
        return no_output(step, name, err);
    item->output = (int)i - 1;
    return 0;
}

/* Of the steps that are chosen: one, or all that make a set together. */
static int find_steps(const struct session *s, const char *name, struct item *item,
                      struct error *err)
{
    size_t n = 0, parts = 0;

    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct step *step = s->plan->step[i];

        if (!s->chosen[i])
            continue;
        if (!n++)
            item->step = step;
        parts += step->part && step->part == item->step->part;
    }
    item->is_set =
        n && parts == n && n == item->step->n_parts && (n > 1 || !strstr(name, "shard="));
    if (n != 1 && !item->is_set)
        return error_set(err, E_USAGE,
                         "%s means %zu steps; name one: `larder status -v %s`", name, n,
                         name);
    return 0;
}

static struct step *part_called(const struct step *first, const char *shard)
{
    struct buf name = { 0 };
    size_t i = 0;

    for (; i < first->n_parts; i++) {
        buf_reset(&name);
        shard_name(i, first->n_parts, &name);
        if (!strcmp(buf_str(&name), shard))
            break;
    }
    buf_release(&name);
    return i < first->n_parts ? first->part[i] : NULL;
}

/* OUTPUT; or OUTPUT/NN, a shard of it, which one of the steps of `map:` makes. */
static int find_thing(struct session *s, struct item *item, const char *name,
                      struct error *err)
{
    const char *slash = strchr(name, '/');
    const struct step *first = item->step;

    if (!slash || !item->is_set)
        return find_object(item, name, err);
    item->is_set = false;
    item->step = part_called(first, slash + 1);
    if (!item->step)
        return error_set(
            err, E_USAGE,
            "%s has %zu shards, and none is called %s: write 00 for the first",
            first->stage, first->n_parts, slash + 1);
    return find_object(item, arena_strndup(&s->arena, name, (size_t)(slash - name)), err);
}

/* STEP.OUTPUT: the step may be a stage that has one step. */
static int find_output(struct session *s, const char *name, struct wish *w,
                       struct error *err)
{
    const char *dot = strrchr(name, '.');
    char *step = dot ? arena_strndup(&s->arena, name, (size_t)(dot - name)) : NULL;
    int rc;

    if (!dot)
        return error_set(err, E_USAGE, "%s is neither a target nor STEP.OUTPUT", name);
    rc = session_choose(s, (const char *[]){ step }, 1, err);
    if (rc == 0)
        rc = find_steps(s, step, &w->item, err);
    if (rc == 0)
        rc = find_thing(s, &w->item, dot + 1, err);
    if (rc == 0) /* a shard has its own name, else the last part of the output's path */
        w->to = strchr(dot, '/') ? fs_basename(name)
                                 : fs_basename(w->item.step->output[w->item.output].path);
    return rc;
}

/* STEP.OUTPUT/FILE: *err, of what else the name could be, stands where it is not. */
static int find_file(struct session *s, const char *name, struct wish *w,
                     struct error *err)
{
    struct picks picks = { 0 };
    struct error why = { 0 };
    const struct pick *one;
    int rc = err->code;

    if (strchr(name, '/') && picks_read(&picks, s, &name, 1, &why) == 0 && picks.n == 1 &&
        picks.list[0].path && !picks.list[0].cell) {
        one = &picks.list[0];
        *w = (struct wish){ .item = { .step = s->plan->step[one->step->index],
                                      .output = one->output },
                            .file = one->path,
                            .to = fs_basename(one->path) };
        rc = 0;
    }
    free(picks.list);
    return rc;
}

/* A place that was named on the command line. */
static int find_place(struct session *s, const char *dest, const char **to,
                      struct error *err)
{
    struct buf path = { 0 }, full = { 0 };
    bool own;

    fs_tidy(&path, dest);
    fs_join(&full, s->project, buf_str(&path));
    own = fs_is_below(buf_str(&full), s->own);
    *to = arena_strdup(&s->arena, buf_str(&path));
    buf_release(&full);
    buf_release(&path);
    if (own)
        return error_set(err, E_USAGE, "%s is in .larder/, which is Larder's own", dest);
    return **to ? 0
                : error_set(
                      err, E_USAGE,
                      "\"%s\" names no file or folder: name a place below the project",
                      dest);
}

/* Fills in what is asked for; *wish is new (free()). */
static int find_wishes(struct session *s, struct wish **wish, size_t *n,
                       struct error *err)
{
    const char *name = s->cli->arg[0], *dest = s->cli->n_args > 1 ? s->cli->arg[1] : NULL;
    int rc = dest ? find_place(s, dest, &dest, err) : 0;

    *n = 0;
    *wish = NULL;
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s->plan->n_targets; i++) {
        const struct target *t = &s->plan->target[i];

        if (strcmp(t->name, name) != 0)
            continue;
        if (!t->n_gets)
            return error_set(err, E_USAGE, "target %s places nothing: it has no `get:`",
                             name);
        if (dest && t->n_gets != 1)
            return error_set(err, E_USAGE,
                             "target %s places %zu things; name one as STEP.OUTPUT", name,
                             t->n_gets);
        *wish = xcalloc(t->n_gets, sizeof **wish);
        for (size_t k = 0; k < t->n_gets; k++)
            (*wish)[(*n)++] =
                (struct wish){ .item = t->get[k].item, .to = dest ? dest : t->get[k].to };
        return session_choose(s, &name, 1, err);
    }
    *wish = xcalloc(1, sizeof **wish);
    rc = find_output(s, name, *wish, err);
    if (rc == E_USAGE)
        rc = find_file(s, name, *wish, err);
    *n = rc == 0;
    if (rc == 0 && dest)
        (*wish)->to = dest;
    return rc;
}

/* Goes down to the file: STORE_HIT, STORE_MISS where it or a folder is not here. */
static int look_for_file(struct session *s, const struct wish *wish, struct object *o,
                         struct error *err)
{
    const char *at = wish->file;
    int rc = OBJECT_FINE;

    *o = *work_output(work_of(s->work, wish->item.step), wish->item.output);
    while (rc == OBJECT_FINE && *at) {
        size_t n = strcspn(at, "/"), n_entries = 0, i = 0;
        struct store_entry *entry = NULL;

        if (o->kind == OBJECT_TREE)
            rc = store_list(s->store, o, &s->arena, &entry, &n_entries, err);
        while (i < n_entries && (strncmp(entry[i].name, at, n) != 0 || entry[i].name[n]))
            i++;
        if (rc == OBJECT_FINE && i == n_entries)
            return error_set(err, E_USAGE, "there is no file %s in it: name another one",
                             wish->file);
        if (rc == OBJECT_FINE)
            *o = entry[i].object;
        at += at[n] ? n + 1 : n;
    }
    if (rc == OBJECT_FINE)
        rc = store_check(s->store, o, false, NULL, err);
    return rc < 0 ? rc : rc == OBJECT_FINE ? STORE_HIT : STORE_MISS;
}

/* All of the folder is needed only where the file is not here without it. */
static int bring_file(struct session *s, const struct wish *wish, struct object *o,
                      struct error *err)
{
    int rc = STORE_MISS;

    if (work_of(s->work, wish->item.step)->state == WORK_DONE)
        rc = look_for_file(s, wish, o, err);
    if (rc == STORE_MISS)
        rc = lookup_item(s, &wish->item, err);
    else
        return rc;
    return rc == 0 ? look_for_file(s, wish, o, err) : rc;
}

static int bring(struct session *s, const struct wish *wish, struct object *o,
                 struct error *err)
{
    int rc;

    if (wish->file)
        return bring_file(s, wish, o, err);
    rc = lookup_item(s, &wish->item, err);
    return rc == 0 ? item_publish(s->store, s->work, &wish->item, o, err) : rc;
}

static int grant(struct session *s, struct places *p, const struct wish *wish,
                 struct error *err)
{
    struct object o;
    int rc = bring(s, wish, &o, err);

    if (rc == 0)
        rc = places_put(p, &o, wish->to, err);
    if (rc >= 0 && !s->cli->quiet)
        printf("%s\n", wish->to);
    return rc < 0 ? rc : 0;
}

int command_get(const struct cli *cli, struct error *err)
{
    struct places *places = NULL;
    struct wish *wish = NULL;
    struct session s = { 0 };
    size_t n = 0;
    int rc = session_open(&s, cli, err);

    if (rc == 0)
        rc = find_wishes(&s, &wish, &n, err);
    if (rc == 0)
        rc = session_connect(&s, err);
    if (rc == 0)
        rc = sharing_open(&s, err);
    if (rc == 0)
        rc = lookup_all(&s, false, err);
    if (rc == 0)
        rc = places_open(&places, s.project, s.own, s.store, config_link(&s.config),
                         cli->force, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = grant(&s, places, &wish[i], err);
    if (rc == 0)
        sharing_tell(&s);
    if (rc == 0)
        rc = places_save(places, err);
    places_close(places);
    free(wish);
    session_close(&s);
    return rc;
}
