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

/* What is looked at, and what was found wrong. */
struct verify {
    struct session *s;
    struct map seen; /* digests that were hashed, each → one of these: */
    int found[OBJECT_DAMAGED + 1];
    json_t *findings; /* of --json, else NULL */
    size_t n_steps, n_without,
        n_damaged; /* steps, of which no result, or a damaged one */
    size_t n_objects, n_findings, n_forged;
    long long bytes;
    const char *step; /* whose turn it is, */
    bool told;        /* and something was found of it */
    const char *output;
    bool may_be_away;
};

/* path: in the cache, or NULL. */
static void tell(struct verify *v, const char *what, const char *name,
                 const struct digest *id, const char *path)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(id, hex);
    v->n_findings++;
    v->told = true;
    if (v->findings)
        json_array_append_new(v->findings,
                              json_pack("{s:s, s:s*, s:s+, s:s*}", "what", what, "of",
                                        name, "id", "sha256:", hex, "path", path));
    else
        printf("%s: %s: sha256:%s%s%s%s\n", what, name ? name : "of no record", hex,
               path ? " (" : "", path ? path : "", path ? ")" : "");
}

/* ---- the steps of a plan ----------------------------------------------------------- */

static void tell_object(struct verify *v, int found, const char *below,
                        const struct digest *id)
{
    struct buf name = { 0 }, path = { 0 };

    buf_printf(&name, "%s.%s%s%s", v->step, v->output, *below ? "/" : "", below);
    store_object_path(v->s->store, id, &path);
    tell(v, found == OBJECT_ABSENT ? "absent" : "damaged", name.s, id,
         path.s + strlen(store_path(v->s->store)) + 1);
    buf_release(&path);
    buf_release(&name);
}

/* Hashes a file, or the text of a tree, the first time that it is met. */
static int look(struct verify *v, const struct digest *id, long long size,
                const char *below, struct error *err)
{
    struct object o = { .kind = OBJECT_FILE, .id = *id, .size = size };
    char hex[DIGEST_HEX + 1];
    const int *known = map_get(&v->seen, digest_hex(id, hex));
    int rc = known ? *known : store_check(v->s->store, &o, true, NULL, err);

    if (rc < 0)
        return rc;
    if (!known) {
        map_set(&v->seen, hex, &v->found[rc]);
        v->n_objects++;
        v->bytes += rc == OBJECT_ABSENT ? 0 : size;
    }
    if (rc == OBJECT_DAMAGED)
        store_suspect(v->s->store, id);
    if (rc == OBJECT_DAMAGED || (rc == OBJECT_ABSENT && !v->may_be_away))
        tell_object(v, rc, below, id);
    return 0;
}

/* A folder's text has been hashed when we are told of it. */
static int look_in(void *self, const struct store_file *file, struct error *err)
{
    return file->folder ? 0 : look(self, &file->id, file->size, file->path, err);
}

/* The text of a folder somewhere below is not what it should be: which? */
static int find_folder(struct verify *v, const struct object *o, struct error *err)
{
    struct digest bad = o->id;
    int rc = store_check(v->s->store, o, false, &bad, err);

    if (rc > OBJECT_FINE && (rc == OBJECT_DAMAGED || !v->may_be_away))
        tell_object(v, rc, "", &bad);
    if (rc == OBJECT_DAMAGED)
        store_suspect(v->s->store, &bad);
    return rc < 0 ? rc : 0;
}

static int look_at(struct verify *v, const char *output, const struct object *o,
                   bool may_be_away, struct error *err)
{
    static const struct digest none;
    int rc;

    if (digest_equal(&o->id, &none))
        return 0;
    v->output = output;
    v->may_be_away = may_be_away;
    if (o->kind != OBJECT_TREE)
        return look(v, &o->id, o->size, "", err);
    rc = store_each_file(v->s->store, o, look_in, v, err);
    return rc == E_CORRUPT ? find_folder(v, o, err) : rc;
}

static int look_at_record(struct verify *v, const struct record *rec, struct error *err)
{
    int rc = 0;

    v->step = rec->step;
    if (rec->by && !record_signature_fits(rec)) {
        tell(v, "false signature", rec->step, &rec->id, NULL);
        v->n_forged++;
    }
    for (size_t i = 0; i < rec->n_outputs && rc == 0; i++)
        rc = look_at(v, rec->output[i].name, &rec->output[i].object,
                     rec->by || rec->output[i].temp, err);
    if (rc == 0)
        rc = look_at(v, "log", &rec->log, rec->by, err);
    if (rc == 0)
        rc = look_at(v, "discovered", &rec->discovered, rec->by, err);
    return rc;
}

/* A step whose result was seen to be lost on the way has the record that it used last. */
static int look_at_step(struct verify *v, struct work *w, struct error *err)
{
    struct record *last = NULL;
    int rc;

    v->n_steps++;
    v->told = false;
    if (w->state == WORK_DONE) {
        rc = lookup_record(v->s, w, err);
        if (rc == 0)
            rc = look_at_record(v, w->record, err);
    } else {
        rc = lookup_last(v->s, w, &last, err);
        v->n_without += rc == STORE_MISS;
        if (rc == STORE_HIT)
            rc = look_at_record(v, last, err);
        record_free(last);
    }
    v->n_damaged += v->told;
    return rc < 0 ? rc : 0;
}

static int look_at_steps(struct verify *v, struct error *err)
{
    struct session *s = v->s;
    enum say_level level;
    int rc = session_begin(s, s->cli, s->cli->arg, s->cli->n_args, err);

    if (rc != 0)
        return rc;
    level = s->say.level;
    s->say.level = SAY_QUIET; /* what is lost is told here, once */
    rc = lookup_all(s, false, err);
    s->say.level = level;
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (s->work[i].wanted)
            rc = look_at_step(v, &s->work[i], err);
    return rc;
}

/* ---- the whole cache --------------------------------------------------------------- */

static void hear(void *self, const struct store_finding *f)
{
    struct verify *v = self;

    if (!strcmp(f->what, "stray file")) /* fsck's business */
        return;
    tell(v, f->what, f->used_by, &f->id, f->path);
    if (!strcmp(f->what, "damaged"))
        store_suspect(v->s->store, &f->id);
}

static int look_at_all(struct verify *v, struct error *err)
{
    struct session *s = v->s;
    int rc = session_open_cache(s, s->cli, err);

    if (rc == 0)
        rc = store_usage(s->store, &v->n_objects, &v->bytes, err);
    if (rc == 0)
        rc = store_fsck(s->store, hear, v, err);
    return rc < 0 ? rc : 0;
}

/* ---- telling ----------------------------------------------------------------------- */

static void say_total(const struct verify *v)
{
    struct buf line = { 0 };

    if (v->n_steps)
        buf_printf(&line, "%zu step%s, ", v->n_steps, v->n_steps == 1 ? "" : "s");
    buf_printf(&line, "%zu object%s, ", v->n_objects, v->n_objects == 1 ? "" : "s");
    say_bytes(v->bytes, &line);
    if (v->n_without)
        buf_printf(&line, " (%zu of the steps have no result)", v->n_without);
    if (!v->n_findings)
        buf_adds(&line, ": everything is what its name says");
    else if (v->n_damaged)
        buf_printf(&line,
                   ": %zu finding%s, of %zu step%s; `larder run` makes again what it "
                   "needs",
                   v->n_findings, v->n_findings == 1 ? "" : "s", v->n_damaged,
                   v->n_damaged == 1 ? "" : "s");
    else
        buf_printf(&line,
                   ": %zu finding%s; the next run makes again what it needs, and "
                   "`larder fsck --repair` clears away the rest",
                   v->n_findings, v->n_findings == 1 ? "" : "s");
    if (v->n_forged)
        buf_adds(&line, "; `larder fsck --repair` removes what is signed falsely");
    say_line(&v->s->say, SAY_NORMAL, TONE_PLAIN, "%s", line.s);
    buf_release(&line);
}

static void print_json(struct verify *v)
{
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:O}", "steps", (json_int_t)v->n_steps, "without",
        (json_int_t)v->n_without, "damaged", (json_int_t)v->n_damaged, "objects",
        (json_int_t)v->n_objects, "bytes", (json_int_t)v->bytes, "findings", v->findings);

    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

int command_verify(const struct cli *cli, struct error *err)
{
    struct session s = { .cli = cli };
    struct verify v = { .s = &s,
                        .found = { OBJECT_FINE, OBJECT_ABSENT, OBJECT_DAMAGED } };
    int rc;

    if (cli->rerun)
        return command_rerun(cli, err);
    if (cli->n_env)
        return error_set(err, E_USAGE, "--env is for steps that run again: add --rerun");
    if (cli->json)
        v.findings = json_array();
    rc = cli->n_args ? look_at_steps(&v, err) : look_at_all(&v, err);
    if (rc == 0) {
        if (v.n_findings)
            store_doubt(s.store); /* what runs have proved rests on it */
        if (cli->json)
            print_json(&v);
        say_total(&v);
        rc = v.n_findings ? EXIT_MISMATCH : 0;
    }
    json_decref(v.findings);
    map_release(&v.seen);
    session_close(&s);
    return rc;
}
