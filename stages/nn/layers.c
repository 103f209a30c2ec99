#include "nn/layers.h"

#include <stdbool.h>
#include <string.h>

#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

static bool is_map(const struct graph_op *op)
{
    return op->tap[0] != '\0' && op->H * op->W > 1;
}

static bool is_named(const char *list, const char *tap)
{
    size_t n = strlen(tap);

    for (const char *at = list; at[0] != '\0'; at += at[0] == ',') {
        size_t word = strcspn(at, ",");

        if (word == n && strncmp(at, tap, n) == 0)
            return true;
        at += word;
    }
    return false;
}

static int check_names(const struct graph *g, const char *wanted, struct error *err)
{
    const char **known = xcalloc(g->n_ops + 1, sizeof *known);
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < g->n_ops; i++)
        if (is_map(&g->op[i]))
            known[n++] = g->op[i].tap;
    for (const char *at = wanted; at[0] != '\0' && rc == 0; at += at[0] == ',') {
        size_t word = strcspn(at, ",");
        char *name = xstrndup(at, word);
        const char *near = nearest_name(name, known, n);
        bool found = false;

        for (size_t i = 0; i < n; i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            rc = error_set(err, E_INPUT, "%s has no layer %s%s%s%s", g->name, name,
                           near != NULL ? "; did you mean " : "",
                           near != NULL ? near : "", near != NULL ? "?" : "");
        free(name);
        at += word;
    }
    free(known);
    return rc;
}

int layers_open(struct layers *l, const struct graph *g, const char *wanted,
                struct error *err)
{
    int rc = check_names(g, wanted, err);

    *l = (struct layers){ .layer = xcalloc(g->n_ops + 1, sizeof *l->layer) };
    for (size_t i = 0; i < g->n_ops && rc == 0; i++) {
        const struct graph_op *op = &g->op[i];
        size_t size = (size_t)op->C * (size_t)op->H * (size_t)op->W;

        if (!is_map(op) || (wanted[0] != '\0' ? !is_named(wanted, op->tap)
                                              : strchr(op->tap, '.') != NULL))
            continue;
        l->layer[l->n++] = (struct layer){ op->tap, op->C, op->H, op->W };
        l->most = size > l->most ? size : l->most;
    }
    if (rc < 0)
        layers_close(l);
    return rc;
}

void layers_close(struct layers *l)
{
    free(l->layer);
    *l = (struct layers){ 0 };
}
