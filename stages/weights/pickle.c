#include "weights/pickle.h"

#include <math.h>
#include <string.h>

#include "weights/source.h"

#include "larder/banned.h"

enum { NAME_MAX_LENGTH = 255, PROTOCOL_MAX = 3 };

/* The machine. Items of the stack that lie above the last mark are those a pop may take.
 */
struct machine {
    struct pickle *p;
    const uint8_t *s;
    size_t n, at;
    size_t op; /* offset of the opcode under way */
    size_t n_ops;
    struct node **stack;
    size_t depth, stack_cap;
    size_t *mark; /* depths */
    size_t n_marks, mark_cap;
    struct node **memo;
    size_t memo_cap;
    bool done;
};

static int refuse(const struct machine *m, struct error *err, const char *what)
{
    return error_set(err, E_INPUT, "pickle opcode 0x%02x at byte %zu: %s", m->s[m->op],
                     m->op, what);
}

/* n bytes of an argument. */
static int take(struct machine *m, size_t n, const uint8_t **bytes, struct error *err)
{
    if (n > m->n - m->at)
        return refuse(m, err, "the file ends within its argument");
    *bytes = m->s + m->at;
    m->at += n;
    return 0;
}

/* Whatever takes memory or time that the size of the file does not bound is counted. */
static int count(struct machine *m, size_t n, struct error *err)
{
    if (n > PICKLE_NODES - m->p->n_nodes)
        return refuse(m, err, "the file has more than 1048576 values");
    m->p->n_nodes += n;
    return 0;
}

static int new_node(struct machine *m, enum node_kind kind, struct node **x,
                    struct error *err)
{
    if (count(m, 1, err) < 0)
        return E_INPUT;
    *x = arena_alloc(&m->p->arena, sizeof **x);
    (*x)->kind = kind;
    (*x)->at = m->op;
    return 0;
}

static void push(struct machine *m, struct node *x)
{
    GROW(m->stack, m->depth + 1, m->stack_cap);
    m->stack[m->depth++] = x;
}

static size_t floor_of(const struct machine *m)
{
    return m->n_marks > 0 ? m->mark[m->n_marks - 1] : 0;
}

static int pop(struct machine *m, struct node **x, struct error *err)
{
    if (m->depth <= floor_of(m))
        return refuse(m, err, "nothing is on the stack");
    *x = m->stack[--m->depth];
    return 0;
}

static int top(struct machine *m, struct node **x, struct error *err)
{
    if (m->depth <= floor_of(m))
        return refuse(m, err, "nothing is on the stack");
    *x = m->stack[m->depth - 1];
    return 0;
}

/* What lies above the last mark, borrowed until the next push; the mark is taken off. */
static int pop_mark(struct machine *m, struct node ***item, size_t *n, struct error *err)
{
    if (m->n_marks == 0)
        return refuse(m, err, "no mark is on the stack");
    *item = m->stack + m->mark[--m->n_marks];
    *n = m->depth - m->mark[m->n_marks];
    m->depth -= *n;
    return 0;
}

/* Adds n items. Room grows by doubling inside the arena, so at most half of it is lost.
 */
static void extend(struct machine *m, struct node *to, struct node **item, size_t n)
{
    struct node **more;

    if (n == 0)
        return;
    if (to->list.n + n > to->list.cap) {
        to->list.cap =
            to->list.n + n > 2 * to->list.cap ? to->list.n + n : 2 * to->list.cap;
        more = arena_alloc(&m->p->arena, to->list.cap * sizeof(struct node *));
        if (to->list.n > 0)
            memcpy(more, to->list.item, to->list.n * sizeof(struct node *));
        to->list.item = more;
    }
    memcpy(to->list.item + to->list.n, item, n * sizeof(struct node *));
    to->list.n += n;
}

/* A new value, pushed. */
static int push_new(struct machine *m, enum node_kind kind, struct node **x,
                    struct error *err)
{
    int rc = new_node(m, kind, x, err);

    if (rc == 0)
        push(m, *x);
    return rc;
}

static int push_integer(struct machine *m, enum node_kind kind, int64_t i,
                        struct error *err)
{
    struct node *x = NULL;
    int rc = push_new(m, kind, &x, err);

    if (rc == 0)
        x->integer = i;
    return rc;
}

static int push_text(struct machine *m, size_t n, struct error *err)
{
    const uint8_t *s = NULL;
    struct node *x = NULL;
    int rc;

    rc = take(m, n, &s, err);
    if (rc == 0)
        rc = push_new(m, NODE_TEXT, &x, err);
    if (rc < 0)
        return rc;
    x->text.s = (const char *)s;
    x->text.n = n;
    return 0;
}

static int push_tuple(struct machine *m, struct node **item, size_t n, struct error *err)
{
    struct node *x = NULL;
    int rc = new_node(m, NODE_TUPLE, &x, err);

    if (rc < 0)
        return rc;
    extend(m, x, item, n);
    push(m, x);
    return 0;
}

static int op_proto(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 1, &s, err);

    if (rc == 0 && *s > PROTOCOL_MAX)
        rc = refuse(m, err, "a protocol above 3");
    return rc;
}

static int op_stop(struct machine *m, struct error *err)
{
    if (m->depth != 1 || m->n_marks != 0)
        return refuse(m, err, "the stack does not hold one value at the end");
    m->done = true;
    return 0;
}

static int op_mark(struct machine *m, struct error *err)
{
    if (count(m, 1, err) < 0)
        return E_INPUT;
    GROW(m->mark, m->n_marks + 1, m->mark_cap);
    m->mark[m->n_marks++] = m->depth;
    return 0;
}

static int op_none(struct machine *m, struct error *err)
{
    struct node *x = NULL;

    return push_new(m, NODE_NONE, &x, err);
}

static int op_true(struct machine *m, struct error *err)
{
    return push_integer(m, NODE_BOOL, 1, err);
}

static int op_false(struct machine *m, struct error *err)
{
    return push_integer(m, NODE_BOOL, 0, err);
}

static int op_int1(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 1, &s, err);

    return rc < 0 ? rc : push_integer(m, NODE_INT, *s, err);
}

static int op_int2(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 2, &s, err);

    return rc < 0 ? rc : push_integer(m, NODE_INT, get_u16(s), err);
}

static int op_int4(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 4, &s, err);

    return rc < 0 ? rc : push_integer(m, NODE_INT, (int32_t)get_u32(s), err);
}

/* A length, then as many bytes of a two's complement number, the lowest first. */
static int op_long1(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    uint64_t bits = 0;
    int rc = take(m, 1, &s, err);
    size_t n;

    if (rc < 0)
        return rc;
    n = *s;
    rc = take(m, n, &s, err);
    if (rc < 0)
        return rc;
    if (n > sizeof bits)
        return push_integer(m, NODE_BIG, 0, err);
    if (n > 0 && s[n - 1] & 0x80)
        bits = UINT64_MAX;
    for (size_t i = n; i > 0; i--)
        bits = bits << 8 | s[i - 1];
    return push_integer(m, NODE_INT, (int64_t)bits, err);
}

/* Alone in this format, the highest byte comes first. */
static int op_real(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    uint64_t bits = 0;
    struct node *x = NULL;
    int rc = take(m, 8, &s, err);

    if (rc == 0)
        rc = push_new(m, NODE_REAL, &x, err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | s[i];
    memcpy(&x->real, &bits, sizeof bits);
    return 0;
}

static int op_text4(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 4, &s, err);

    if (rc == 0 && m->s[m->op] == 'T' && get_u32(s) > INT32_MAX)
        rc = refuse(m, err, "a negative length");
    return rc < 0 ? rc : push_text(m, get_u32(s), err);
}

static int op_text1(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 1, &s, err);

    return rc < 0 ? rc : push_text(m, *s, err);
}

static int op_empty_tuple(struct machine *m, struct error *err)
{
    return push_tuple(m, NULL, 0, err);
}

static int op_tuple(struct machine *m, struct error *err)
{
    struct node **item = NULL;
    size_t n = 0;
    int rc = pop_mark(m, &item, &n, err);

    return rc < 0 ? rc : push_tuple(m, item, n, err);
}

/* 0x85, 0x86, 0x87: of the last one, two or three values. */
static int op_tuple_of(struct machine *m, struct error *err)
{
    size_t n = m->s[m->op] - 0x84u;

    if (m->depth < floor_of(m) + n)
        return refuse(m, err, "not as many values are on the stack");
    m->depth -= n;
    return push_tuple(m, m->stack + m->depth, n, err);
}

static int op_empty_list(struct machine *m, struct error *err)
{
    struct node *x = NULL;

    return push_new(m, NODE_LIST, &x, err);
}

static int op_empty_dict(struct machine *m, struct error *err)
{
    struct node *x = NULL;

    return push_new(m, NODE_DICT, &x, err);
}

/* Adds to what is on top of the stack: a list, a dict, or a call whose items nobody asks
 * for. */
static int add_items(struct machine *m, enum node_kind kind, struct node **item, size_t n,
                     struct error *err)
{
    struct node *to = NULL;
    int rc = top(m, &to, err);

    if (rc < 0)
        return rc;
    if (kind == NODE_DICT && n % 2 != 0)
        return refuse(m, err, "a key without a value");
    if (to->kind == kind)
        extend(m, to, item, n);
    else if (to->kind != NODE_CALL)
        return refuse(m, err, kind == NODE_DICT ? "this is no dict" : "this is no list");
    return 0;
}

static int op_append(struct machine *m, struct error *err)
{
    struct node *x = NULL;
    int rc = pop(m, &x, err);

    return rc < 0 ? rc : add_items(m, NODE_LIST, &x, 1, err);
}

static int op_appends(struct machine *m, struct error *err)
{
    struct node **item = NULL;
    size_t n = 0;
    int rc = pop_mark(m, &item, &n, err);

    return rc < 0 ? rc : add_items(m, NODE_LIST, item, n, err);
}

static int op_setitem(struct machine *m, struct error *err)
{
    if (m->depth < floor_of(m) + 2)
        return refuse(m, err, "not as many values are on the stack");
    m->depth -= 2;
    return add_items(m, NODE_DICT, m->stack + m->depth, 2, err);
}

static int op_setitems(struct machine *m, struct error *err)
{
    struct node **item = NULL;
    size_t n = 0;
    int rc = pop_mark(m, &item, &n, err);

    return rc < 0 ? rc : add_items(m, NODE_DICT, item, n, err);
}

/* Writers number the memo from 0 or 1, so no number is above the opcodes read. */
static int put(struct machine *m, size_t i, struct error *err)
{
    struct node *x = NULL;
    int rc = top(m, &x, err);
    size_t old = m->memo_cap;

    if (rc < 0)
        return rc;
    if (i > m->n_ops || i > PICKLE_NODES)
        return refuse(m, err, "a memo number that is out of order");
    GROW(m->memo, i + 1, m->memo_cap);
    if (m->memo_cap > old)
        memset(m->memo + old, 0, (m->memo_cap - old) * sizeof(struct node *));
    m->memo[i] = x;
    return 0;
}

static int get(struct machine *m, size_t i, struct error *err)
{
    if (i >= m->memo_cap || m->memo[i] == NULL)
        return refuse(m, err, "a memo number that nothing was put under");
    if (count(m, 1, err) < 0)
        return E_INPUT;
    push(m, m->memo[i]);
    return 0;
}

static int op_put1(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 1, &s, err);

    return rc < 0 ? rc : put(m, *s, err);
}

static int op_put4(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 4, &s, err);

    return rc < 0 ? rc : put(m, get_u32(s), err);
}

static int op_get1(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 1, &s, err);

    return rc < 0 ? rc : get(m, *s, err);
}

static int op_get4(struct machine *m, struct error *err)
{
    const uint8_t *s = NULL;
    int rc = take(m, 4, &s, err);

    return rc < 0 ? rc : get(m, get_u32(s), err);
}

/* A line of printable ASCII, new in the arena. */
static int take_line(struct machine *m, const char **line, struct error *err)
{
    const uint8_t *s = m->s + m->at;
    size_t most = m->n - m->at, n = 0;

    while (n < most && n <= NAME_MAX_LENGTH && s[n] > ' ' && s[n] < 0x7f)
        n++;
    if (n == most || s[n] != '\n')
        return refuse(m, err, "a name that is no short line of printable characters");
    *line = arena_strndup(&m->p->arena, (const char *)s, n);
    m->at += n + 1;
    return 0;
}

static int op_name(struct machine *m, struct error *err)
{
    struct node *x = NULL;
    int rc = new_node(m, NODE_NAME, &x, err);

    if (rc == 0)
        rc = take_line(m, &x->name.module, err);
    if (rc == 0)
        rc = take_line(m, &x->name.name, err);
    if (rc < 0)
        return rc;
    x->name.is = names_find(x->name.module, x->name.name, &x->name.dtype);
    if (x->name.is == NAME_FOREIGN && !m->p->foreign)
        return error_set(err, E_INPUT,
                         "pickle opcode 0x%02x at byte %zu: the file asks for the Python "
                         "name %s %s, which is not on the list of what weights need",
                         m->s[m->op], m->op, x->name.module, x->name.name);
    push(m, x);
    return 0;
}

/* Python 2 gives OrderedDict one argument, a list of lists of a key and a value. */
static int ordered_dict(struct machine *m, const struct node *args, struct error *err)
{
    const struct node *pairs = node_item(args, 0);
    struct node *x = NULL;
    int rc = push_new(m, NODE_DICT, &x, err);

    if (rc < 0 || args->list.n == 0)
        return rc;
    if (args->list.n != 1 || pairs->kind != NODE_LIST)
        return refuse(m, err, "an OrderedDict of something else than pairs");
    if (count(m, pairs->list.n, err) < 0)
        return E_INPUT;
    for (size_t i = 0; i < pairs->list.n; i++) {
        struct node *pair = pairs->list.item[i];

        if ((pair->kind != NODE_LIST && pair->kind != NODE_TUPLE) || pair->list.n != 2)
            return refuse(m, err, "an OrderedDict of something else than pairs");
        extend(m, x, pair->list.item, 2);
    }
    return 0;
}

/* REDUCE and NEWOBJ. */
static int op_call(struct machine *m, struct error *err)
{
    struct node *args = NULL, *callee = NULL, *x = NULL;
    int rc = pop(m, &args, err);

    if (rc == 0)
        rc = pop(m, &callee, err);
    if (rc < 0)
        return rc;
    if (args->kind != NODE_TUPLE)
        return refuse(m, err, "the arguments of a call are no tuple");
    if (callee->kind != NODE_NAME && callee->kind != NODE_CALL)
        return refuse(m, err, "what is called is no name");
    if (callee->kind == NODE_NAME && callee->name.is == NAME_ORDERED_DICT)
        return ordered_dict(m, args, err);
    rc = push_new(m, NODE_CALL, &x, err);
    if (rc < 0)
        return rc;
    x->call.callee = callee;
    x->call.args = args;
    return 0;
}

/* The state of an OrderedDict is its `_metadata`, which says nothing about the weights.
 */
static int op_build(struct machine *m, struct error *err)
{
    struct node *state = NULL, *x = NULL;
    int rc = pop(m, &state, err);

    if (rc == 0)
        rc = top(m, &x, err);
    if (rc < 0)
        return rc;
    if (x->kind == NODE_CALL)
        x->call.state = state;
    else if (x->kind != NODE_DICT)
        return refuse(m, err, "the state of a thing that has none");
    return 0;
}

static int op_persistent(struct machine *m, struct error *err)
{
    struct pickle *p = m->p;
    struct node *id = NULL, *x = NULL;
    int rc = pop(m, &id, err);

    if (rc == 0)
        rc = push_new(m, NODE_PERSISTENT, &x, err);
    if (rc < 0)
        return rc;
    x->id = id;
    GROW(p->persistent, p->n_persistent + 1, p->cap);
    p->persistent[p->n_persistent++] = x;
    return 0;
}

static int op_pop(struct machine *m, struct error *err)
{
    struct node *x = NULL;

    if (m->n_marks > 0 && m->mark[m->n_marks - 1] == m->depth) {
        m->n_marks--;
        return 0;
    }
    return pop(m, &x, err);
}

static int op_pop_mark(struct machine *m, struct error *err)
{
    struct node **item = NULL;
    size_t n = 0;

    return pop_mark(m, &item, &n, err);
}

/* Whatever is not here is refused. */
static int (*const ops[256])(struct machine *m, struct error *err) = {
    [0x80] = op_proto,     ['.'] = op_stop,       ['('] = op_mark,
    ['N'] = op_none,       [0x88] = op_true,      [0x89] = op_false,
    ['K'] = op_int1,       ['M'] = op_int2,       ['J'] = op_int4,
    [0x8a] = op_long1,     ['G'] = op_real,       ['X'] = op_text4,
    ['T'] = op_text4,      ['U'] = op_text1,      [')'] = op_empty_tuple,
    ['t'] = op_tuple,      [0x85] = op_tuple_of,  [0x86] = op_tuple_of,
    [0x87] = op_tuple_of,  [']'] = op_empty_list, ['a'] = op_append,
    ['e'] = op_appends,    ['}'] = op_empty_dict, ['s'] = op_setitem,
    ['u'] = op_setitems,   ['q'] = op_put1,       ['r'] = op_put4,
    ['h'] = op_get1,       ['j'] = op_get4,       ['c'] = op_name,
    ['R'] = op_call,       [0x81] = op_call,      ['b'] = op_build,
    ['Q'] = op_persistent, ['0'] = op_pop,        ['1'] = op_pop_mark,
};

static int step(struct machine *m, struct error *err)
{
    if (m->at == m->n)
        return error_set(err, E_INPUT, "the file ends within a pickle, at byte %zu",
                         m->n);
    m->op = m->at++;
    m->n_ops++;
    if (ops[m->s[m->op]] == NULL)
        return refuse(m, err, "not one of the opcodes that weights need");
    return ops[m->s[m->op]](m, err);
}

int pickle_read(struct pickle *p, const uint8_t *s, size_t n, size_t *at,
                struct node **root, struct error *err)
{
    struct machine m = { .p = p, .s = s, .n = n, .at = *at };
    int rc = 0;

    GROW(m.stack, 1, m.stack_cap); /* so that none is ever at NULL */
    while (!m.done && rc == 0)
        rc = step(&m, err);
    if (rc == 0) {
        *root = m.stack[0];
        *at = m.at;
    }
    free(m.memo);
    free(m.mark);
    free(m.stack);
    return rc;
}

void pickle_release(struct pickle *p)
{
    free(p->persistent);
    arena_release(&p->arena);
    *p = (struct pickle){ 0 };
}

bool node_is_text(const struct node *x, const char *text)
{
    return x->kind == NODE_TEXT && x->text.n == strlen(text) &&
           memcmp(x->text.s, text, x->text.n) == 0;
}

struct node *node_get(const struct node *dict, const char *key)
{
    if (dict->kind != NODE_DICT)
        return NULL;
    for (size_t i = dict->list.n; i > 1; i -= 2)
        if (node_is_text(dict->list.item[i - 2], key))
            return dict->list.item[i - 1];
    return NULL;
}

bool node_calls(const struct node *x, enum name name)
{
    return x->kind == NODE_CALL && x->call.callee->kind == NODE_NAME &&
           x->call.callee->name.is == name;
}

struct node *node_item(const struct node *x, size_t i)
{
    if ((x->kind != NODE_TUPLE && x->kind != NODE_LIST) || i >= x->list.n)
        return NULL;
    return x->list.item[i];
}

const char *node_describe(const struct node *x, char *text, size_t size)
{
    static const char *const words[] = {
        [NODE_NONE] = "None",     [NODE_BOOL] = "a truth value",
        [NODE_INT] = "a number",  [NODE_BIG] = "a number",
        [NODE_REAL] = "a number", [NODE_TEXT] = "a text",
        [NODE_TUPLE] = "a tuple", [NODE_LIST] = "a list",
        [NODE_DICT] = "a dict",   [NODE_NAME] = "the Python name",
        [NODE_CALL] = "a call",   [NODE_PERSISTENT] = "a reference",
    };
    const struct node *callee = x->kind == NODE_CALL ? x->call.callee : x;

    if (callee->kind == NODE_NAME)
        snprintf(text, size, "%s%s %s", x->kind == NODE_CALL ? "a call of " : "",
                 callee->name.module, callee->name.name);
    else
        snprintf(text, size, "%s", words[x->kind]);
    return text;
}
