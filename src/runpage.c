#include "runpage.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "larder/banned.h"
#include "larder/fs.h"

#include "hit.h"
#include "identify.h"
#include "item.h"
#include "lookup.h"
#include "provenance.h"
#include "sharing.h"
#include "steplog.h"

enum { LOG_SHOWN = 64 << 10 };

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>How it was made</title>\n"
    "<style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:62rem;"
    "padding:0 1rem;color:#222;background:#fff}\n"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 "
    ".4rem;overflow-wrap:anywhere}\n"
    "table{border-collapse:collapse;width:100%;overflow-wrap:anywhere}td,th{text-align:"
    "left;vertical-align:top;"
    "padding:.15rem .8rem .15rem 0;border-bottom:1px solid #e4e4e4;font-weight:normal}\n"
    "th{color:#555}.n{text-align:right;white-space:nowrap}\n"
    "code,pre{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "pre{background:#f5f5f5;padding:.6rem;overflow-x:auto;white-space:pre-wrap}\n"
    "section:target h2{background:#fff3c4}\n"
    "@media(prefers-color-scheme:dark){body{background:#191919;color:#ddd}"
    "td,th{border-color:#333}th{color:#999}pre{background:#222}a{color:#8ab4f8}"
    "section:target h2{background:#4a3c00}}\n"
    "</style></head><body>\n";

static void add_row(struct buf *to, const char *name, const char *value)
{
    buf_adds(to, "<tr><th>");
    buf_add_html(to, name);
    buf_adds(to, "</th><td>");
    buf_add_html(to, value);
    buf_adds(to, "</td></tr>\n");
}

/* A row whose value is a word, then a digest. */
static void add_digest(struct buf *to, const char *name, const char *word,
                       const struct digest *d)
{
    char hex[DIGEST_HEX + 1];

    buf_adds(to, "<tr><th>");
    buf_add_html(to, name);
    buf_adds(to, "</th><td>");
    buf_add_html(to, word);
    buf_printf(to, "%s<code>sha256:%s</code></td></tr>\n", *word ? " " : "",
               digest_hex(d, hex));
}

static void add_seconds(struct buf *to, const char *name, double seconds)
{
    struct buf text = { 0 };

    say_seconds(seconds, &text);
    add_row(to, name, buf_str(&text));
    buf_release(&text);
}

static void add_time(struct buf *to, const char *name, long long when)
{
    struct buf text = { 0 };

    say_time(when, &text);
    add_row(to, name, buf_str(&text));
    buf_release(&text);
}

static void anchor(const struct work *w, char id[17])
{
    char hex[DIGEST_HEX + 1];

    memcpy(id, digest_hex(&w->key, hex), 16);
    id[16] = '\0';
}

static void add_made(struct session *s, const struct work *w,
                     const struct history *latest, struct buf *to)
{
    const struct record *r = w->record;
    const struct history_row *row = map_get(&latest->row, w->step->name);
    struct buf text = { 0 };

    add_time(to, "made", r->made);
    add_row(to, "in the last run", row ? row->outcome : "no part of it");
    add_seconds(to, "time", r->wall);
    add_seconds(to, "processor time", r->cpu);
    say_bytes(r->rss, &text);
    add_row(to, "memory", buf_str(&text));
    buf_reset(&text);
    if (r->by)
        add_row(to, "made by", sharing_maker(s, r));
    add_row(to, "platform", r->platform ? r->platform : "not told");
    if (r->segments > 1) {
        buf_printf(&text, "%ld times, resumed from checkpoints", r->segments);
        for (size_t i = 0; i + 1 < r->starts.n; i++)
            buf_printf(&text, "%s%s", i ? ", " : "; ended before: ",
                       segment_end_name(r->starts.segment[i].end));
        add_row(to, "started", buf_str(&text));
    }
    buf_release(&text);
}

static void add_options(const struct work *w, struct buf *to)
{
    const struct step *step = w->step;
    char seed[17];

    for (size_t i = 0; i < step->n_args; i++) {
        struct buf text = { 0 };

        argument_text(&step->arg[i], &text);
        add_row(to, i ? "" : "arguments", buf_str(&text));
        buf_release(&text);
    }
    for (size_t i = 0; i < step->n_options; i++) {
        struct buf name = { 0 };

        buf_printf(&name, "option %s", step->option[i].name);
        add_row(to, buf_str(&name), step->option[i].text);
        buf_release(&name);
    }
    if (step->has_seed) {
        snprintf(seed, sizeof seed, "%016llx", (unsigned long long)step->seed);
        add_row(to, "seed", seed);
    }
}

static void add_inputs(const struct work *w, struct buf *to)
{
    for (size_t i = 0; i < w->step->n_inputs; i++) {
        const struct input *in = &w->step->input[i];
        struct buf name = { 0 }, from = { 0 };

        buf_printf(&name, "input %s", in->name);
        if (in->kind == INPUT_PROVENANCE)
            add_digest(to, buf_str(&name), "plan.provenance", &w->facts.input[i][0].id);
        for (size_t j = 0; in->kind != INPUT_PROVENANCE && j < in->n_items; j++) {
            buf_reset(&from);
            item_name(&in->item[j], &from);
            add_digest(to, buf_str(&name), buf_str(&from), &w->facts.input[i][j].id);
        }
        buf_release(&name);
        buf_release(&from);
    }
}

static void add_outputs(const struct work *w, struct buf *to)
{
    for (size_t i = 0; i < w->step->n_outputs; i++) {
        const struct object *o = work_output(w, (int)i);
        struct buf name = { 0 }, size = { 0 };

        buf_printf(&name, "output %s", w->step->output[i].name);
        say_bytes(o->size, &size);
        add_digest(to, buf_str(&name), buf_str(&size), &o->id);
        buf_release(&name);
        buf_release(&size);
    }
}

/* text with the project and the cache taken out of it. */
static void add_log_text(const struct session *s, const char *text, size_t n,
                         struct buf *to)
{
    const char *hidden[] = { s->cache, s->project };
    struct buf clean = { 0 };

    for (size_t i = 0; i < n;) {
        size_t skip = 0;

        for (size_t k = 0; k < 2 && !skip; k++) {
            size_t len = strlen(hidden[k]);

            if (len > 1 && n - i >= len && !memcmp(text + i, hidden[k], len))
                skip = len;
        }
        if (skip)
            buf_adds(&clean, "…");
        else
            buf_addc(&clean, text[i] ? text[i] : ' ');
        i += skip ? skip : 1;
    }
    buf_add_html(to, buf_str(&clean));
    buf_release(&clean);
}

static int add_log(const struct session *s, const struct work *w, struct buf *to,
                   struct error *err)
{
    struct buf log = { 0 };
    int rc = steplog_read(s->store, &w->record->log.id, &log, err);

    if (rc == STEPLOG_GONE) {
        buf_adds(to, "<p>Its log is no longer in the cache.</p>\n");
    } else if (rc == STEPLOG_FOUND && log.len) {
        size_t n = log.len < LOG_SHOWN ? log.len : LOG_SHOWN;

        buf_printf(to, "<details><summary>log, %zu bytes%s</summary><pre>", log.len,
                   n < log.len ? " (its beginning)" : "");
        add_log_text(s, log.s, n, to);
        buf_adds(to, "</pre></details>\n");
    }
    buf_release(&log);
    return rc < 0 ? rc : 0;
}

/* Who stands for it, and other records of its key. */
static int add_others(struct session *s, struct work *w, struct buf *to,
                      struct error *err)
{
    struct buf text = { 0 };
    int rc = hit_others(s, w, &text, err);

    if (rc == 0 && text.len) {
        buf_adds(to, "<p>Who else stands for it, and what else was found:</p>\n<pre>");
        buf_add_html(to, buf_str(&text));
        buf_adds(to, "</pre>\n");
    }
    buf_release(&text);
    return rc;
}

static int add_step(struct session *s, struct work *w, const struct history *latest,
                    struct buf *to, struct error *err)
{
    const struct step *step = w->step;
    char id[17];

    anchor(w, id);
    buf_printf(to, "<section id=\"k-%s\"><h2>", id);
    buf_add_html(to, step->name);
    buf_adds(to, "</h2>\n<table>\n");
    add_digest(to, "key", "", &w->key);
    add_digest(to, "record", "", &w->record->id);
    if (step->program)
        add_digest(to, "program", step->program->name, &step->program->identity);
    else
        add_digest(to, "program",
                   step->executable ? fs_basename(step->executable) : "its own code",
                   &w->facts.executable);
    for (size_t i = 0; i < step->n_code; i++)
        add_digest(to, "code", step->code_path[i], &w->facts.code[i].id);
    for (size_t i = 0; i < step->n_tools; i++)
        add_digest(to, "tool", step->tool[i].name, &w->facts.tool[i]);
    add_made(s, w, latest, to);
    add_options(w, to);
    add_inputs(w, to);
    add_outputs(w, to);
    buf_adds(to, "</table>\n");
    if (add_others(s, w, to, err) < 0)
        return err->code;
    if (add_log(s, w, to, err) < 0)
        return err->code;
    buf_adds(to, "</section>\n");
    return 0;
}

static void add_totals(const struct session *s, const struct history *latest,
                       struct buf *to)
{
    size_t n = 0, done = 0, ran = 0;
    double wall = 0, cpu = 0;
    struct buf text = { 0 };

    for (size_t i = 0; i < s->plan->n_steps; i++) {
        const struct work *w = &s->work[i];
        const struct history_row *row = map_get(&latest->row, w->step->name);

        n += w->wanted;
        if (!w->wanted || w->state != WORK_DONE)
            continue;
        done++;
        ran += row && !strcmp(row->outcome, "ran");
        wall += w->record->wall;
        cpu += w->record->cpu;
    }
    buf_adds(to,
             "<h1>How it was made</h1>\n"
             "<p>What may differ between two runs with equal results: when and on what "
             "each step was made, what it cost, what it printed. The results are in "
             "<a href=\"index.html\">index.html</a>.</p>\n<table>\n");
    buf_printf(&text, "%zu, %zu of them done, %zu made in the last run", n, done, ran);
    add_row(to, "steps", buf_str(&text));
    add_seconds(to, "time of all steps", wall);
    add_seconds(to, "processor time of all steps", cpu);
    add_row(to, "larder", LARDER_VERSION);
    buf_adds(to, "</table>\n");
    buf_release(&text);
}

static void add_contents(const struct session *s, struct buf *to)
{
    buf_adds(to, "<h2>Steps</h2>\n<table>\n");
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        const struct work *w = &s->work[i];
        char id[17];

        if (!w->wanted)
            continue;
        buf_adds(to, "<tr><td>");
        if (w->state == WORK_DONE) {
            anchor(w, id);
            buf_printf(to, "<a href=\"#k-%s\">", id);
        }
        buf_add_html(to, w->step->name);
        if (w->state == WORK_DONE) {
            buf_adds(to, "</a></td><td class=\"n\">");
            say_seconds(w->record->wall, to);
        } else {
            buf_adds(to, "</td><td class=\"n\">not made");
        }
        buf_adds(to, "</td></tr>\n");
    }
    buf_adds(to, "</table>\n");
}

/* What a look-up need not read. */
static int read_records(struct session *s, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        if (!s->work[i].wanted || s->work[i].state != WORK_DONE)
            continue;
        rc = lookup_record(s, &s->work[i], err);
        if (rc == 0)
            rc = identify_key(s, &s->work[i], err);
    }
    return rc;
}

int runpage_write(struct session *s, const struct history *latest, struct buf *to,
                  struct error *err)
{
    int rc = read_records(s, err);

    if (rc < 0)
        return rc;
    buf_adds(to, head);
    add_totals(s, latest, to);
    add_contents(s, to);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (s->work[i].wanted && s->work[i].state == WORK_DONE)
            rc = add_step(s, &s->work[i], latest, to, err);
    buf_adds(to, "</body></html>\n");
    return rc;
}
