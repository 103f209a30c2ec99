#include "provenance.h"

#include <stdlib.h>
#include <string.h>

#include "identify.h"
#include "item.h"
#include "larder/banned.h"
#include "larder/fs.h"
#include "lookup.h"

/* A row; value is escaped, the other three are words. */
static void row(struct buf *to, const struct step *step, const char *field,
                const char *name, const char *value)
{
    buf_add_escaped(to, step->name);
    buf_printf(to, "\t%s\t", field);
    buf_add_escaped(to, name);
    buf_addc(to, '\t');
    buf_add_escaped(to, value);
    buf_addc(to, '\n');
}

/* A row whose value is a digest, and then, where more is given, a blank and that. */
static void digest_row(struct buf *to, const struct step *step, const char *field,
                       const char *name, const struct digest *d, const char *more)
{
    struct buf value = { 0 };
    char hex[DIGEST_HEX + 1];

    buf_printf(&value, "sha256:%s%s%s", digest_hex(d, hex), more ? " " : "",
               more ? more : "");
    row(to, step, field, name, buf_str(&value));
    buf_release(&value);
}

void argument_text(const struct arg *arg, struct buf *to)
{
    for (size_t k = 0; k < arg->n_words; k++) {
        const char *text = arg->word[k].text;

        switch (arg->word[k].kind) {
        case WORD_TEXT:
            buf_adds(to, text);
            break;
        case WORD_IN:
            buf_printf(to, "${in.%s}", text);
            break;
        case WORD_IN_EACH:
            buf_printf(to, "${in.%s[*]}", text);
            break;
        case WORD_OUT:
            buf_printf(to, "${out.%s}", text);
            break;
        case WORD_TOOL:
            buf_printf(to, "${tool.%s}", text);
            break;
        }
    }
}

static void write_arguments(const struct step *step, struct buf *to)
{
    for (size_t i = 0; i < step->n_args; i++) {
        struct buf text = { 0 }, number = { 0 };

        argument_text(&step->arg[i], &text);
        if (step->shell)
            buf_adds(&number, "sh");
        else
            buf_printf(&number, "%zu", i);
        row(to, step, "argument", buf_str(&number), buf_str(&text));
        buf_release(&text);
        buf_release(&number);
    }
}

static void write_program(const struct work *w, struct buf *to)
{
    const struct step *step = w->step;
    char seed[17];

    if (step->program)
        digest_row(to, step, "program", step->program->name, &step->program->identity,
                   NULL);
    else if (step->executable)
        digest_row(to, step, "program", fs_basename(step->executable),
                   &w->facts.executable, NULL);
    for (size_t i = 0; i < step->n_code; i++)
        digest_row(to, step, "code", step->code_path[i], &w->facts.code[i].id, NULL);
    for (size_t i = 0; i < step->n_tools; i++)
        digest_row(to, step, "tool", step->tool[i].name, &w->facts.tool[i], NULL);
    write_arguments(step, to);
    for (size_t i = 0; i < step->n_options; i++)
        row(to, step, "option", step->option[i].name, step->option[i].text);
    for (size_t i = 0; i < step->n_env; i++)
        row(to, step, "env", step->env[i], step->env_value[i]);
    if (step->has_seed) {
        snprintf(seed, sizeof seed, "%016llx", (unsigned long long)step->seed);
        row(to, step, "seed", "LARDER_SEED", seed);
    }
}

static void write_inputs(const struct work *w, struct buf *to)
{
    for (size_t i = 0; i < w->step->n_inputs; i++) {
        const struct input *in = &w->step->input[i];

        if (in->kind == INPUT_PROVENANCE) {
            digest_row(to, w->step, "input", in->name, &w->facts.input[i][0].id,
                       "plan.provenance");
            continue;
        }
        for (size_t j = 0; j < in->n_items; j++) {
            struct buf name = { 0 };

            item_name(&in->item[j], &name);
            digest_row(to, w->step, "input", in->name, &w->facts.input[i][j].id,
                       buf_str(&name));
            buf_release(&name);
        }
    }
}

static void write_step(const struct work *w, struct buf *to)
{
    digest_row(to, w->step, "key", "key", &w->key, NULL);
    write_program(w, to);
    write_inputs(w, to);
    for (size_t i = 0; i < w->step->n_outputs; i++) {
        const struct object *o = work_output(w, (int)i);

        digest_row(to, w->step, "output", w->step->output[i].name, &o->id,
                   o->kind == OBJECT_TREE   ? "tree"
                   : o->kind == OBJECT_EXEC ? "exec"
                                            : "file");
    }
}

int provenance_write(struct session *s, const struct work *w, struct buf *to,
                     struct error *err)
{
    const struct plan *plan = s->plan;
    bool *behind = xcalloc(plan->n_steps + 1, sizeof *behind);
    int rc = 0;

    behind[w->step->index] = true;
    plan_close(plan, behind);
    behind[w->step->index] = false;
    buf_adds(to, "step\tfield\tname\tvalue\n");
    for (size_t i = 0; i < w->step->index && rc == 0; i++) {
        if (!behind[i])
            continue;
        rc = identify_key(s, &s->work[i], err);
        if (rc == 0)
            write_step(&s->work[i], to);
    }
    free(behind);
    return rc;
}
