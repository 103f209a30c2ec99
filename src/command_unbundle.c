#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/unbundle.h"

#include "cell.h"
#include "meter.h"
#include "session.h"
#include "sharing.h"

struct unbundling {
    struct session s; /* its store is open unless we only look */
    struct trust *trust;
    struct unbundle *u;
    struct unbundle_totals sum;
    struct meter meter;
};

/* ---- targets ----------------------------------------------------------------------- */

/* As the command line has it: STEP.OUTPUT/FILE[CELL]. It is somebody else's text: what
 * moves a terminal's cursor is not printed. */
static void name_target(const struct bundle_target *t, struct buf *to)
{
    buf_add_escaped(to, t->step);
    buf_addc(to, '.');
    buf_add_escaped(to, t->output);
    if (t->path)
        buf_addc(to, '/');
    buf_add_escaped(to, t->path ? t->path : "");
    buf_add_escaped(to, t->cell ? t->cell : "");
}

/* What the contents say of a cell is what the file says. */
static int check_value(const struct unbundle_target *t, struct error *err)
{
    struct buf value = { 0 }, name = { 0 };
    int rc;

    if (!t->what->cell || !t->text)
        return 0;
    rc = cell_find(t->text, t->size, t->what->cell, &value, err);
    name_target(t->what, &name);
    if (rc < 0 || strcmp(buf_str(&value), t->what->value) != 0)
        rc =
            error_set(err, E_CORRUPT,
                      "the table does not say what the bundle says of %s: do not use it, "
                      "and ask who packed it",
                      buf_str(&name));
    buf_release(&name);
    buf_release(&value);
    return rc;
}

static int check_values(const struct unbundling *all, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < unbundle_n_targets(all->u) && rc == 0; i++)
        rc = check_value(unbundle_target(all->u, i), err);
    return rc;
}

static const char *name_of(const struct unbundling *all, const struct key_id *id)
{
    const struct trusted *who = trust_find(all->trust, id->text);

    return who ? who->name : "an unknown key";
}

/* Whether it is known what it is, and that it is so. */
static bool is_shown(const struct unbundle_target *t)
{
    return t->proven && (!t->what->cell || t->text);
}

static void print_target(const struct unbundling *all, const struct unbundle_target *t)
{
    const struct object *o = t->what->path ? &t->what->file : &t->what->object;
    char hex[DIGEST_HEX + 1];
    struct buf name = { 0 }, value = { 0 };

    name_target(t->what, &name);
    buf_add_escaped(&value, t->what->cell ? t->what->value : "");
    if (!t->signed_)
        printf("%s: no key that is trusted has signed it\n", buf_str(&name));
    else if (!is_shown(t))
        printf("%s: not in here; its output is signed by %s\n", buf_str(&name),
               name_of(all, &t->by));
    else if (t->what->cell)
        printf("%s = %s, signed by %s\n", buf_str(&name), buf_str(&value),
               name_of(all, &t->by));
    else
        printf("%s: sha256:%s, %lld bytes, signed by %s\n", buf_str(&name),
               digest_hex(&o->id, hex), o->size, name_of(all, &t->by));
    buf_release(&value);
    buf_release(&name);
}

/* Whole outputs may be thousands. */
static void print_targets(const struct unbundling *all)
{
    for (size_t i = 0; i < unbundle_n_targets(all->u); i++) {
        const struct unbundle_target *t = unbundle_target(all->u, i);

        if (t->what->path || t->what->cell || all->s.cli->verbose)
            print_target(all, t);
    }
}

/* ---- all of it --------------------------------------------------------------------- */

static void print_volumes(const struct unbundling *all)
{
    for (size_t i = 0; i < unbundle_n_volumes(all->u); i++) {
        const struct unbundle_volume *v = unbundle_volume(all->u, i);
        struct key_id id = key_id_of(&v->signer);

        printf("%s: file %d of %d, packed by %s, id %s\n", v->path, v->contents.volume,
               v->contents.n_volumes, name_of(all, &id), id.text);
    }
}

static void print_signers(const struct unbundling *all)
{
    for (size_t i = 0; i < unbundle_n_signers(all->u); i++) {
        const struct unbundle_signer *s = unbundle_signer(all->u, i);
        struct key_id id = key_id_of(&s->key);

        if (s->n_trusted)
            printf("%zu result%s signed by %s, id %s\n", s->n_trusted,
                   s->n_trusted == 1 ? "" : "s", name_of(all, &id), id.text);
        if (s->n_refused)
            printf("%zu result%s signed by %s, id %s, not trusted with %s\n",
                   s->n_refused, s->n_refused == 1 ? "" : "s", name_of(all, &id), id.text,
                   s->n_refused == 1 ? "it" : "them");
        if (s->n_attestations)
            printf("%zu attestation%s signed by %s, id %s%s\n", s->n_attestations,
                   s->n_attestations == 1 ? "" : "s", name_of(all, &id), id.text,
                   s->n_ignored == 0                  ? ""
                   : s->n_ignored < s->n_attestations ? ", some of which do not count"
                   : s->n_ignored == 1                ? ", which does not count"
                                                      : ", which do not count");
    }
}

static void tell_missing(const struct unbundling *all)
{
    if (all->sum.n_missing)
        say_line(&all->s.say, SAY_NORMAL, TONE_BAD,
                 "%zu further file%s of it %s not given; what is in %s is missing",
                 all->sum.n_missing, all->sum.n_missing == 1 ? "" : "s",
                 all->sum.n_missing == 1 ? "was" : "were",
                 all->sum.n_missing == 1 ? "it" : "them");
}

static void print_look(const struct unbundling *all)
{
    const struct unbundle_totals *sum = &all->sum;
    struct buf size = { 0 };

    print_volumes(all);
    print_signers(all);
    print_targets(all);
    say_bytes(sum->bytes, &size);
    printf("%zu record%s, ", sum->n_records, sum->n_records == 1 ? "" : "s");
    if (sum->n_attestations)
        printf("%zu attestation%s, ", sum->n_attestations,
               sum->n_attestations == 1 ? "" : "s");
    printf("%zu object%s, %s: everything is what its name says%s\n", sum->n_objects,
           sum->n_objects == 1 ? "" : "s", buf_str(&size),
           sum->n_missing ? ", not complete" : "");
    buf_release(&size);
}

/* As of a remote: what was ignored, and why. */
static void tell_ignored(const struct unbundling *all)
{
    for (size_t i = 0; i < unbundle_n_signers(all->u); i++) {
        const struct unbundle_signer *s = unbundle_signer(all->u, i);
        struct key_id id = key_id_of(&s->key);
        const struct trusted *who = trust_find(all->trust, id.text);
        size_t n = s->n_refused;

        if (n && who)
            say_line(&all->s.say, SAY_NORMAL, TONE_PLAIN,
                     "%zu result%s ignored: %s, id %s, is not trusted with these stages",
                     n, n == 1 ? "" : "s", who->name, id.text);
        else if (n)
            say_line(
                &all->s.say, SAY_NORMAL, TONE_PLAIN,
                "%zu result%s ignored: unknown key %s; `larder trust add` its public "
                "key to use %s",
                n, n == 1 ? "" : "s", id.text, n == 1 ? "it" : "them");
    }
    if (all->sum.n_kept)
        say_line(&all->s.say, SAY_NORMAL, TONE_PLAIN,
                 "%zu result%s ignored: %s says never-remote of these stages",
                 all->sum.n_kept, all->sum.n_kept == 1 ? "" : "s", TRUST_FILE);
    if (all->sum.n_ignored)
        say_line(&all->s.say, SAY_NORMAL, TONE_PLAIN,
                 "%zu attestation%s ignored: of results that are not taken, or of keys "
                 "that are not trusted with them",
                 all->sum.n_ignored, all->sum.n_ignored == 1 ? "" : "s");
}

static void tell_taken(const struct unbundling *all)
{
    size_t heard = all->sum.n_attestations - all->sum.n_ignored;
    struct buf line = { 0 };

    tell_ignored(all);
    buf_printf(&line, "%zu result%s taken, ", all->sum.n_trusted,
               all->sum.n_trusted == 1 ? "" : "s");
    if (heard)
        buf_printf(&line, "%zu attestation%s, ", heard, heard == 1 ? "" : "s");
    buf_printf(&line, "%zu object%s (", all->sum.n_objects,
               all->sum.n_objects == 1 ? "" : "s");
    say_bytes(all->sum.bytes, &line);
    buf_printf(&line, "), %zu of them new", all->sum.n_new);
    say_line(&all->s.say, SAY_NORMAL, TONE_PLAIN, "%s", buf_str(&line));
    buf_release(&line);
    if (!all->s.cli->json)
        print_targets(all);
}

/* ---- as JSON ----------------------------------------------------------------------- */

static json_t *signers_json(const struct unbundling *all)
{
    json_t *list = json_array();

    for (size_t i = 0; i < unbundle_n_signers(all->u); i++) {
        const struct unbundle_signer *s = unbundle_signer(all->u, i);
        struct key_id id = key_id_of(&s->key);
        const struct trusted *who = trust_find(all->trust, id.text);
        struct buf key = { 0 };

        public_key_write(&s->key, &key);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s?, s:I, s:I, s:I, s:I}", "id", id.text, "key",
                            buf_str(&key), "name", who ? who->name : NULL, "trusted",
                            (json_int_t)s->n_trusted, "refused", (json_int_t)s->n_refused,
                            "attestations", (json_int_t)s->n_attestations,
                            "attestations_ignored", (json_int_t)s->n_ignored));
        buf_release(&key);
    }
    return list;
}

/* File names need not be UTF-8, which JSON is. */
static json_t *text_json(const char *text)
{
    struct buf plain = { 0 };
    json_t *j = text ? json_string(text) : json_null();

    if (j)
        return j;
    for (const char *s = text; *s; s++)
        if ((unsigned char)*s < 0x80)
            buf_addc(&plain, *s);
        else
            buf_printf(&plain, "\\x%02x", (unsigned char)*s);
    j = json_string(buf_str(&plain));
    buf_release(&plain);
    return j;
}

static json_t *targets_json(const struct unbundling *all)
{
    json_t *list = json_array();

    for (size_t i = 0; i < unbundle_n_targets(all->u); i++) {
        const struct unbundle_target *t = unbundle_target(all->u, i);
        const struct object *o = t->what->path ? &t->what->file : &t->what->object;
        char hex[DIGEST_HEX + 1];
        struct buf digest = { 0 };

        buf_printf(&digest, "sha256:%s", digest_hex(&o->id, hex));
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:b, s:s?}", "step",
                      text_json(t->what->step), "output", text_json(t->what->output),
                      "file", text_json(t->what->path), "cell", text_json(t->what->cell),
                      "value", text_json(t->what->value), "digest", buf_str(&digest),
                      "size", (json_int_t)o->size, "shown", is_shown(t), "signed_by",
                      t->signed_ ? t->by.text : NULL));
        buf_release(&digest);
    }
    return list;
}

static void print_json(const struct unbundling *all)
{
    const struct unbundle_totals *sum = &all->sum;
    json_t *doc = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o}", "records",
        (json_int_t)sum->n_records, "trusted", (json_int_t)sum->n_trusted, "refused",
        (json_int_t)sum->n_refused, "kept", (json_int_t)sum->n_kept, "attestations",
        (json_int_t)sum->n_attestations, "attestations_ignored",
        (json_int_t)sum->n_ignored, "objects", (json_int_t)sum->n_objects, "bytes",
        (json_int_t)sum->bytes, "new", (json_int_t)sum->n_new, "complete",
        !sum->n_missing, "signers", signers_json(all), "targets", targets_json(all));

    json_dumpf(doc, stdout, 0);
    putchar('\n');
    json_decref(doc);
}

/* ---- the command ------------------------------------------------------------------- */

/* The project's, where there is one, our own keys, and that of --key. */
static int open_trust(struct unbundling *all, struct error *err)
{
    const char *word = all->s.cli->key;
    struct public_key key;
    char *name = NULL;
    int rc = trust_open(&all->trust, TRUST_FILE, TRUST_FILE, err);

    if (rc == 0)
        rc = sharing_own_keys(all->trust, err);
    if (rc == 0 && word)
        rc = sharing_read_key(word, &key, &name, err);
    if (rc == 0 && word)
        trust_own(all->trust, &key, name ? name : "the key of --key");
    free(name);
    return rc;
}

/* What is told before an error is of use with it, too. */
static int refuse_unsigned(const struct unbundling *all, struct error *err)
{
    if (!all->s.cli->dry_run || !all->sum.n_refused)
        return 0;
    return error_set(err, E_TRUST,
                     "%zu of %zu results are signed by nobody who is trusted; name whose "
                     "key you trust with --key=FILE, or `larder trust add` it",
                     all->sum.n_refused, all->sum.n_records);
}

static int read_all(struct unbundling *all, struct error *err)
{
    const struct cli *cli = all->s.cli;
    int rc = 0;

    meter_open(&all->meter, &all->s.say, "reading", 0);
    for (size_t i = 0; i < cli->n_args && rc == 0; i++)
        rc = unbundle_read(all->u, cli->arg[i], err);
    if (rc == 0)
        rc = unbundle_finish(all->u, err);
    meter_close(&all->meter);
    unbundle_count_up(all->u, &all->sum);
    if (rc == 0)
        rc = check_values(all, err);
    if (rc == E_TRUST)
        tell_ignored(all);
    if (rc < 0)
        return rc;
    if (cli->dry_run && !cli->json)
        print_look(all);
    else if (!cli->dry_run)
        tell_taken(all);
    if (cli->json)
        print_json(all);
    tell_missing(all);
    return refuse_unsigned(all, err);
}

int command_unbundle(const struct cli *cli, struct error *err)
{
    struct unbundling all = { .s.cli = cli };
    struct unbundle_order order = { 0 };
    int rc;

    if (session_go(cli, err) != 0)
        return EXIT_NO_PROJECT;
    if (cli->dry_run)
        say_init(&all.s.say, cli, stderr);
    rc = cli->dry_run ? 0 : session_open_cache(&all.s, cli, err);
    if (rc == 0 && !cli->dry_run)
        rc = session_use(&all.s, err);
    if (rc == 0)
        rc = open_trust(&all, err);
    if (rc == 0) {
        order.store = all.s.store;
        order.trust = all.trust;
        order.moved = (struct moved){ meter_moved, &all.meter };
        unbundle_open(&all.u, &order);
        rc = read_all(&all, err);
    }
    unbundle_close(all.u);
    trust_close(all.trust);
    session_close(&all.s);
    return rc;
}
