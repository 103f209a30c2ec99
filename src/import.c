#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "from.h"
#include "larder/fs.h"

#include "larder/banned.h"

/* A table beside the recipe: a header line, then one line a member, tabs between. */
struct table {
    struct recipe_text *text; /* NULL: there is none */
    const char **column;
    size_t n_columns;
    const char ***row; /* of each member, or NULL */
    int *line;         /* and where it is */
};

struct import {
    const char *name;
    struct pos pos;
    const struct node *node;
    struct matrix matrix;
    struct table table;
    struct source **source; /* of each member, or NULL */
};

const struct matrix *import_matrix(const struct import *import)
{
    return &import->matrix;
}

/* ---- the table --------------------------------------------------------------------- */

static size_t column_of(const struct table *t, const char *name)
{
    size_t i = 0;

    while (i < t->n_columns && strcmp(t->column[i], name) != 0)
        i++;
    return i;
}

/* Splits a line at its tabs, in arena memory. */
static const char **split_line(struct arena *arena, const char *s, size_t len, size_t *n)
{
    char *line = arena_strndup(arena, s, len);
    size_t fields = 1;

    for (const char *p = line; *p; p++)
        fields += *p == '\t';
    const char **field = arena_alloc(arena, fields * sizeof *field);
    *n = 0;
    for (char *p = line; p;) {
        char *tab = strchr(p, '\t');
        if (tab)
            *tab++ = '\0';
        field[(*n)++] = p;
        p = tab;
    }
    return field;
}

/* Keeps a line for the member it is about; lines for values that the axes do not have (a
 * profile may have fewer) are not used. */
static int add_row(struct import *im, const char **field, int line, struct error *err)
{
    struct table *t = &im->table;
    struct pos pos = { t->text->file, line, 1, t->text };
    const char *value[MATRIX_AXES];
    long member;

    for (size_t i = 0; i < im->matrix.n_axes; i++)
        value[i] = field[column_of(t, im->matrix.axis[i])];
    member = matrix_member(&im->matrix, value);
    if (member < 0)
        return 0;
    if (t->row[member])
        return pos_error(&pos, err, "a second line for the values of line %d",
                         t->line[member]);
    t->row[member] = field;
    t->line[member] = line;
    return 0;
}

static int check_header(const struct import *im, const struct pos *pos, struct error *err)
{
    const struct table *t = &im->table;

    for (size_t i = 0; i < im->matrix.n_axes; i++)
        if (column_of(t, im->matrix.axis[i]) == t->n_columns)
            return suggest_error(pos, err, im->matrix.axis[i], t->column, t->n_columns,
                                 "the table has no column %s", im->matrix.axis[i]);
    return 0;
}

/* The length of a line that may have been written by an editor of Windows. */
static size_t without_return(const char *line, size_t len)
{
    return len > 0 && line[len - 1] == '\r' ? len - 1 : len;
}

/* Cells are taken as they stand: a blank that nobody sees would be part of a path. */
static int check_blanks(const char **field, size_t n, const struct pos *line,
                        struct error *err)
{
    struct pos pos = *line;

    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(field[i]);
        if (len && (field[i][0] == ' ' || field[i][len - 1] == ' '))
            return pos_error(&pos, err,
                             "the cell \"%s\" begins or ends with a blank; cells are "
                             "taken as they stand, with one tab between them",
                             field[i]);
        for (const char *s = field[i]; *s; s++)
            pos.column += ((unsigned char)*s & 0xc0) != 0x80;
        pos.column++;
    }
    return 0;
}

static int parse_table(struct builder *b, struct import *im, struct error *err)
{
    struct table *t = &im->table;
    struct pos pos = { t->text->file, 1, 1, t->text };
    int rc = 0;

    t->row = arena_alloc(b->arena, im->matrix.n * sizeof *t->row);
    t->line = arena_alloc(b->arena, im->matrix.n * sizeof *t->line);
    for (const char *s = t->text->s; rc == 0 && *s; pos.line++) {
        size_t len = strcspn(s, "\n"), n = 0;
        const char **field = split_line(b->arena, s, without_return(s, len), &n);
        rc = check_blanks(field, n, &pos, err);
        if (rc < 0)
            return rc;
        if (pos.line == 1) {
            t->column = field;
            t->n_columns = n;
            rc = check_header(im, &pos, err);
        } else if (n != t->n_columns) {
            rc = pos_error(&pos, err, "%zu fields; the header has %zu", n, t->n_columns);
        } else {
            rc = add_row(im, field, pos.line, err);
        }
        s += len + (s[len] == '\n');
    }
    return rc;
}

static int read_table(struct builder *b, struct import *im, const struct node *node,
                      struct error *err)
{
    struct recipe_text *text = arena_alloc(b->arena, sizeof *text);
    struct buf bytes = { 0 };
    int rc = node_expect(node, NODE_SCALAR, "table", err);

    if (rc == 0)
        rc = pos_check_path(&node->pos, node->text, err);
    if (rc < 0)
        return rc;
    text->file = pos_shown_path(b->arena, &node->pos, node->text);
    text->path = builder_path(b, node->text, &node->pos);
    witness_file(b->recipe->witness, text->path);
    if (!fs_exists(text->path))
        return pos_error(&node->pos, err, "there is no file %s", text->file);
    rc = fs_read(text->path, &bytes, err);
    if (rc == 0 && strlen(buf_str(&bytes)) != bytes.len)
        rc = pos_error(&node->pos, err, "%s is no text", node->text);
    text->s = arena_strdup(b->arena, buf_str(&bytes));
    text->n = strlen(text->s);
    buf_release(&bytes);
    im->table.text = text;
    return rc < 0 ? rc : parse_table(b, im, err);
}

/* ---- reading ----------------------------------------------------------------------- */

static const char *const pin_keys[] = { "sha256", "sha256-prefix", "md5", "size" };
enum { N_PIN_KEYS = sizeof pin_keys / sizeof *pin_keys };

static int no_pin(const struct pos *pos, const char *name, struct error *err)
{
    return pos_error(
        pos, err,
        "%s comes over the network, so it must be pinned: write its sha256:, "
        "or what its publisher gives, sha256-prefix:, md5: or size:",
        name);
}

/* What comes over the network is pinned, whether it is used or not. (The lines of a table
 * are looked at when they are used.) */
static int check_pinned(const struct import *im, const char *name, struct error *err)
{
    const struct node *from = node_get(im->node, "from");
    size_t n = !from ? 0 : from->kind == NODE_LIST ? from->n : 1;

    for (size_t i = 0; i < N_PIN_KEYS; i++)
        if (node_get(im->node, pin_keys[i]) ||
            column_of(&im->table, pin_keys[i]) < im->table.n_columns)
            return 0;
    for (size_t i = 0; i < n; i++) {
        const struct node *one = from->kind == NODE_LIST ? from->item[i] : from;
        if (one->kind == NODE_SCALAR && from_is_web(one->text))
            return no_pin(&one->pos, name, err);
    }
    return 0;
}

static int read_import(struct builder *b, const struct node *key, const struct node *node,
                       struct error *err)
{
    static const char *const known[] = { "from",       "sha256", "sha256-prefix",
                                         "md5",        "size",   "license",
                                         "visibility", "matrix", "table" };
    struct import *im = arena_alloc(b->arena, sizeof *im);
    const struct node *table;
    int rc = node_check_name(key, "an import", err);

    if (rc == 0)
        rc = node_check_keys(node, arena_printf(b->arena, "import %s", key->text), known,
                             sizeof known / sizeof *known, err);
    if (rc < 0)
        return rc;
    im->name = key->text;
    im->pos = key->pos;
    im->node = node;
    map_set(&b->imports, im->name, im);
    rc = matrix_read(&im->matrix, &b->pool, b->arena, node_get(node, "matrix"), err);
    if (rc < 0)
        return rc;
    im->source = arena_alloc(b->arena, im->matrix.n * sizeof *im->source);
    table = node_get(node, "table");
    if (table && im->matrix.n_axes == 0)
        return pos_error(&table->pos, err, "a table goes with a matrix");
    if (table)
        rc = read_table(b, im, table, err);
    if (rc == 0 && !node_get(node, "from") &&
        column_of(&im->table, "from") == im->table.n_columns)
        rc = pos_error(&key->pos, err, "import %s does not say from: where", im->name);
    if (rc == 0)
        rc = check_pinned(im, arena_printf(b->arena, "import %s", im->name), err);
    return rc;
}

int imports_read(struct builder *b, struct error *err)
{
    const struct node *imports = node_get(b->recipe->root, "imports");
    int rc = 0;

    for (size_t i = 0; rc == 0 && imports && i < imports->n; i++)
        rc = read_import(b, imports->key[i], imports->item[i], err);
    return rc;
}

/* ---- one member -------------------------------------------------------------------- */

struct making {
    struct builder *b;
    struct import *import;
    struct source *source;
    struct scope scope;
    const char **row; /* of the table, or NULL */
    struct pos row_pos;
    struct pos *web; /* where a URL is written that is fetched, or NULL */
    struct error *err;
};

/* What ${m.x} may name: the axes, and the columns of the table. */
static void see_member(struct making *m, size_t member)
{
    const struct import *im = m->import;
    const struct table *t = &im->table;
    size_t n = im->matrix.n_axes, max = n + t->n_columns;
    const char **axis = arena_alloc(m->b->arena, (max + 1) * sizeof *axis);
    struct node **value = arena_alloc(m->b->arena, (max + 1) * sizeof *value);

    for (size_t i = 0; i < n; i++) {
        axis[i] = im->matrix.axis[i];
        value[i] = matrix_node(&im->matrix, member, i);
    }
    for (size_t i = 0; m->row && i < t->n_columns; i++) {
        struct node *node = arena_alloc(m->b->arena, sizeof *node);
        *node = (struct node){ NODE_SCALAR, m->row_pos, m->row[i], false, NULL, NULL, 0 };
        axis[n] = t->column[i];
        value[n++] = node;
    }
    m->scope = (struct scope){ .arena = m->b->arena,
                               .params = node_get(m->b->recipe->root, "params"),
                               .axis = axis,
                               .axis_value = value,
                               .n_axes = n,
                               .any_env = true,
                               .witness = m->b->recipe->witness };
}

/* The value of a key: the table's, else the import's, else NULL in v->text. */
static int value_of(struct making *m, const char *key, struct value *v)
{
    const struct table *t = &m->import->table;
    const struct node *node = node_get(m->import->node, key);
    size_t column = column_of(t, key);

    *v = (struct value){ 0 };
    if (m->row && column < t->n_columns && *m->row[column]) {
        *v = (struct value){ m->row[column], false, m->row_pos, NULL };
        return 0;
    }
    return node ? expr_value(&m->scope, node, key, v, m->err) : 0;
}

static void add_url(struct making *m, const struct value *v)
{
    if (!m->web)
        m->web = arena_alloc(m->b->arena, sizeof *m->web);
    *m->web = v->pos;
    m->source->from[m->source->n_from++] = arena_strdup(m->b->arena, v->text);
}

static int add_from(struct making *m, const struct value *v)
{
    struct source *source = m->source;
    enum object_kind kind = OBJECT_FILE;
    const char *path = v->text;
    int rc;

    if (!path) {
        source->missing = v->missing; /* this candidate falls out */
        return 0;
    }
    rc = from_read(m->b->arena, v->text, &v->pos, "an import", &path, m->err);
    if (rc == FROM_PATH)
        rc = pos_check_path(&v->pos, path, m->err);
    if (rc < 0)
        return rc;
    if (rc == FROM_URL) {
        add_url(m, v);
    } else {
        path = builder_path(m->b, path, &v->pos);
        kind = builder_path_kind(m->b, &path);
        source->from[source->n_from++] = path;
    }
    if (source->n_from > 1 && kind != source->kind)
        return pos_error(
            &v->pos, m->err,
            "from: names files and folders (which end in /); they cannot stand "
            "for each other");
    source->kind = kind;
    return 0;
}

/* Whether what `from` writes, or the first of its list, ends in /. */
static bool writes_folder(const struct node *from)
{
    size_t n;

    if (from && from->kind == NODE_LIST)
        from = from->n > 0 ? from->item[0] : NULL;
    n = from && from->kind == NODE_SCALAR ? strlen(from->text) : 0;
    return n > 0 && from->text[n - 1] == '/';
}

static int set_from(struct making *m)
{
    const struct node *from = node_get(m->import->node, "from");
    size_t n = from && from->kind == NODE_LIST ? from->n : 1;
    struct value v;
    int rc = 0;

    m->source->from = arena_alloc(m->b->arena, (n + 1) * sizeof *m->source->from);
    m->source->kind = writes_folder(from) ? OBJECT_TREE : OBJECT_FILE;
    if (!from || from->kind != NODE_LIST) {
        rc = value_of(m, "from", &v);
        return rc < 0 ? rc : add_from(m, &v);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = expr_value(&m->scope, from->item[i], "from", &v, m->err);
        if (rc == 0)
            rc = add_from(m, &v);
    }
    return rc;
}

/* The line that larder.lock has for the source, if any. */
static int find_locked(struct making *m, const struct lock_line **line)
{
    struct builder *b = m->b;
    int rc = 0;

    if (!b->lock) {
        struct lock *lock = arena_alloc(b->arena, sizeof *lock);
        witness_file(b->recipe->witness, b->plan->lock_path);
        rc = lock_read(lock, b->arena, b->plan->lock_path, b->plan->lock_file, m->err);
        b->lock = lock;
    }
    *line = rc < 0 ? NULL : lock_find(b->lock, m->source->name, m->source->pins);
    return rc;
}

/* Less than a digest: what larder.lock has seen under it is meant. */
static int set_lock(struct making *m)
{
    struct source *source = m->source;
    const struct lock_line *line;
    struct buf pins = { 0 };
    int rc;

    pin_write(&source->pin, &pins);
    source->pins = arena_strdup(m->b->arena, buf_str(&pins));
    buf_release(&pins);
    rc = find_locked(m, &line);
    if (rc < 0 || !line || line->object.kind != source->kind)
        return rc;
    source->pin.full = true;
    source->pin.digest = line->object.id;
    source->pin.size = line->object.size;
    source->locked = line->number;
    return 0;
}

static int set_pin(struct making *m)
{
    static bool (*const set[])(struct pin * p,
                               char *text) = { pin_set_sha256, pin_set_prefix,
                                               pin_set_md5, pin_set_size };
    static const char *const wanted[] = { "not 64 hex digits", "not 8 to 63 hex digits",
                                          "not 32 hex digits",
                                          "no number of bytes: write it out, as 12288" };
    struct source *source = m->source;
    struct value v;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < N_PIN_KEYS; i++) {
        rc = value_of(m, pin_keys[i], &v);
        if (rc == 0 && v.text && !set[i](&source->pin, arena_strdup(m->b->arena, v.text)))
            rc = pos_error(&v.pos, m->err, "%s: \"%s\" is %s", pin_keys[i], v.text,
                           wanted[i]);
        else if (rc == 0 && v.text && i == 2 && source->kind == OBJECT_TREE)
            rc = pos_error(
                &v.pos, m->err,
                "md5: a folder has none: write sha256:, or import an archive of it");
    }
    if (rc < 0)
        return rc;
    if (pin_is_weak(&source->pin))
        return set_lock(m);
    return m->web && !source->pin.full ? no_pin(m->web, source->name, m->err) : 0;
}

static int set_policy(struct making *m)
{
    struct value license, visibility;
    int rc = value_of(m, "license", &license);

    if (rc == 0)
        rc = value_of(m, "visibility", &visibility);
    if (rc < 0)
        return rc;
    m->source->license = license.text;
    m->source->private_ = visibility.text && !strcmp(visibility.text, "private");
    if (visibility.text && !m->source->private_ && strcmp(visibility.text, "public") != 0)
        return pos_error(&visibility.pos, m->err,
                         "visibility is public or private, not %s", visibility.text);
    return 0;
}

static const char *member_name(struct builder *b, const struct import *im, size_t member)
{
    struct buf name = { 0 };
    const char *s;

    buf_printf(&name, "import.%s", im->name);
    for (size_t i = 0; i < im->matrix.n_axes; i++)
        buf_printf(&name, "%s%s=%s", i ? "," : "[", im->matrix.axis[i],
                   matrix_node(&im->matrix, member, i)->text);
    if (im->matrix.n_axes)
        buf_addc(&name, ']');
    s = arena_strdup(b->arena, buf_str(&name));
    buf_release(&name);
    return s;
}

int import_source(struct builder *b, struct import *im, size_t member,
                  struct source **source, struct error *err)
{
    struct making m = { .b = b, .import = im, .err = err };
    const struct table *t = &im->table;
    const char *name;
    int rc = 0;

    *source = im->source[member];
    if (*source)
        return 0;
    name = member_name(b, im, member);
    if (t->text && !t->row[member])
        return pos_error(&node_get(im->node, "table")->pos, err,
                         "%s has no line for %s: add it", t->text->file, name);
    if (t->text) {
        m.row = t->row[member];
        m.row_pos = (struct pos){ t->text->file, t->line[member], 1, t->text };
    }
    m.source = builder_add_source(b, name);
    m.source->name = name;
    m.source->pos = im->pos;
    m.source->is_import = true;
    see_member(&m, member);
    rc = set_from(&m);
    if (rc == 0)
        rc = set_pin(&m);
    if (rc == 0)
        rc = set_policy(&m);
    im->source[member] = *source = m.source;
    return rc;
}
