#include "command.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/pins.h"

#include "lookup.h"
#include "session.h"

static int choose_name(const struct cli *cli, const char **name, struct error *err)
{
    *name = cli->name ? cli->name : cli->n_args == 1 ? cli->arg[0] : NULL;
    if (*name && pins_name_is_valid(*name))
        return 0;
    if (cli->name)
        return error_set(err, E_USAGE,
                         "'%s' cannot name a pin: letters, digits, '.', '_' and '-'",
                         cli->name);
    return error_set(err, E_USAGE,
                     "how shall the pin be called? Say it: larder pin --name=NAME ...");
}

/* Of a step whose result is known but not here, the record alone is kept. */
static int list_steps(struct session *s, struct pins_entry *pin, size_t *n_away,
                      struct error *err)
{
    size_t n_wanted = 0;

    pin->step = arena_alloc(&s->arena, (s->plan->n_steps + 1) * sizeof *pin->step);
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        const struct work *w = &s->work[i];

        if (!w->wanted)
            continue;
        n_wanted++;
        if (w->state != WORK_DONE)
            continue;
        pin->step[pin->n++] = (struct pins_step){ w->key, w->step->name };
        *n_away += !w->here;
    }
    if (pin->n < n_wanted)
        return error_set(err, E_STAGE,
                         "%zu of %zu steps have no result to be kept: `larder run` "
                         "makes them",
                         n_wanted - pin->n, n_wanted);
    return 0;
}

static int make_pin(struct session *s, const struct cli *cli, struct error *err)
{
    struct pins_entry pin = { 0 };
    size_t n_away = 0;
    int rc = choose_name(cli, &pin.name, err);

    if (rc == 0)
        rc = session_begin(s, cli, cli->arg, cli->n_args, err);
    if (rc == 0)
        rc = lookup_all(s, false, err);
    if (rc == 0)
        rc = list_steps(s, &pin, &n_away, err);
    pin.project = s->project;
    if (rc == 0)
        rc = pins_add(s->store, &pin, err);
    if (rc != 0)
        return rc;
    say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s keeps the results of %zu step%s",
             pin.name, pin.n, pin.n == 1 ? "" : "s");
    if (n_away)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "of %zu not all is here, as what is temporary or was made elsewhere; "
                 "`larder pull` fetches what others have",
                 n_away);
    return 0;
}

static void print_pin(const struct pins_entry *pin)
{
    struct buf made = { 0 };

    say_time(pin->made, &made);
    printf("%-24s %6zu steps  %s  %s\n", pin->name, pin->n, buf_str(&made), pin->project);
    buf_release(&made);
}

static void print_json(const struct pins_entry *pin, size_t n)
{
    json_t *all = json_object(), *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "name", pin[i].name,
                                              "project", pin[i].project, "steps",
                                              (json_int_t)pin[i].n, "time",
                                              (json_int_t)pin[i].made));
    json_object_set_new(all, "pins", list);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static int list_pins(struct session *s, const struct cli *cli, struct error *err)
{
    struct pins_entry *pin;
    size_t n;
    int rc = session_open_cache(s, cli, err);

    if (rc == 0)
        rc = pins_list(s->store, &s->arena, &pin, &n, err);
    if (rc == 0 && cli->json)
        print_json(pin, n);
    for (size_t i = 0; rc == 0 && !cli->json && i < n; i++)
        print_pin(&pin[i]);
    return rc;
}

int command_pin(const struct cli *cli, struct error *err)
{
    struct session s = { 0 };
    int rc = cli->n_args || cli->name ? make_pin(&s, cli, err) : list_pins(&s, cli, err);

    session_close(&s);
    return rc;
}

int command_unpin(const struct cli *cli, struct error *err)
{
    struct session s = { 0 };
    int rc = session_open_cache(&s, cli, err);

    for (size_t i = 0; i < cli->n_args && rc == 0; i++)
        rc = pins_remove(s.store, cli->arg[i], err);
    session_close(&s);
    return rc;
}
