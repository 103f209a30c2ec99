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

/* A stage with all its steps, or a step, or a source. */
struct vertex {
    const char *name;
    const struct source *source; /* or NULL */
    size_t steps, done;
};

struct edge {
    const struct vertex *from, *to;
    size_t n; /* pairs of steps, or how many steps read the source */
};

/* All-zero is empty. Vertices and edges are in the order of the plan. */
struct graph {
    struct map vertex; /* by name, */
    struct map edge;   /* by "FROM\nTO" */
    struct arena arena;
    bool whole; /* a vertex is a step; else a stage */
};

static void graph_release(struct graph *g)
{
    map_release(&g->vertex);
    map_release(&g->edge);
    arena_release(&g->arena);
}

static struct vertex *vertex_of(struct graph *g, const char *name,
                                const struct source *source)
{
    struct vertex *v = map_get(&g->vertex, name);

    if (v == NULL) {
        v = arena_alloc(&g->arena, sizeof *v);
        *v = (struct vertex){ .name = arena_strdup(&g->arena, name), .source = source };
        map_set(&g->vertex, v->name, v);
    }
    return v;
}

static struct vertex *vertex_of_step(struct graph *g, const struct step *step)
{
    return vertex_of(g, g->whole ? step->name : step->stage, NULL);
}

/* The members of an import's table are one, but where every step is shown. */
static struct vertex *vertex_of_source(struct graph *g, const struct source *source)
{
    size_t n = source->is_import && !g->whole ? strcspn(source->name, "[")
                                              : strlen(source->name);

    return vertex_of(g, arena_printf(&g->arena, "%.*s", (int)n, source->name), source);
}

static void join(struct graph *g, const struct vertex *from, const struct vertex *to)
{
    const char *name = arena_printf(&g->arena, "%s\n%s", from->name, to->name);
    struct edge *e = map_get(&g->edge, name);

    if (e == NULL) {
        e = arena_alloc(&g->arena, sizeof *e);
        *e = (struct edge){ .from = from, .to = to };
        map_set(&g->edge, name, e);
    }
    e->n++;
}

static void add_step(struct graph *g, const struct session *s, const struct work *w)
{
    const struct step *step = w->step;
    struct vertex *v;

    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t k = 0; k < step->input[i].n_items; k++)
            if (step->input[i].item[k].source)
                vertex_of_source(g, step->input[i].item[k].source);
    v = vertex_of_step(g, step);
    v->steps++;
    v->done += w->state == WORK_DONE;
    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t k = 0; k < step->input[i].n_items; k++)
            if (step->input[i].item[k].source)
                join(g, vertex_of_source(g, step->input[i].item[k].source), v);
    for (size_t i = 0; i < step->n_needs; i++)
        if (s->wanted[step->need[i]->index])
            join(g, vertex_of_step(g, step->need[i]), v);
}

static void graph_of(struct graph *g, const struct session *s)
{
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->wanted[i])
            add_step(g, s, &s->work[i]);
}

/* "train: 4 of 6 done" */
static void add_label(const struct vertex *v, const char *between, struct buf *to)
{
    buf_adds(to, v->name);
    if (!v->source && v->steps > 1)
        buf_printf(to, "%s%zu of %zu done", between, v->done, v->steps);
    else if (!v->source)
        buf_printf(to, "%s%s", between, v->done ? "done" : "to run");
}

/* Names have no quotes and no backslashes; paths of files may. */
static void print_quoted(const char *s)
{
    putchar('"');
    for (; *s; s++) {
        if (*s == '"' || (*s == '\\' && s[1] != 'n'))
            putchar('\\');
        putchar(*s);
    }
    putchar('"');
}

static void print_dot(const struct graph *g)
{
    puts("digraph larder {\n    rankdir=LR\n    node [shape=box]");
    for (size_t i = 0; i < g->vertex.n; i++) {
        const struct vertex *v = g->vertex.entry[i].value;
        struct buf label = { 0 };

        add_label(v, "\\n", &label);
        fputs("    ", stdout);
        print_quoted(v->name);
        fputs(" [label=", stdout);
        print_quoted(buf_str(&label));
        puts(v->source ? " shape=ellipse]" : v->done == v->steps ? " style=bold]" : "]");
        buf_release(&label);
    }
    for (size_t i = 0; i < g->edge.n; i++) {
        const struct edge *e = g->edge.entry[i].value;

        fputs("    ", stdout);
        print_quoted(e->from->name);
        fputs(" -> ", stdout);
        print_quoted(e->to->name);
        if (e->n > 1)
            printf(" [label=%zu]", e->n);
        putchar('\n');
    }
    puts("}");
}

/* Mermaid has no names with = and @, so vertices are numbered. */
static void print_mermaid(struct graph *g)
{
    struct map number = { 0 };

    puts("flowchart LR");
    for (size_t i = 0; i < g->vertex.n; i++) {
        const struct vertex *v = g->vertex.entry[i].value;
        struct buf label = { 0 };

        map_set(&number, v->name, arena_printf(&g->arena, "n%zu", i));
        add_label(v, "<br>", &label);
        for (size_t k = 0; k < label.len; k++)
            if (label.s[k] == '"')
                label.s[k] = '\'';
        printf("    n%zu%s\"%s\"%s\n", i, v->source ? "([" : "[", buf_str(&label),
               v->source ? "])" : "]");
        buf_release(&label);
    }
    for (size_t i = 0; i < g->edge.n; i++) {
        const struct edge *e = g->edge.entry[i].value;

        printf("    %s ", (const char *)map_get(&number, e->from->name));
        if (e->n > 1)
            printf("-- %zu ", e->n);
        printf("--> %s\n", (const char *)map_get(&number, e->to->name));
    }
    map_release(&number);
}

static void print_json(const struct graph *g)
{
    json_t *nodes = json_array(), *edges = json_array(), *all;

    for (size_t i = 0; i < g->vertex.n; i++) {
        const struct vertex *v = g->vertex.entry[i].value;
        json_t *one;

        if (v->source)
            one = json_pack("{s:s, s:s}", "name", v->name, "kind",
                            v->source->is_import ? "import" : "file");
        else
            one = json_pack("{s:s, s:s, s:I, s:I}", "name", v->name, "kind",
                            g->whole ? "step" : "stage", "steps", (json_int_t)v->steps,
                            "done", (json_int_t)v->done);
        json_array_append_new(nodes, one);
    }
    for (size_t i = 0; i < g->edge.n; i++) {
        const struct edge *e = g->edge.entry[i].value;

        json_array_append_new(edges, json_pack("{s:s, s:s, s:I}", "from", e->from->name,
                                               "to", e->to->name, "n", (json_int_t)e->n));
    }
    all = json_pack("{s:o, s:o}", "nodes", nodes, "edges", edges);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

int command_graph(const struct cli *cli, struct error *err)
{
    const char *format = cli->json ? "json" : cli->format ? cli->format : "dot";
    struct graph g = { .whole = cli->verbose > 0 };
    struct session s = { 0 };
    int rc = session_begin(&s, cli, cli->arg, cli->n_args, err);
    if (rc == 0)
        rc = lookup_all(&s, false, err);
    if (rc == 0) {
        graph_of(&g, &s);
        if (strcmp(format, "dot") == 0)
            print_dot(&g);
        else if (strcmp(format, "mermaid") == 0)
            print_mermaid(&g);
        else
            print_json(&g);
    }
    graph_release(&g);
    session_close(&s);
    return rc;
}
