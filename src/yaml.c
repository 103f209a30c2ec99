#include "yaml.h"

#include <libfyaml.h>
#include <stdint.h>
#include <string.h>

#include "larder/map.h"

#include "larder/banned.h"

struct reader {
    struct arena *arena;
    const struct recipe_text *text;
    struct fy_diag *diag;
    struct fy_parser *parser;
    struct pos open[YAML_DEPTH + 1]; /* of the lists and maps we are in */
    bool flow[YAML_DEPTH + 1];
    int depth;
    struct error *err;
};

/* ---- bytes ---------------------------------------------------------------------- */

/* The length of the UTF-8 character at s, or 0 when it is none. *code is its number. */
static size_t utf8_next(const unsigned char *s, size_t n, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = s[0] < 0x80   ? 1
                 : s[0] < 0xc2 ? 0
                 : s[0] < 0xe0 ? 2
                 : s[0] < 0xf0 ? 3
                 : s[0] < 0xf5 ? 4
                               : 0;

    if (len == 0 || len > n)
        return 0;
    *code = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return len;
}

/* Characters that a reader cannot see but that change what a text says or how it looks.
 */
static const char *forbidden(uint32_t code, bool before_newline)
{
    if (code == 0)
        return "a NUL byte: take it out";
    if (code == '\r' && !before_newline)
        return "a carriage return that ends no line";
    if ((code < ' ' && code != '\n' && code != '\r' && code != '\t') || code == 0x7f ||
        (code >= 0x80 && code < 0xa0))
        return "a control character";
    if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
        return "a character that reverses the direction of the text: take it out";
    if (code == 0xfeff)
        return "a byte order mark; save the file as UTF-8 without it";
    return NULL;
}

static int check_bytes(const struct recipe_text *t, struct error *err)
{
    const unsigned char *s = (const unsigned char *)t->s;
    struct pos pos = { t->file, 1, 1, t };
    bool indent = true;

    if (t->n > YAML_SIZE)
        return error_set(err, E_INPUT, "%s: %zu bytes; a recipe has at most 16 MiB",
                         t->file, t->n);
    for (size_t i = 0; i < t->n;) {
        uint32_t code = 0;
        size_t len = utf8_next(s + i, t->n - i, &code);
        if (len == 0) {
            pos.text = NULL; /* the line cannot be shown */
            return pos_error(&pos, err, "byte 0x%02x: a recipe is UTF-8 text", s[i]);
        }
        const char *what = forbidden(code, i + 1 < t->n && s[i + 1] == '\n');
        if (what)
            return pos_error(&pos, err, "%s", what);
        if (code == '\t' && indent)
            return pos_error(&pos, err, "a tab; YAML is indented with spaces");
        indent = code == '\n' || (indent && code == ' ');
        pos.line += code == '\n';
        pos.column = code == '\n' ? 1 : pos.column + 1;
        i += len;
    }
    return 0;
}

/* ---- positions and refusals ------------------------------------------------------ */

static struct pos pos_of_mark(const struct reader *r, const struct fy_mark *m, int back,
                              const struct pos *otherwise)
{
    struct pos pos = *otherwise;

    if (m) {
        pos = (struct pos){ r->text->file, m->line + 1, m->column + 1 - back, r->text };
        if (pos.column < 1)
            pos.column = 1;
    }
    return pos;
}

/* What libfyaml could not read, at the place where it says it is. */
static int syntax_error(struct reader *r)
{
    struct pos pos = { r->text->file, 1, 1, r->text };
    const char *what = "this is no YAML";
    void *at = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(r->diag, &at);

    if (e) {
        pos.line = e->line > 0 ? e->line : 1;
        pos.column = e->column > 0 ? e->column : 1;
        what = e->msg;
    }
    if (e && strstr(what, "without a closing") && r->depth > 0 && r->flow[r->depth])
        return pos_error(&r->open[r->depth], r->err,
                         "this bracket is never closed: write its other end");
    return pos_error(&pos, r->err,
                     "%s; put quotes around a text that has one of : # [ ] { } , in it",
                     what);
}

/* The next event, or NULL after setting the error. *e is new: fy_parser_event_free(). */
static struct fy_event *next_event(struct reader *r)
{
    struct fy_event *e = fy_parser_parse(r->parser);

    if (!e)
        syntax_error(r);
    return e;
}

/* Refuses what is YAML but not of our part of it. */
static int check_event(const struct reader *r, struct fy_event *e, const struct pos *pos)
{
    struct fy_token *anchor = fy_event_get_anchor_token(e),
                    *tag = fy_event_get_tag_token(e);

    if (e->type == FYET_ALIAS) {
        struct pos at = pos_of_mark(r, fy_event_start_mark(e), 1, pos);
        return pos_error(
            &at, r->err,
            "an alias; recipes have none: write the value again, or put it in "
            "params");
    }
    if (anchor) {
        struct pos at = pos_of_mark(r, fy_token_start_mark(anchor), 1, pos);
        return pos_error(&at, r->err, "an anchor; recipes have no anchors and aliases");
    }
    if (tag) {
        struct pos at = pos_of_mark(r, fy_token_start_mark(tag), 0, pos);
        return pos_error(&at, r->err, "a tag; recipes have none");
    }
    return 0;
}

/* ---- the tree -------------------------------------------------------------------- */

static int read_node(struct reader *r, struct fy_event *e, const struct pos *near,
                     struct node **node);

static bool is_null_word(const char *s)
{
    return !*s || !strcmp(s, "~") || !strcmp(s, "null") || !strcmp(s, "Null") ||
           !strcmp(s, "NULL");
}

static int read_scalar(struct reader *r, struct fy_event *e, struct node *node)
{
    enum fy_scalar_style style = fy_token_scalar_style(e->scalar.value);
    const struct fy_mark *mark = fy_event_start_mark(e);
    size_t n = 0;
    const char *s = fy_token_get_text(e->scalar.value, &n);
    bool quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;

    node->pos = pos_of_mark(r, mark, quoted, &node->pos);
    if (n > 0 && memchr(s, '\0', n))
        return pos_error(&node->pos, r->err, "a NUL byte in a text: take it out");
    node->kind = NODE_SCALAR;
    node->text = arena_strndup(r->arena, n ? s : "", n);
    node->plain = style == FYSS_PLAIN;
    if (node->plain && is_null_word(node->text))
        node->kind = NODE_NULL;
    return 0;
}

static int enter(struct reader *r, struct fy_event *e, struct node *node)
{
    const struct fy_mark *m = fy_event_start_mark(e);

    node->pos = pos_of_mark(r, m, 0, &node->pos);
    if (r->depth == YAML_DEPTH)
        return pos_error(&node->pos, r->err, "more than %d levels: write it flatter",
                         YAML_DEPTH);
    r->open[++r->depth] = node->pos;
    r->flow[r->depth] =
        m && m->input_pos < r->text->n && strchr("[{", r->text->s[m->input_pos]) != NULL;
    return 0;
}

/* Moves an array that grew on the heap into the arena. */
static struct node **settle(struct reader *r, struct node **from, size_t n)
{
    struct node **to = arena_alloc(r->arena, (n ? n : 1) * sizeof *to);

    if (n)
        memcpy(to, from, n * sizeof *to);
    free(from);
    return to;
}

static int read_list(struct reader *r, struct node *node)
{
    struct node **item = NULL;
    size_t n = 0, cap = 0;
    int rc = 0;

    node->kind = NODE_LIST;
    for (;;) {
        struct fy_event *e = next_event(r);
        if (!e) {
            rc = E_INPUT;
            break;
        }
        bool end = e->type == FYET_SEQUENCE_END;
        if (!end) {
            GROW(item, n + 1, cap);
            rc = read_node(r, e, n ? &item[n - 1]->pos : &node->pos, &item[n]);
            n += rc == 0;
        }
        fy_parser_event_free(r->parser, e);
        if (end || rc < 0)
            break;
    }
    node->n = n;
    node->item = settle(r, item, n);
    return rc;
}

static int check_key(struct reader *r, struct map *seen, struct node *key)
{
    if (key->kind != NODE_SCALAR)
        return pos_error(&key->pos, r->err, "a key must be a word");
    if (key->plain && !strcmp(key->text, "<<"))
        return pos_error(&key->pos, r->err, "a merge key; recipes have none");
    struct node *before = map_set(seen, key->text, key);
    if (before)
        return pos_error(&key->pos, r->err, "duplicate key %s; it is also at line %d",
                         key->text, before->pos.line);
    return 0;
}

static int read_map(struct reader *r, struct node *node)
{
    struct node **key = NULL, **item = NULL;
    size_t n = 0, key_cap = 0, item_cap = 0;
    struct map seen = { 0 };
    int rc = 0;

    node->kind = NODE_MAP;
    while (rc == 0) {
        struct fy_event *e = next_event(r);
        if (!e) {
            rc = E_INPUT;
            break;
        }
        bool end = e->type == FYET_MAPPING_END;
        GROW(key, n + 1, key_cap);
        GROW(item, n + 1, item_cap);
        if (!end)
            rc = read_node(r, e, &node->pos, &key[n]);
        fy_parser_event_free(r->parser, e);
        if (end)
            break;
        if (rc == 0)
            rc = check_key(r, &seen, key[n]);
        if (rc < 0)
            break;
        e = next_event(r);
        rc = e ? read_node(r, e, &key[n]->pos, &item[n]) : E_INPUT;
        fy_parser_event_free(r->parser, e);
        n += rc == 0;
    }
    node->n = n;
    node->key = settle(r, key, n);
    node->item = settle(r, item, n);
    map_release(&seen);
    return rc;
}

/* The node that begins with event e. near: where it is when it has no text of its own. */
static int read_node(struct reader *r, struct fy_event *e, const struct pos *near,
                     struct node **out)
{
    struct node *node = arena_alloc(r->arena, sizeof *node);
    int rc;

    *out = node;
    node->pos = *near;
    rc = check_event(r, e, near);
    if (rc < 0)
        return rc;
    if (e->type == FYET_SCALAR)
        return read_scalar(r, e, node);
    rc = enter(r, e, node);
    if (rc < 0)
        return rc;
    rc = e->type == FYET_SEQUENCE_START ? read_list(r, node) : read_map(r, node);
    if (rc == 0)
        r->depth--;
    return rc;
}

/* Reads events up to the first that is not of type skipped; NULL after setting *err. */
static struct fy_event *next_after(struct reader *r, enum fy_event_type skipped)
{
    struct fy_event *e = next_event(r);

    while (e && e->type == skipped) {
        fy_parser_event_free(r->parser, e);
        e = next_event(r);
    }
    return e;
}

static int read_document(struct reader *r, struct node **root)
{
    struct pos start = { r->text->file, 1, 1, r->text };
    struct fy_event *e = next_after(r, FYET_STREAM_START);
    int rc = E_INPUT;

    if (!e)
        return rc;
    if (e->type == FYET_STREAM_END) {
        start.text = NULL;
        rc = pos_error(
            &start, r->err,
            "nothing is written here; `larder init` writes a recipe to begin with");
        goto out;
    }
    fy_parser_event_free(r->parser, e);
    e = next_event(r);
    if (!e)
        goto out;
    rc = read_node(r, e, &start, root);
    if (rc < 0)
        goto out;
    fy_parser_event_free(r->parser, e);
    e = next_after(r, FYET_DOCUMENT_END);
    if (!e) {
        rc = E_INPUT;
    } else if (e->type != FYET_STREAM_END) {
        struct pos at = pos_of_mark(r, fy_event_start_mark(e), 0, &start);
        rc = pos_error(&at, r->err, "a second document; a recipe is one");
    }
out:
    fy_parser_event_free(r->parser, e);
    return rc;
}

int yaml_parse(struct arena *arena, const struct recipe_text *text, struct node **root,
               struct error *err)
{
    struct reader r = { .arena = arena, .text = text, .err = err };
    struct fy_diag_cfg diag;
    int rc;

    *root = NULL;
    rc = check_bytes(text, err);
    if (rc < 0)
        return rc;
    fy_diag_cfg_default(&diag);
    diag.fp = NULL;
    r.diag = fy_diag_create(&diag);
    fy_diag_set_collect_errors(r.diag, true);
    struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG,
                                .diag = r.diag };
    r.parser = fy_parser_create(&cfg);
    if (!r.parser || fy_parser_set_string(r.parser, text->s, text->n) != 0)
        rc = error_set(err, E_SYSTEM, "%s: libfyaml cannot start", text->file);
    else
        rc = read_document(&r, root);
    fy_parser_destroy(r.parser);
    fy_diag_destroy(r.diag);
    return rc;
}
