#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/gc.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/pins.h"

#include "lookup.h"
#include "session.h"

/* What the results of a stage take, and what it cost to make them. */
struct share {
    size_t steps;
    long long bytes;  /* of files that no stage above has */
    long long absent; /* of those that are not in the cache */
    long long pinned; /* of bytes */
    double seconds;
};

struct usage {
    struct session *s;
    struct arena arena;
    struct map stage; /* → struct share, in the order of the plan */
    struct map seen;  /* digests of files */
    struct map pins;  /* keys in hex */
    struct share *now;
    struct share all;
    size_t objects; /* of the whole cache, */
    long long bytes;
    struct gc_totals gc; /* of what gc would do there now */
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
    char hex[DIGEST_HEX + 1];
    long long before = u->now->bytes;
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
    if (map_get(&u->pins, digest_hex(&w->key, hex)))
        u->now->pinned += u->now->bytes - before;
    return rc < 0 ? rc : 0;
}

static int read_pins(struct usage *u, struct error *err)
{
    struct pins_entry *pin;
    char hex[DIGEST_HEX + 1];
    size_t n;
    int rc = pins_list(u->s->store, &u->arena, &pin, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++)
        for (size_t k = 0; k < pin[i].n; k++)
            map_set(&u->pins, digest_hex(&pin[i].step[k].key, hex), u);
    return rc;
}

static int add_cache(struct usage *u, struct error *err)
{
    const struct gc_order look = {
        .grace = GC_GRACE_S, .older = -1, .quota = -1, .dry_run = true
    };
    int rc = store_usage(u->s->store, &u->objects, &u->bytes, err);

    return rc == 0 ? store_gc(u->s->store, &look, &u->gc, err) : rc;
}

static int add_all(struct usage *u, struct error *err)
{
    int rc = read_pins(u, err);

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
        u->all.pinned += share->pinned;
        u->all.seconds += share->seconds;
    }
    return rc == 0 ? add_cache(u, err) : rc;
}

/* What a GB of it cost; 0 where it takes nothing. */
static double per_gb(const struct share *share)
{
    return share->bytes ? share->seconds * 1e9 / (double)share->bytes : 0;
}

static void print_share(const char *name, const struct share *share)
{
    struct buf size = { 0 }, took = { 0 };

    say_bytes(share->bytes, &size);
    say_seconds(share->seconds, &took);
    printf("%-24s %5zu  %10s  %14s", name, share->steps, buf_str(&size), buf_str(&took));
    if (share->bytes >= 1000000) /* of less it would be a strange number */
        printf("  %.1f s per GB", per_gb(share));
    if (share->pinned) {
        buf_reset(&size);
        say_bytes(share->pinned, &size);
        printf("  %s pinned", buf_str(&size));
    }
    if (share->absent) {
        buf_reset(&size);
        say_bytes(share->absent, &size);
        printf("  and %s not here", buf_str(&size));
    }
    putchar('\n');
    buf_release(&size);
    buf_release(&took);
}

static void print_part(long long bytes, const char *what)
{
    struct buf size = { 0 };

    say_bytes(bytes, &size);
    if (bytes)
        printf("; %s %s", buf_str(&size), what);
    buf_release(&size);
}

static void print_text(const struct usage *u)
{
    struct buf size = { 0 };

    printf("%-24s %5s  %10s  %14s\n", "stage", "steps", "size", "took");
    for (size_t i = 0; i < u->stage.n; i++)
        print_share(u->stage.entry[i].key, u->stage.entry[i].value);
    print_share("all", &u->all);
    say_bytes(u->bytes, &size);
    printf("the cache %s has %zu objects, %s, with logs, lists of folders and the "
           "results "
           "of others",
           u->s->cache, u->objects, buf_str(&size));
    print_part(u->gc.pinned, "pinned");
    print_part(u->gc.bytes, "unneeded, which `larder gc` removes");
    putchar('\n');
    buf_release(&size);
}

static json_t *share_json(const char *name, const struct share *share)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f}", "stage", name, "steps",
                     (json_int_t)share->steps, "bytes", (json_int_t)share->bytes,
                     "bytes_absent", (json_int_t)share->absent, "bytes_pinned",
                     (json_int_t)share->pinned, "seconds", share->seconds,
                     "seconds_per_gb", per_gb(share));
}

static void print_json(const struct usage *u)
{
    json_t *stages = json_array(), *all;

    for (size_t i = 0; i < u->stage.n; i++)
        json_array_append_new(stages,
                              share_json(u->stage.entry[i].key, u->stage.entry[i].value));
    all = json_pack("{s:o, s:o, s:I, s:I, s:I, s:I}", "stages", stages, "all",
                    share_json("all", &u->all), "cache_objects", (json_int_t)u->objects,
                    "cache_bytes", (json_int_t)u->bytes, "cache_bytes_pinned",
                    (json_int_t)u->gc.pinned, "cache_bytes_unneeded",
                    (json_int_t)u->gc.bytes);
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
    map_release(&u.pins);
    arena_release(&u.arena);
    session_close(&s);
    return rc;
}
