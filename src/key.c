#include "key.h"

#include <inttypes.h>
#include <string.h>

#include "larder/formats.h"

#include "larder/banned.h"

#include "planted.h"

static void add_digest(struct buf *b, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(b, "sha256:%s", digest_hex(d, hex));
}

/* A text as one field of a line with tabs or spaces in it: escaped, and its spaces too
 * where the line goes on after it. */
static void add_field(struct buf *b, const char *s)
{
    size_t start = b->len;
    struct buf spaced = { 0 };

    buf_add_escaped(b, s);
    if (*s == '\0') {
        buf_adds(b, "\\e");
        return;
    }
    if (!strchr(b->s + start, ' '))
        return;
    for (const char *p = b->s + start; *p; p++)
        buf_adds(&spaced, *p == ' ' ? "\\s" : (char[]){ *p, '\0' });
    buf_cut(b, start);
    buf_adds(b, buf_str(&spaced));
    buf_release(&spaced);
}

static const char *kind_name(enum object_kind kind)
{
    static const char *const name[] = {
        [OBJECT_FILE] = "file", [OBJECT_TREE] = "tree", [OBJECT_EXEC] = "exec"
    };

    return name[kind];
}

static void add_object(struct buf *b, const struct object *o)
{
    bool plain = o->kind == OBJECT_EXEC && is_left_out("exec");

    buf_adds(b, kind_name(plain ? OBJECT_FILE : o->kind));
    if (!is_left_out("input")) {
        buf_addc(b, ' ');
        add_digest(b, &o->id);
    }
    buf_addc(b, '\n');
}

/* ---- who computes ------------------------------------------------------------------ */

/* An argv element: inputs and outputs by name, all else as text, in which $ is $$, so
 * that no text looks like a name. */
static void add_arg(struct buf *b, const struct arg *arg, bool shell)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < arg->n_words; i++) {
        const struct word *w = &arg->word[i];
        const char *s = w->text;
        switch (w->kind) {
        case WORD_TEXT:
            for (; *s; s++)
                buf_adds(&text, *s == '$' ? "$$" : (char[]){ *s, '\0' });
            break;
        case WORD_IN:
            buf_printf(&text, "${in.%s}", s);
            break;
        case WORD_IN_EACH:
            buf_printf(&text, "${in.%s[*]}", s);
            break;
        case WORD_OUT:
            buf_printf(&text, "${out.%s}", s);
            break;
        case WORD_TOOL:
            buf_printf(&text, "${tool.%s}", s);
            break;
        }
    }
    buf_adds(b, shell ? "sh " : "arg ");
    buf_add_escaped(b, buf_str(&text));
    buf_addc(b, '\n');
    buf_release(&text);
}

static void add_program(struct buf *b, const struct step *step,
                        const struct key_facts *facts)
{
    if (step->program) {
        buf_printf(b, "program %s ", step->program->name);
        add_digest(b, &step->program->identity);
        buf_addc(b, '\n');
    } else {
        buf_adds(b, "program run ");
        add_digest(b, &facts->executable);
        buf_addc(b, '\n');
    }
    for (size_t i = 0; i < step->n_code && !is_left_out("code"); i++) {
        buf_adds(b, "code ");
        add_field(b, step->code_path[i]);
        buf_addc(b, ' ');
        add_digest(b, &facts->code[i].id);
        buf_adds(b, facts->code[i].kind == OBJECT_EXEC ? " exec\n" : "\n");
    }
    for (size_t i = 0; i < step->n_tools; i++) {
        buf_printf(b, "tool %s ", step->tool[i].name);
        add_digest(b, &facts->tool[i]);
        buf_addc(b, '\n');
    }
    for (size_t i = 0; i < step->n_args; i++)
        add_arg(b, &step->arg[i], step->shell);
}

/* ---- with what --------------------------------------------------------------------- */

static void add_input(struct buf *b, const struct input *in, const struct object *object)
{
    buf_printf(b, "in %s ", in->name);
    if (in->kind != INPUT_LIST) {
        add_object(b, object);
        return;
    }
    buf_adds(b, "list\ncolumn");
    for (size_t i = 0; i < in->n_columns; i++)
        buf_printf(b, " %s", in->column[i]);
    buf_addc(b, '\n');
    for (size_t i = 0; i < in->n_items; i++) {
        buf_adds(b, "item ");
        for (size_t c = 0; c < in->n_columns; c++) {
            add_field(b, in->item[i].value[c]);
            buf_addc(b, ' ');
        }
        add_object(b, &object[i]);
    }
}

static void add_settings(struct buf *b, const struct step *step)
{
    for (size_t i = 0; i < step->n_options && !is_left_out("option"); i++) {
        const struct option_value *o = &step->option[i];
        buf_printf(b, "option %s %s ", o->name, o->type);
        buf_add_escaped(b, o->text);
        buf_addc(b, '\n');
    }
    for (size_t i = 0; i < step->n_env && !is_left_out("env"); i++) {
        buf_printf(b, "env %s ", step->env[i]);
        buf_add_escaped(b, step->env_value[i]);
        buf_addc(b, '\n');
    }
    if (step->has_seed)
        buf_printf(b, "seed %016" PRIx64 "\n", step->seed);
}

void key_of_step(const struct step *step, const struct key_facts *facts, struct buf *text,
                 struct digest *key)
{
    size_t start = text->len;

    buf_adds(text, FORMAT_KEY "\n");
    add_program(text, step, facts);
    add_settings(text, step);
    for (size_t i = 0; i < step->n_inputs; i++)
        add_input(text, &step->input[i], facts->input[i]);
    for (size_t i = 0; i < step->n_outputs; i++) {
        const struct output *o = &step->output[i];
        buf_printf(text, "out %s %s", o->name, kind_name(o->kind));
        if (!step->program && !is_left_out("output")) {
            buf_addc(text, ' ');
            buf_add_escaped(text, o->path);
        }
        buf_addc(text, '\n');
        if (o->n_shards)
            buf_printf(text, "shards %s %zu\n", o->name, o->n_shards);
    }
    digest_bytes(key, text->s + start, text->len - start);
}
