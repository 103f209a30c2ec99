#include "page/origin.h"

#include "larder/banned.h"

enum { SHORT_HEX = 16, FEW = 12 };

void origin_add_digest(struct buf *to, const char *hex)
{
    buf_printf(to, "<code class=\"id\">%.*s</code>", DIGEST_HEX, hex);
}

void origin_add_link(struct buf *to, const struct origin *o)
{
    buf_printf(to, "<a href=\"#k-%.*s\">", SHORT_HEX, o->key);
    buf_add_html(to, o->step);
    buf_adds(to, "</a>");
}

void origin_add_short_link(struct buf *to, const struct origin *o, size_t number)
{
    buf_printf(to, "<a href=\"#k-%.*s\" title=\"", SHORT_HEX, o->key);
    buf_add_html(to, o->step);
    buf_printf(to, "\">%zu</a>", number);
}

/* The source of this digest, or NULL when no step read it as one. */
static const struct source *find_source(const struct provenance *p, const char *hex)
{
    for (size_t i = 0; i < p->n_sources; i++)
        if (strncmp(p->source[i].digest, hex, DIGEST_HEX) == 0)
            return &p->source[i];
    return NULL;
}

static bool add_source_link(struct buf *to, const struct provenance *p, const char *hex)
{
    const struct source *s = find_source(p, hex);

    if (s == NULL)
        return false;
    buf_printf(to, "<a href=\"#s-%.*s\">", SHORT_HEX, hex);
    buf_add_html(to, s->name);
    buf_adds(to, "</a>");
    return true;
}

bool origin_add_short_source(struct buf *to, const struct provenance *p, const char *hex,
                             size_t number)
{
    const struct source *s = find_source(p, hex);

    if (s == NULL)
        return false;
    buf_printf(to, "<a href=\"#s-%.*s\" title=\"", SHORT_HEX, hex);
    buf_add_html(to, s->name);
    buf_printf(to, "\">%zu</a>", number);
    return true;
}

void origin_add_makers(struct buf *to, const struct provenance *p, const char *hex)
{
    const struct origin *o;
    size_t at = 0, n = 0;

    while ((o = provenance_maker(p, hex, &at)) != NULL) {
        buf_adds(to, n++ > 0 ? ", " : "");
        origin_add_link(to, o);
    }
    if (n == 0 && !add_source_link(to, p, hex))
        origin_add_digest(to, hex);
}

static void begin_fact(struct buf *to, const char *term)
{
    buf_adds(to, "<dt>");
    buf_add_html(to, term);
    buf_adds(to, "</dt><dd>");
}

/* "<-" an input: the name of what it is, linked, and its digest. */
static void add_input(struct buf *to, const struct provenance *p, const struct fact *f)
{
    const char *hex = "", *more = "";
    const struct origin *from;

    provenance_digest(f->value, &hex, &more);
    from = provenance_step(p, more);
    buf_add_html(to, f->name);
    buf_adds(to, " ← ");
    if (from != NULL)
        buf_printf(to, "<a href=\"#k-%.*s\">", SHORT_HEX, from->key);
    else if (strcmp(more, "plan.provenance") != 0)
        buf_printf(to, "<a href=\"#s-%.*s\">", SHORT_HEX, hex);
    buf_add_html(to, more);
    if (from != NULL || strcmp(more, "plan.provenance") != 0)
        buf_adds(to, "</a>");
    buf_addc(to, ' ');
    origin_add_digest(to, hex);
}

static void add_output(struct buf *to, const struct fact *f)
{
    const char *hex = "", *more = "";

    provenance_digest(f->value, &hex, &more);
    buf_add_html(to, f->name);
    buf_addc(to, ' ');
    origin_add_digest(to, hex);
}

static void add_value(struct buf *to, const struct fact *f)
{
    const char *hex, *more;

    buf_add_html(to, f->name);
    if (provenance_digest(f->value, &hex, &more)) {
        buf_addc(to, ' ');
        origin_add_digest(to, hex);
        return;
    }
    buf_addc(to, '=');
    buf_add_html(to, f->value);
}

static size_t count_facts(const struct origin *o, const char *field)
{
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++)
        n += strcmp(o->fact[i].field, field) == 0;
    return n;
}

/* All facts of one field under one term; a long list folds away. */
static void add_field(struct buf *to, const struct provenance *p, const struct origin *o,
                      const char *field, const char *term)
{
    size_t n = count_facts(o, field), seen = 0;
    bool input = strcmp(field, "input") == 0, output = strcmp(field, "output") == 0;

    if (n == 0)
        return;
    begin_fact(to, term);
    if (n > FEW && input)
        buf_printf(to, "<details><summary>%zu inputs</summary>", n);
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->fact[i].field, field) != 0)
            continue;
        if (seen++ > 0)
            buf_adds(to, input || output ? "<br>" : ", ");
        if (input)
            add_input(to, p, &o->fact[i]);
        else if (output)
            add_output(to, &o->fact[i]);
        else
            add_value(to, &o->fact[i]);
    }
    buf_printf(to, "%s</dd>\n", n > FEW && input ? "</details>" : "");
}

void origin_add_facts(struct buf *to, const struct provenance *p, const struct origin *o,
                      bool with_outputs)
{
    buf_adds(to, "<dl>");
    begin_fact(to, "key");
    origin_add_digest(to, o->key);
    buf_printf(to, " <a href=\"run.html#k-%.*s\">machine, cost, time, log</a></dd>\n",
               SHORT_HEX, o->key);
    add_field(to, p, o, "program", "program");
    add_field(to, p, o, "code", "code");
    add_field(to, p, o, "argument", "arguments");
    add_field(to, p, o, "option", "options");
    add_field(to, p, o, "env", "environment");
    add_field(to, p, o, "seed", "seed");
    add_field(to, p, o, "input", "inputs");
    if (with_outputs)
        add_field(to, p, o, "output", "outputs");
    buf_adds(to, "</dl>\n");
}

/* Two steps of one key are one thing: the first has the anchor. */
static bool key_is_new(const struct provenance *p, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strncmp(p->origin[k].key, p->origin[i].key, SHORT_HEX) == 0)
            return false;
    return true;
}

static bool source_is_new(const struct provenance *p, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strncmp(p->source[k].digest, p->source[i].digest, SHORT_HEX) == 0)
            return false;
    return true;
}

void origin_add_all(struct buf *to, const struct provenance *p)
{
    for (size_t i = 0; i < p->n; i++) {
        buf_adds(to, "<section class=\"step\"");
        if (key_is_new(p, i))
            buf_printf(to, " id=\"k-%.*s\"", SHORT_HEX, p->origin[i].key);
        buf_adds(to, "><h3>");
        buf_add_html(to, p->origin[i].step);
        buf_adds(to, "</h3>\n");
        origin_add_facts(to, p, &p->origin[i], true);
        buf_adds(to, "</section>\n");
    }
    if (p->n_sources == 0)
        return;
    buf_adds(to, "<h3 id=\"sources\">Sources</h3>\n<ul class=\"sources\">\n");
    for (size_t i = 0; i < p->n_sources; i++) {
        buf_adds(to, "<li");
        if (source_is_new(p, i))
            buf_printf(to, " id=\"s-%.*s\"", SHORT_HEX, p->source[i].digest);
        buf_adds(to, ">");
        buf_add_html(to, p->source[i].name);
        buf_addc(to, ' ');
        origin_add_digest(to, p->source[i].digest);
        buf_adds(to, "</li>\n");
    }
    buf_adds(to, "</ul>\n");
}
