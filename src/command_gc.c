#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/gc.h"
#include "larder/remote_gc.h"

#include "resources.h"
#include "session.h"
#include "sharing.h"

struct cleaning {
    struct session *s;
    struct gc_order order;
    struct gc_totals totals;
    json_t *removed; /* of --json, else NULL */
};

static const char *const why_word[] = { [GC_UNNAMED] = "unneeded",
                                        [GC_LOST] = "lost",
                                        [GC_OLD] = "not used",
                                        [GC_DEAR] = "for room" };

static int read_duration(const char *text, const char *option, double *seconds,
                         struct error *err)
{
    if (!text || resources_seconds(text, seconds))
        return 0;
    return error_set(err, E_USAGE, "%s takes a duration, as 90m, 24h or 30d, not '%s'",
                     option, text);
}

static int read_order(struct cleaning *c, const struct cli *cli, struct error *err)
{
    double bytes;
    int rc = read_duration(cli->grace, "--grace", &c->order.grace, err);

    if (rc == 0)
        rc = read_duration(cli->older, "--older", &c->order.older, err);
    if (rc < 0 || !cli->quota)
        return rc;
    if (!strcmp(cli->quota, "none"))
        c->order.quota = -1;
    else if (resources_bytes(cli->quota, &bytes))
        c->order.quota = (long long)bytes;
    else
        return error_set(err, E_USAGE,
                         "--quota takes none or a size, as 200GiB, not '%s'", cli->quota);
    return 0;
}

/* ---- telling ----------------------------------------------------------------------- */

static void print_item(const struct gc_item *item)
{
    struct buf line = { 0 };
    char hex[DIGEST_HEX + 1];

    buf_printf(&line, "%s: ", why_word[item->why]);
    if (item->step)
        buf_printf(&line, "%s, ", item->step);
    else if (item->why != GC_UNNAMED)
        buf_printf(&line, "sha256:%s, of no step, ", digest_hex(&item->id, hex));
    say_bytes(item->bytes, &line);
    buf_printf(&line, " in %zu object%s", item->n_objects,
               item->n_objects == 1 ? "" : "s");
    if (item->why != GC_UNNAMED) {
        buf_adds(&line, ", ");
        say_seconds(item->seconds, &line);
        buf_adds(&line, item->step ? " to make" : " to fetch");
    }
    puts(line.s);
    buf_release(&line);
}

static void tell(void *self, const struct gc_item *item)
{
    struct cleaning *c = self;
    char hex[DIGEST_HEX + 1];

    if (!c->removed) {
        print_item(item);
        return;
    }
    json_array_append_new(c->removed,
                          json_pack("{s:s, s:s?, s:s+, s:I, s:I, s:f}", "why",
                                    why_word[item->why], "step", item->step, "id",
                                    "sha256:", digest_hex(&item->id, hex), "objects",
                                    (json_int_t)item->n_objects, "bytes",
                                    (json_int_t)item->bytes, "seconds", item->seconds));
}

static void print_json(struct cleaning *c)
{
    const struct gc_totals *t = &c->totals;
    json_t *all = json_pack(
        "{s:b, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "dry_run",
        c->order.dry_run, "results", (json_int_t)t->n_results, "objects",
        (json_int_t)t->n_objects, "bytes", (json_int_t)t->bytes, "seconds", t->seconds,
        "bytes_before", (json_int_t)t->before, "bytes_pinned", (json_int_t)t->pinned,
        "bytes_used", (json_int_t)t->used, "bytes_recent", (json_int_t)t->recent,
        "bytes_other", (json_int_t)t->rest, "quota", (json_int_t)c->order.quota,
        "removed", c->removed);

    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
}

static void add_part(struct buf *line, long long bytes, const char *what)
{
    if (!bytes)
        return;
    buf_adds(line, ", ");
    say_bytes(bytes, line);
    buf_printf(line, " %s", what);
}

static void say_gone(const struct cleaning *c)
{
    const struct gc_totals *t = &c->totals;
    struct buf line = { 0 };

    buf_printf(&line, "%s: %zu result%s and %zu object%s %s, ", c->s->cache, t->n_results,
               t->n_results == 1 ? "" : "s", t->n_objects, t->n_objects == 1 ? "" : "s",
               c->order.dry_run ? "would go" : "removed");
    say_bytes(t->bytes, &line);
    buf_adds(&line, " of ");
    say_bytes(t->before, &line);
    if (t->seconds > 0) {
        buf_adds(&line, "; to have all of it again takes ");
        say_seconds(t->seconds, &line);
    }
    say_line(&c->s->say, SAY_NORMAL, TONE_PLAIN, "%s", line.s);
    buf_release(&line);
}

static void say_rest(const struct cleaning *c)
{
    const struct gc_totals *t = &c->totals;
    long long left = t->before - t->bytes;
    struct buf line = { 0 };

    add_part(&line, t->pinned, "pinned");
    add_part(&line, t->used, "in use by a run");
    add_part(&line, t->recent, "made or used within the grace");
    add_part(&line, t->rest, "of other results");
    if (line.len)
        say_line(&c->s->say, SAY_NORMAL, TONE_PLAIN, "what stays: %s", line.s + 2);
    buf_reset(&line);
    if (c->order.quota >= 0 && left > c->order.quota) {
        say_bytes(left - c->order.quota, &line);
        say_line(
            &c->s->say, SAY_NORMAL, TONE_PLAIN,
            "that is still %s above the quota; a shorter --grace, or `larder unpin`, "
            "lets more go",
            line.s);
    }
    buf_release(&line);
}

/* Settings of the project count where there is one, and those of the user anyhow. */
static int open_all(struct session *s, const struct cli *cli, struct error *err)
{
    int rc = session_go(cli, err);

    if (rc == 0)
        rc = session_open_cache(s, cli, err);
    return rc == 0 ? config_read(&s->config, ".", cli, err) : rc;
}

/* ---- a remote ---------------------------------------------------------------------- */

static void tell_file(void *self, const char *what, const char *name, long long bytes)
{
    struct cleaning *c = self;
    struct buf size = { 0 };

    say_bytes(bytes, &size);
    if (c->removed)
        json_array_append_new(c->removed,
                              json_pack("{s:s, s:s, s:I}", "what", what, "name", name,
                                        "bytes", (json_int_t)bytes));
    else
        printf("%s: %s, %s\n", what, name, buf_str(&size));
    buf_release(&size);
}

static void say_remote(const struct cleaning *c, const char *place,
                       const struct remote_gc_totals *t, bool dry_run)
{
    struct buf line = { 0 };

    buf_printf(&line, "%s: %zu file%s that no record needs %s, ", place, t->n_files,
               t->n_files == 1 ? "" : "s", dry_run ? "could go" : "removed");
    say_bytes(t->bytes, &line);
    buf_adds(&line, " of ");
    say_bytes(t->before, &line);
    buf_printf(&line, "; %zu record%s read", t->n_records, t->n_records == 1 ? "" : "s");
    if (t->n_back)
        buf_printf(&line, "; %zu put back, since somebody pushed meanwhile", t->n_back);
    if (dry_run && t->n_files)
        buf_adds(&line, "; --yes removes them, while nobody pushes");
    say_line(&c->s->say, SAY_NORMAL, TONE_PLAIN, "%s", line.s);
    buf_release(&line);
}

static void print_remote_json(const struct cleaning *c, const struct remote_gc_totals *t,
                              bool dry_run)
{
    json_t *all = json_pack("{s:b, s:I, s:I, s:I, s:O}", "dry_run", dry_run, "records",
                            (json_int_t)t->n_records, "bytes", (json_int_t)t->bytes,
                            "bytes_before", (json_int_t)t->before, "removed", c->removed);

    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

/* Nothing there is ours alone: only told, unless it is said. */
static int clean_remote(struct cleaning *c, const struct cli *cli, struct error *err)
{
    struct remote_gc_order order = { .grace = REMOTE_GC_GRACE_S,
                                     .dry_run = cli->dry_run || !cli->yes,
                                     .tell = tell_file,
                                     .self = c };
    struct remote_gc_totals t;
    const char *name, *place;
    int rc;

    if (cli->quota || cli->older)
        return error_set(
            err, E_USAGE,
            "--quota and --older are of our own cache: results of others are "
            "not ours to remove; leave them out with --remote");
    rc = read_duration(cli->grace, "--grace", &order.grace, err);
    if (rc == 0)
        rc = sharing_first(c->s, &name, &place, err);
    if (rc == 0)
        rc = remote_gc(place, &order, &t, err);
    if (rc < 0)
        return rc;
    if (cli->json)
        print_remote_json(c, &t, order.dry_run);
    say_remote(c, place, &t, order.dry_run);
    return 0;
}

/* ---- the command ------------------------------------------------------------------- */

static int clean_own(struct cleaning *c, const struct cli *cli, struct error *err)
{
    int rc;

    if (cli->yes)
        return error_set(err, E_USAGE,
                         "--yes goes with --remote: our own cache needs none");
    rc = read_order(c, cli, err);
    if (rc == 0)
        rc = store_gc(c->s->store, &c->order, &c->totals, err);
    if (rc < 0)
        return rc;
    if (cli->json)
        print_json(c);
    say_gone(c);
    say_rest(c);
    return 0;
}

int command_gc(const struct cli *cli, struct error *err)
{
    struct session s = { .cli = cli };
    struct cleaning c = { .s = &s };
    int rc = open_all(&s, cli, err);

    c.order = (struct gc_order){ .grace = GC_GRACE_S,
                                 .older = -1,
                                 .quota = rc == 0 ? config_quota(&s.config) : -1,
                                 .dry_run = cli->dry_run,
                                 .tell = tell,
                                 .self = &c };
    if (cli->json)
        c.removed = json_array();
    if (rc == 0)
        rc = cli->remote ? clean_remote(&c, cli, err) : clean_own(&c, cli, err);
    json_decref(c.removed);
    session_close(&s);
    return rc;
}
