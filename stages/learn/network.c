#include "learn/network.h"

#include <stdbool.h>

#include "larder/mem.h"
#include "nn/arch.h"

#include "larder/banned.h"

/* The next of "a|b|c" as a new string, or NULL at the end; *names moves on. */
static char *next_name(const char **names)
{
    size_t n = strcspn(*names, "|");
    char *name;

    if (n == 0)
        return NULL;
    name = xstrndup(*names, n);
    *names += n + ((*names)[n] == '|');
    return name;
}

static bool same_shape(const struct tensor *a, const struct tensor *b)
{
    if (a->n_dims != b->n_dims)
        return false;
    for (int i = 0; i < a->n_dims; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

/* Counts may be absent, as in files of before PyTorch 0.4.1. */
static bool has_parameters_of(const struct tensors *t, const struct graph *g)
{
    struct tensors want = { 0 };
    bool same = true;
    size_t n = 0;

    graph_tensors(g, &want);
    for (size_t i = 0; i < want.n && same; i++) {
        const struct tensor *have = tensors_find(t, want.tensor[i].name);

        same = have ? same_shape(have, &want.tensor[i]) : want.tensor[i].integer;
        n += have != NULL;
    }
    tensors_release(&want);
    return same && n == t->n;
}

/* The classes that the tensors have if they are of this network; 0 if they cannot be. */
static int count_classes(const struct tensors *t, const char *arch, const char *size)
{
    struct graph *g = NULL;
    const struct tensor *last = NULL;
    char name[GRAPH_PARAMETER];

    if (net_arch(&g, arch, size, 1, NULL) < 0)
        return 0;
    for (size_t i = g->n_ops; i > 0 && !last; i--) {
        if (!graph_has_parameters(&g->op[i - 1]))
            continue;
        snprintf(name, sizeof name, "%s.weight", g->op[i - 1].name);
        last = tensors_find(t, name);
        break;
    }
    graph_free(g);
    return last && last->dim[0] > 0 && last->dim[0] < 1 << 20 ? (int)last->dim[0] : 0;
}

/* NULL when the tensors are not those of this network. */
static struct graph *try_arch(const struct tensors *t, const char *arch, const char *size)
{
    int classes = count_classes(t, arch, size);
    struct graph *g = NULL;

    if (classes == 0 || net_arch(&g, arch, size, classes, NULL) < 0)
        return NULL;
    if (has_parameters_of(t, g))
        return g;
    graph_free(g);
    return NULL;
}

int network_of(struct graph **g, const struct tensors *t, struct error *err)
{
    const char *archs = ARCH_NAMES;
    char *arch, *size;

    *g = NULL;
    while (!*g && (arch = next_name(&archs))) {
        const char *sizes = ARCH_SIZES_READ;

        while (!*g && (size = next_name(&sizes))) {
            *g = try_arch(t, arch, size);
            free(size);
        }
        free(arch);
    }
    if (*g)
        return t->plain_input ? net_plain_input(*g, err) : 0;
    return error_set(err, E_INPUT,
                     "its %zu tensors are not those of a network that this version knows "
                     "(%s; %s)",
                     t->n, ARCH_NAMES, ARCH_SIZES_READ);
}
