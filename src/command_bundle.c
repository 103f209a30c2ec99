#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/bundle.h"
#include "larder/fs.h"

#include "cell.h"
#include "lookup.h"
#include "meter.h"
#include "pick.h"
#include "resources.h"
#include "session.h"
#include "sharing.h"

enum { TABLE_MAX = 16 << 20 };

struct bundling {
    struct session *s;
    struct bundle *b;
    enum closure closure;
    struct picks picks;
    bool *full;       /* [n_steps] all its outputs go in */
    size_t n_private; /* outputs that stay here, */
    size_t n_gone;    /* that are not kept and gone, */
    size_t n_kept;    /* and steps of which nothing leaves (never-remote) */
};

static void tell_damage(void *self, const char *step, const struct error *story)
{
    struct bundling *all = self;

    say_line(&all->s->say, SAY_QUIET, TONE_BAD, "%s: %s", step, story->text);
}

/* Of what is asked for, or needed, everything must be made. */
static int no_result(const struct work *w, struct error *err)
{
    if (w->lacks)
        return error_set(err, w->lacks->code, "%s", w->lacks->text);
    return error_set(err, E_STAGE, "%s is not made yet: `larder run '%s'` makes it",
                     w->step->name, w->step->name);
}

/* 1 when the output is here; 0 when it is not kept and gone; or an error. */
static int bring(struct bundling *all, struct work *w, size_t i, struct error *err)
{
    int rc = w->here ? OBJECT_FINE
                     : store_check(all->s->store, &w->output[i], false, NULL, err);

    if (rc == OBJECT_ABSENT && !w->step->output[i].temp && all->s->remotes) {
        rc = lookup_bring(all->s, w, err);
        if (rc == 0)
            rc = store_check(all->s->store, &w->output[i], false, NULL, err);
    }
    if (rc != OBJECT_ABSENT)
        return rc < 0 ? rc : 1;
    if (w->step->output[i].temp)
        return 0;
    return error_set(
        err, E_STAGE,
        "%s of %s is not here: `larder pull '%s'` fetches it, `larder run -B "
        "'%s'` makes it",
        w->step->output[i].name, w->step->name, w->step->name, w->step->name);
}

static int add_output(struct bundling *all, struct work *w, size_t i, struct error *err)
{
    int rc;

    if (step_output_is_private(w->step, i)) {
        all->n_private++;
        return 0;
    }
    rc = bring(all, w, i, err);
    all->n_gone += rc == 0;
    return rc == 1 ? bundle_add_object(all->b, &w->output[i], err) : rc;
}

/* The log, or what a foreign program loaded, without which nobody can use the record:
 * where it is here. */
static int add_beside(struct bundling *all, const struct object *o, struct error *err)
{
    static const struct digest none;
    int rc;

    if (digest_equal(&o->id, &none))
        return 0;
    rc = store_check(all->s->store, o, false, NULL, err);
    if (rc == OBJECT_ABSENT)
        return 0;
    return rc < 0 ? rc : bundle_add_object(all->b, o, err);
}

static int add_outputs(struct bundling *all, struct work *w, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < w->step->n_outputs && rc == 0; i++)
        rc = add_output(all, w, i, err);
    if (rc == 0 && !step_takes_private(w->step)) {
        if (all->s->remotes)
            rc = lookup_bring_log(all->s, w, err);
        if (rc == 0)
            rc = add_beside(all, &w->record->log, err);
    }
    return rc;
}

static int add_step(struct bundling *all, struct work *w, struct error *err)
{
    int rc;

    bundle_for(all->b, w->step->name);
    if (trust_forbids(all->s->trust, w->step->stage)) {
        all->n_kept++;
        return 0;
    }
    if (w->state != WORK_DONE)
        return no_result(w, err);
    rc = lookup_record(all->s, w, err);
    if (rc == 0)
        rc = bundle_add_record(all->b, w->record, err);
    if (rc == 0)
        rc = add_beside(all, &w->record->discovered, err);
    if (rc == 0 && all->full[w->step->index])
        rc = add_outputs(all, w, err);
    return rc;
}

/* ---- targets ----------------------------------------------------------------------- */

/* What stands in a cell of the table that the target is. */
static int read_cell(struct bundling *all, struct bundle_target *t, struct buf *value,
                     struct error *err)
{
    const struct object *o = t->path ? &t->file : &t->object;
    struct buf path = { 0 }, text = { 0 };
    int rc = 0;

    if (o->kind == OBJECT_TREE)
        rc = error_set(err, E_USAGE,
                       "%s of %s is a folder: name the file with the cell, as "
                       "%s.%s/FILE%s",
                       t->output, t->step, t->step, t->output, t->cell);
    else if (o->size > TABLE_MAX)
        rc =
            error_set(err, E_USAGE, "%s of %s has %lld bytes; a table has at most 16 MiB",
                      t->output, t->step, o->size);
    store_object_path(all->s->store, &o->id, &path);
    if (rc == 0)
        rc = fs_read(path.s, &text, err);
    if (rc == 0)
        rc = cell_find(buf_str(&text), text.len, t->cell, value, err);
    t->value = buf_str(value);
    buf_release(&text);
    buf_release(&path);
    return rc;
}

static int add_part(struct bundling *all, struct work *w, const struct pick *pick,
                    struct bundle_target *t, struct error *err)
{
    struct buf value = { 0 };
    size_t i = (size_t)pick->output;
    int rc;

    if (step_output_is_private(w->step, i))
        return error_set(err, E_INPUT,
                         "%s is private: it stays here; what is made of it and declared "
                         "`public` can be bundled",
                         pick->word);
    if (t->path && t->object.kind != OBJECT_TREE)
        return error_set(err, E_USAGE,
                         "%s of %s is a file, no folder: name it without /%s", t->output,
                         t->step, t->path);
    rc = bring(all, w, i, err);
    if (rc == 0)
        rc = error_set(err, E_STAGE, "%s is not kept; `larder run -B '%s'` makes it",
                       pick->word, w->step->name);
    if (rc == 1 && t->path)
        rc = bundle_find_file(all->b, t, err);
    if (rc == E_CORRUPT)
        error_context(err, "%s", pick->word);
    if (rc >= 0 && t->cell)
        rc = read_cell(all, t, &value, err);
    if (rc >= 0)
        bundle_add_target(all->b, t);
    if (rc >= 0 && !t->path)
        rc = bundle_add_object(all->b, &t->object, err);
    buf_release(&value);
    return rc < 0 ? rc : 0;
}

static int add_pick(struct bundling *all, const struct pick *pick, struct error *err)
{
    struct work *w = work_of(all->s->work, pick->step);
    size_t first = pick->output < 0 ? 0 : (size_t)pick->output;
    size_t end = pick->output < 0 ? w->step->n_outputs : first + 1;
    int rc = 0;

    bundle_for(all->b, w->step->name);
    if (trust_forbids(all->s->trust, w->step->stage))
        return pick->output < 0
                   ? 0
                   : error_set(err, E_INPUT,
                               "%s stays here: %s says never-remote of its stage; remove "
                               "that if it may leave",
                               pick->word, TRUST_FILE);
    for (size_t i = first; i < end && rc == 0; i++) {
        struct bundle_target t = { .step = w->record->step,
                                   .output = w->step->output[i].name,
                                   .key = w->record->key,
                                   .object = w->output[i],
                                   .path = pick->path,
                                   .cell = pick->cell };

        if (all->closure == CLOSURE_RECORDS)
            t.path = t.cell = NULL;
        if (pick->output < 0 || all->closure == CLOSURE_RECORDS)
            bundle_add_target(all->b, &t);
        else
            rc = add_part(all, w, pick, &t, err);
    }
    return rc;
}

/* ---- the command ------------------------------------------------------------------- */

static int read_options(struct bundling *all, struct bundle_order *order,
                        struct error *err)
{
    const struct cli *cli = all->s->cli;

    if (!cli->output)
        return error_set(err, E_USAGE,
                         "where is the bundle to go? larder bundle [TARGET...] -o "
                         "NAME.tar.zst");
    if (!*fs_basename(cli->output))
        return error_set(err, E_USAGE, "-o names a file, as NAME.tar.zst, not '%s'",
                         cli->output);
    all->closure = CLOSURE_OUTPUTS;
    for (int i = 0; cli->closure && closure_name[i]; i++)
        if (!strcmp(closure_name[i], cli->closure))
            all->closure = (enum closure)i;
    order->closure = all->closure;
    if (cli->max_size)
        order->max_size = resources_size(cli->max_size);
    if (order->max_size < 0 || (cli->max_size && !order->max_size))
        return error_set(err, E_USAGE,
                         "--max-size takes a size, as 700MB or 2GiB, not "
                         "'%s'",
                         cli->max_size);
    return 0;
}

/* Which steps give all that they made. */
static void choose_full(struct bundling *all)
{
    struct session *s = all->s;

    all->full = arena_alloc(&s->arena, s->plan->n_steps + 1);
    for (size_t i = 0; i < s->plan->n_steps; i++)
        all->full[i] = all->closure == CLOSURE_ALL;
    for (size_t i = 0; i < all->picks.n; i++)
        if (all->picks.list[i].output < 0 && all->closure == CLOSURE_OUTPUTS)
            all->full[all->picks.list[i].step->index] = true;
}

/* What look-up found damaged it has told. */
static int check_lost(const struct session *s, struct error *err)
{
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->work[i].wanted && s->work[i].lost)
            return error_set(err, E_CORRUPT,
                             "no bundle was written: what %s made is damaged or missing "
                             "here; `larder run` makes it again",
                             s->work[i].step->name);
    return 0;
}

static int collect(struct bundling *all, struct error *err)
{
    struct session *s = all->s;
    int rc = check_lost(s, err);

    choose_full(all);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (s->work[i].wanted)
            rc = add_step(all, &s->work[i], err);
    for (size_t i = 0; i < all->picks.n && rc == 0; i++)
        rc = add_pick(all, &all->picks.list[i], err);
    return rc;
}

static void print_json(const struct bundling *all, const struct bundle_totals *sum)
{
    json_t *files = json_array(), *doc;

    for (size_t i = 0; i < sum->n_volumes; i++)
        json_array_append_new(files, json_string(bundle_file(all->b, i)));
    doc = json_pack(
        "{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "files", files, "records",
        (json_int_t)sum->n_records, "attestations", (json_int_t)sum->n_attestations,
        "objects", (json_int_t)sum->n_objects, "bytes", (json_int_t)sum->bytes, "written",
        (json_int_t)sum->written, "private", (json_int_t)all->n_private, "gone",
        (json_int_t)all->n_gone, "kept", (json_int_t)all->n_kept);
    json_dumpf(doc, stdout, 0);
    putchar('\n');
    json_decref(doc);
}

static void tell(const struct bundling *all)
{
    struct bundle_totals sum;
    struct buf line = { 0 };

    bundle_count_up(all->b, &sum);
    buf_printf(&line, "%zu record%s, ", sum.n_records, sum.n_records == 1 ? "" : "s");
    if (sum.n_attestations)
        buf_printf(&line, "%zu attestation%s, ", sum.n_attestations,
                   sum.n_attestations == 1 ? "" : "s");
    buf_printf(&line, "%zu object%s (", sum.n_objects, sum.n_objects == 1 ? "" : "s");
    say_bytes(sum.bytes, &line);
    if (sum.n_volumes > 1)
        buf_printf(&line, "), %zu files of ", sum.n_volumes);
    else
        buf_adds(&line, "), a file of ");
    say_bytes(sum.written, &line);
    if (all->n_private)
        buf_printf(&line, ", %zu private output%s left out", all->n_private,
                   all->n_private == 1 ? "" : "s");
    if (all->n_gone)
        buf_printf(&line, ", %zu not kept and gone", all->n_gone);
    if (all->n_kept)
        buf_printf(&line, ", %zu step%s never to leave", all->n_kept,
                   all->n_kept == 1 ? "" : "s");
    say_line(&all->s->say, SAY_NORMAL, TONE_PLAIN, "%s", buf_str(&line));
    buf_release(&line);
    if (all->s->cli->json)
        print_json(all, &sum);
    for (size_t i = 0; i < sum.n_volumes && !all->s->cli->json; i++)
        printf("%s\n", bundle_file(all->b, i));
}

static int begin(struct bundling *all, struct error *err)
{
    struct session *s = all->s;
    int rc = picks_read(&all->picks, s, s->cli->arg, s->cli->n_args, err);

    if (rc == 0)
        rc = session_connect(s, err);
    if (rc == 0)
        rc = sharing_trust(s, err);
    if (rc == 0)
        rc = sharing_open(s, err);
    return rc == 0 ? lookup_all(s, false, err) : rc;
}

int command_bundle(const struct cli *cli, struct error *err)
{
    struct signer *signer = NULL;
    struct session s = { 0 };
    struct bundling all = { .s = &s };
    struct meter meter = { 0 };
    struct bundle_order order = { .damage = tell_damage,
                                  .self = &all,
                                  .moved = { meter_moved, &meter } };
    int rc = session_open(&s, cli, err);

    if (rc == 0)
        rc = read_options(&all, &order, err);
    if (rc == 0)
        rc = begin(&all, err);
    if (rc == 0)
        rc = sharing_signer(&s, &signer, err);
    if (rc == 0) {
        order.store = s.store;
        order.signer = signer;
        bundle_new(&all.b, &order);
        rc = collect(&all, err);
    }
    meter_open(&meter, &s.say, "packing", 0);
    if (rc == 0)
        rc = bundle_write(all.b, cli->output, err);
    meter_close(&meter);
    if (rc == 0) {
        sharing_tell(&s);
        tell(&all);
    }
    bundle_free(all.b);
    free(all.picks.list);
    signer_free(signer);
    session_close(&s);
    return rc;
}
