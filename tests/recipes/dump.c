#include "dump.h"

#include <inttypes.h>
#include <string.h>

#include "comparator.h"

#include "larder/banned.h"

static const char *shown_path(const struct plan *plan, const char *path, struct buf *b)
{
    size_t n = strlen(plan->project);

    buf_reset(b);
    if (!strncmp(path, plan->project, n) && path[n] == '/')
        buf_printf(b, "./%s", path + n + 1);
    else
        buf_adds(b, path);
    return buf_str(b);
}

/* "train@kind=S .model", and of a set that several steps make the first and the last. */
static void dump_output(const struct item *item, struct buf *to)
{
    buf_adds(to, item_step(item, 0)->name);
    if (item->is_set)
        buf_printf(to, " to %s", item_step(item, item_n_steps(item) - 1)->name);
    buf_adds(to, " .");
    step_object_name(item->step, (size_t)item->output, to);
}

static void dump_item(const struct item *item, struct buf *to)
{
    if (item->source)
        buf_adds(to, item->source->name);
    else
        dump_output(item, to);
    buf_addc(to, '\n');
}

static void dump_input(const struct input *in, struct buf *to)
{
    buf_printf(to, "  in %s ", in->name);
    if (in->kind == INPUT_PROVENANCE) {
        buf_adds(to, "plan.provenance\n");
    } else if (in->kind == INPUT_ONE) {
        dump_item(&in->item[0], to);
    } else {
        buf_adds(to, "list");
        for (size_t i = 0; i < in->n_columns; i++)
            buf_printf(to, " %s", in->column[i]);
        buf_addc(to, '\n');
        for (size_t i = 0; i < in->n_items; i++) {
            buf_adds(to, "    ");
            for (size_t c = 0; c < in->n_columns; c++)
                buf_printf(to, "%s ", *in->item[i].value[c] ? in->item[i].value[c] : "-");
            dump_item(&in->item[i], to);
        }
    }
}

static void dump_args(const struct step *step, struct buf *to)
{
    for (size_t i = 0; i < step->n_args; i++) {
        buf_adds(to, step->shell ? "  sh " : "  arg ");
        for (size_t j = 0; j < step->arg[i].n_words; j++) {
            const struct word *w = &step->arg[i].word[j];
            switch (w->kind) {
            case WORD_TEXT:
                buf_add_escaped(to, w->text);
                break;
            case WORD_IN:
                buf_printf(to, "<in %s>", w->text);
                break;
            case WORD_IN_EACH:
                buf_printf(to, "<each of %s>", w->text);
                break;
            case WORD_OUT:
                buf_printf(to, "<out %s>", w->text);
                break;
            case WORD_TOOL:
                buf_printf(to, "<tool %s>", w->text);
                break;
            }
        }
        buf_addc(to, '\n');
    }
}

static void dump_range(const char *what, const struct bounds *r, struct buf *to)
{
    buf_printf(to, " %s %g to %g", what, r->low, r->high);
}

static void dump_expect(const struct expect *e, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    if (e && e->non_empty)
        buf_adds(to, " non-empty");
    if (e && e->records)
        dump_range("records", e->records, to);
    if (e && e->lines)
        dump_range("lines", e->lines, to);
    if (e && e->columns) {
        buf_adds(to, " columns ");
        buf_add_escaped(to, e->columns);
    }
    if (e && e->sha256)
        buf_printf(to, " sha256 %s", digest_hex(e->sha256, hex));
}

static void dump_comparator(const struct comparator *c, struct buf *to)
{
    if (!c)
        return;
    buf_printf(to, " compare %s", comparator_name(c->kind));
    if (c->abs > 0 || c->rel > 0)
        buf_printf(to, " abs %g rel %g", c->abs, c->rel);
    if (c->kind == COMPARE_PICTURE)
        buf_printf(to, " max %g mean %g", c->max, c->mean);
    if (c->kind == COMPARE_INTERVAL)
        buf_printf(to, " value %s low %s high %s", c->value, c->low, c->high);
    if (c->except) {
        buf_adds(to, " except ");
        buf_add_escaped(to, c->except);
    }
}

static void dump_tool(const struct tool *tool, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "  tool %s ", tool->name);
    if (tool->source)
        buf_adds(to, tool->source->name);
    else
        buf_printf(to, "sha256:%s", digest_hex(&tool->digest, hex));
    buf_printf(to, "%s\n", tool->path ? " in its folder" : "");
}

static void dump_step(const struct step *step, struct buf *to)
{
    const struct resources *r = &step->resources;
    const unsigned char *retry = step->retry;

    buf_printf(to, "step %s\n", step->name);
    buf_printf(to, "  program %s\n", step->program ? step->program->name : "run");
    for (size_t i = 0; i < step->n_code; i++)
        buf_printf(to, "  code %s %s\n", step->code_path[i], step->code[i]->name);
    for (size_t i = 0; i < step->n_tools; i++)
        dump_tool(&step->tool[i], to);
    dump_args(step, to);
    for (size_t i = 0; i < step->n_options; i++) {
        buf_printf(to, "  option %s %s ", step->option[i].name, step->option[i].type);
        buf_add_escaped(to, step->option[i].text);
        buf_addc(to, '\n');
    }
    for (size_t i = 0; i < step->n_env; i++)
        buf_printf(to, "  env %s %s\n", step->env[i], step->env_value[i]);
    for (size_t i = 0; i < step->n_passed; i++)
        buf_printf(to, "  passed %s\n", step->passed[i]);
    if (step->has_seed)
        buf_printf(to, "  seed %016" PRIx64 "\n", step->seed);
    for (size_t i = 0; i < step->n_inputs; i++)
        dump_input(&step->input[i], to);
    for (size_t i = 0; i < step->n_outputs; i++) {
        const struct output *o = &step->output[i];
        buf_printf(to, "  out %s %s %s%s%s", o->name,
                   o->kind == OBJECT_TREE ? "tree" : "file", o->path,
                   o->private_          ? " private"
                   : o->visibility == 0 ? " public"
                                        : "",
                   o->temp ? " temp" : "");
        if (o->n_shards)
            buf_printf(to, " shards %zu", o->n_shards);
        dump_expect(o->expect, to);
        dump_comparator(o->compare, to);
        buf_addc(to, '\n');
    }
    if (r->cpu != 1 || r->memory || r->gpu || r->time > 0)
        buf_printf(to, "  resources cpu %d memory %lld gpu %d need %d time %g\n", r->cpu,
                   r->memory, r->gpu, r->gpu_need, r->time);
    if (r->gpu_part)
        buf_printf(to, "  gpu part %d\n", r->gpu_part);
    if (r->silence > 0)
        buf_printf(to, "  silence %g\n", r->silence);
    if (r->takes >= 0 || r->disk >= 0)
        buf_printf(to, "  takes %g disk %lld\n", r->takes, r->disk);
    if (r->jobserver)
        buf_adds(to, "  jobserver\n");
    if (retry[CAUSE_TRANSIENT] != 2 || retry[CAUSE_PREEMPTED] != 10 || retry[CAUSE_OOM])
        buf_printf(to, "  retry transient %d preempted %d oom %d\n",
                   retry[CAUSE_TRANSIENT], retry[CAUSE_PREEMPTED], retry[CAUSE_OOM]);
    if (step->checkpoint)
        buf_adds(to, "  checkpoint\n");
    for (size_t i = 0; i < step->n_metrics; i++) {
        buf_adds(to, " ");
        dump_range(step->metric[i].name, &step->metric[i].range, to);
        buf_addc(to, '\n');
    }
    if (step->sandbox != SANDBOX_ENFORCE)
        buf_printf(to, "  sandbox %s\n", step->sandbox == SANDBOX_OFF ? "off" : "warn");
    if (step->network)
        buf_adds(to, "  network\n");
}

static void dump_source(const struct plan *plan, const struct source *s, struct buf *to)
{
    struct buf path = { 0 };
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "source %s%s%s%s\n", s->name, s->private_ ? " private" : "",
               s->license ? " license " : "", s->license ? s->license : "");
    if (s->pin.full)
        buf_printf(to, "  sha256 %s size %lld%s\n", digest_hex(&s->pin.digest, hex),
                   s->pin.size, s->locked ? " locked" : "");
    if (s->pins)
        buf_printf(to, "  pins %s\n", s->pins);
    for (size_t i = 0; i < s->n_from; i++)
        buf_printf(to, "  from %s%s\n", shown_path(plan, s->from[i], &path),
                   s->kind == OBJECT_TREE ? "/" : "");
    if (s->missing)
        buf_printf(to, "  missing %s\n", s->missing);
    buf_release(&path);
}

static void dump_target(const struct target *t, struct buf *to)
{
    buf_printf(to, "target %s\n", t->name);
    for (size_t i = 0; i < t->n_gets; i++) {
        buf_adds(to, "  get ");
        dump_output(&t->get[i].item, to);
        buf_printf(to, " to %s\n", t->get[i].to);
    }
    for (size_t i = 0; i < t->n_steps && t->n_gets == 0; i++)
        buf_printf(to, "  step %s\n", t->step[i]->name);
}

void dump_plan(const struct plan *plan, struct buf *to)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        dump_step(plan->step[i], to);
    for (size_t i = 0; i < plan->n_sources; i++)
        dump_source(plan, plan->source[i], to);
    for (size_t i = 0; i < plan->n_targets; i++)
        dump_target(&plan->target[i], to);
    if (plan->standard)
        buf_printf(to, "default %s\n", plan->standard);
}
