#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "lookup.h"
#include "session.h"

/* What the results of a stage take, and what it cost to make them. */
struct share {
    size_t steps;
    long long bytes;  /* of files that no stage above has */
    long long absent; /* of those that are not in the cache */
    double seconds;
};

struct usage {
    struct session *s;
    struct arena arena;
    struct map stage; /* → struct share, in the order of the plan */
    struct map seen;  /* digests of files */
    struct share *now;
    struct share all;
    size_t objects; /* of the whole cache, */
    long long bytes;
};

static int add_file(void *self, const struct store_file *file, struct error *err)
{
    struct usage *u = self;
    char hex[DIGEST_HEX + 1];

    (void)err;
    if (!file->folder && !map_set(&u->seen, digest_hex(&file->id, hex), u))
        u->now->bytes += file->size;
    return 0;
}

static int add_step(struct usage *u, struct work *w, struct error *err)
{
    const struct record *rec;
    int rc = lookup_record(u->s, w, err);

    if (rc < 0)
        return rc;
    rec = w->record;
    u->now->steps++;
    u->now->seconds += rec->wall;
    for (size_t i = 0; i < rec->n_outputs && rc >= 0; i++) {
        const struct record_output *o = &rec->output[i];

        if (strchr(o->name, '/')) /* a shard, which its set has */
            continue;
        rc = store_check(u->s->store, &o->object, false, NULL, err);
        if (rc == OBJECT_FINE)
            rc = store_each_file(u->s->store, &o->object, add_file, u, err);
        else if (rc >= 0)
            u->now->absent += o->object.size;
    }
    return rc < 0 ? rc : 0;
}

static int add_all(struct usage *u, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < u->s->plan->n_steps && rc == 0; i++) {
        struct work *w = &u->s->work[i];

        if (!w->wanted || w->state != WORK_DONE)
            continue;
        u->now = map_get(&u->stage, w->step->stage);
        if (!u->now) {
            u->now = arena_alloc(&u->arena, sizeof *u->now);
            map_set(&u->stage, w->step->stage, u->now);
        }
        rc = add_step(u, w, err);
    }
    for (size_t i = 0; i < u->stage.n; i++) {
        const struct share *share = u->stage.entry[i].value;

        u->all.steps += share->steps;
        u->all.bytes += share->bytes;
        u->all.absent += share->absent;
        u->all.seconds += share->seconds;
    }
    return rc == 0 ? store_usage(u->s->store, &u->objects, &u->bytes, err) : rc;
}

static void print_share(const char *name, const struct share *share)
{
    struct buf size = { 0 }, took = { 0 };

    say_bytes(share->bytes, &size);
    say_seconds(share->seconds, &took);
    printf("%-24s %5zu  %10s  %14s", name, share->steps, buf_str(&size), buf_str(&took));
    if (share->absent) {
        buf_reset(&size);
        say_bytes(share->absent, &size);
        printf("  and %s not here", buf_str(&size));
    }
    putchar('\n');
    buf_release(&size);
    buf_release(&took);
}

static void print_text(const struct usage *u)
{
    struct buf size = { 0 };

    printf("%-24s %5s  %10s  %14s\n", "stage", "steps", "size", "took");
    for (size_t i = 0; i < u->stage.n; i++)
        print_share(u->stage.entry[i].key, u->stage.entry[i].value);
    print_share("all", &u->all);
    say_bytes(u->bytes, &size);
    printf(
        "the cache %s has %zu objects, %s, with logs, lists of folders and the results "
        "of others\n",
        u->s->cache, u->objects, buf_str(&size));
    buf_release(&size);
}

static json_t *share_json(const char *name, const struct share *share)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:f}", "stage", name, "steps",
                     (json_int_t)share->steps, "bytes", (json_int_t)share->bytes,
                     "bytes_absent", (json_int_t)share->absent, "seconds",
                     share->seconds);
}

static void print_json(const struct usage *u)
{
    json_t *stages = json_array(), *all;

    for (size_t i = 0; i < u->stage.n; i++)
        json_array_append_new(stages,
                              share_json(u->stage.entry[i].key, u->stage.entry[i].value));
    all = json_pack("{s:o, s:o, s:I, s:I}", "stages", stages, "all",
                    share_json("all", &u->all), "cache_objects", (json_int_t)u->objects,
                    "cache_bytes", (json_int_t)u->bytes);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
}

int command_du(const struct cli *cli, struct error *err)
{
    struct session s = { 0 };
    struct usage u = { .s = &s };
    int rc = session_begin(&s, cli, cli->arg, cli->n_args, err);

    if (rc == 0)
        rc = lookup_all(&s, false, err);
    if (rc == 0)
        rc = add_all(&u, err);
    if (rc == 0 && cli->json)
        print_json(&u);
    else if (rc == 0)
        print_text(&u);
    map_release(&u.stage);
    map_release(&u.seen);
    arena_release(&u.arena);
    session_close(&s);
    return rc;
}
