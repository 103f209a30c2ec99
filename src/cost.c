#include "cost.h"

#include <stdlib.h>

#include "larder/banned.h"
#include "larder/mem.h"

#include "facts.h"

/* Of one step, in GPUs. */
static double gpus_of(const struct resources *r)
{
    return r->gpu_part ? r->gpu_part / 1000.0 : r->gpu;
}

static void add_step(struct cost *c, const struct work *w)
{
    const struct resources *r = &w->step->resources;

    c->n_steps++;
    if (w->declared || r->disk >= 0)
        c->declared = true;
    if (w->expected < 0)
        c->n_unknown++;
    else if (w->declared)
        c->n_declared++;
    else
        c->n_measured++;
    if (w->expected > 0 && r->gpu > 0)
        c->gpu_s += w->expected * gpus_of(r);
    else if (w->expected > 0)
        c->cpu_s += w->expected * r->cpu;
    if (w->disk < 0)
        c->n_undisked++;
    else
        c->disk += w->disk;
}

static void add_import(struct cost *c, struct session *s, const struct source *import)
{
    if (import->pin.size < 0) {
        c->n_unsized++;
        return;
    }
    c->declared = true;
    c->imports += import->pin.size;
    if (!facts_is_here(s->facts, import))
        c->absent += import->pin.size;
}

void cost_of(struct cost *c, struct session *s)
{
    bool *seen = xcalloc(s->plan->n_sources + 1, sizeof *seen);

    *c = (struct cost){ 0 };
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        const struct work *w = &s->work[i];

        if (!w->wanted || w->state == WORK_DONE)
            continue;
        add_step(c, w);
        for (size_t k = 0; k < w->step->n_sources; k++) {
            const struct source *source = w->step->source[k];

            if (source->is_import && !seen[source->index])
                add_import(c, s, source);
            seen[source->index] = true;
        }
    }
    free(seen);
}

/* "310", "42.5", "0.013": three digits, and all before the point. */
static void write_hours(double seconds, const char *of, struct buf *to)
{
    double hours = seconds / 3600;

    buf_printf(to, hours >= 100 ? "%.0f %s hours" : "%.3g %s hours", hours, of);
}

static void write_size(long long size, struct buf *to)
{
    static const char *const unit[] = { "B", "kB", "MB", "GB", "TB" };
    double x = (double)size;
    size_t i = 0;

    for (; x >= 999.95 && i + 1 < sizeof unit / sizeof *unit; i++)
        x /= 1000;
    buf_printf(to, i ? "%.1f %s" : "%.0f %s", x, unit[i]);
}

static void write_origin(size_t n, const char *what, bool *begun, struct buf *to)
{
    if (n == 0)
        return;
    if (*begun)
        buf_printf(to, ", %zu %s", n, what);
    else
        buf_printf(to, " (%zu step%s %s", n, n == 1 ? "" : "s", what);
    *begun = true;
}

static void write_time(const struct cost *c, struct buf *to)
{
    bool begun = false;

    if (c->n_unknown == c->n_steps) {
        buf_printf(to, "%zu step%s of unknown time", c->n_steps,
                   c->n_steps == 1 ? "" : "s");
        return;
    }
    buf_adds(to, "about ");
    if (c->gpu_s > 0) {
        write_hours(c->gpu_s, "GPU", to);
        buf_adds(to, " and ");
    }
    write_hours(c->cpu_s, "CPU", to);
    write_origin(c->n_declared, "by `takes:`", &begun, to);
    write_origin(c->n_measured, "by what they took last", &begun, to);
    write_origin(c->n_unknown, "unknown", &begun, to);
    buf_addc(to, ')');
}

static void write_imports(const struct cost *c, struct buf *to)
{
    if (c->imports == 0 && c->n_unsized == 0)
        return;
    buf_adds(to, "; imports of ");
    write_size(c->imports, to);
    if (c->absent > 0) {
        buf_adds(to, ", ");
        write_size(c->absent, to);
        buf_adds(to, " of them not here");
    }
    if (c->n_unsized)
        buf_printf(to, ", and %zu without a `size:`", c->n_unsized);
}

static void write_disk(const struct cost *c, struct buf *to)
{
    if (c->n_undisked == c->n_steps)
        return;
    buf_adds(to, "; results of about ");
    write_size(c->disk, to);
    if (c->n_undisked)
        buf_printf(to, ", without those of %zu step%s", c->n_undisked,
                   c->n_undisked == 1 ? "" : "s");
}

void cost_write(const struct cost *c, struct buf *to)
{
    if (!c->declared && c->gpu_s <= 0)
        return;
    write_time(c, to);
    write_imports(c, to);
    write_disk(c, to);
}
