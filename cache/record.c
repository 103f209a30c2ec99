#include "larder/record.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"

#include "scan.h"

#include "larder/banned.h"

enum {
    RECORD_OUTPUTS_MAX = 100000,
    RECORD_TEXT_MAX = 64 << 20,
    CHECKSUM_LINE = sizeof "checksum sha256:" - 1 + DIGEST_HEX + 1,
};

static const char *const kind_word[] = {
    [OBJECT_FILE] = "file ", [OBJECT_TREE] = "tree ", [OBJECT_EXEC] = "exec "
};

struct record *record_new(void)
{
    return xcalloc(1, sizeof(struct record));
}

void record_free(struct record *r)
{
    if (!r)
        return;
    segments_release(&r->starts);
    arena_release(&r->arena);
    free(r);
}

void records_free(struct record **r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        record_free(r[i]);
    free(r);
}

const struct object *record_output(const struct record *r, const char *name)
{
    size_t low = 0, high = r->n_outputs;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(r->output[middle].name, name);

        if (order == 0)
            return &r->output[middle].object;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool is_named(const struct object *o)
{
    static const struct digest none;

    return !digest_equal(&o->id, &none);
}

static int compare_outputs(const void *a, const void *b)
{
    const struct record_output *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static void write_object(const struct object *o, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    assert(o->size >= 0);
    buf_printf(to, "%s%lld sha256:%s", kind_word[o->kind], o->size,
               digest_hex(&o->id, hex));
}

/* What is kept beside the outputs: the log, the list of what was discovered. */
static void write_beside(struct buf *to, const char *field, const struct object *o)
{
    buf_printf(to, "%s ", field);
    if (is_named(o))
        write_object(o, to);
    else
        buf_addc(to, '-');
    buf_addc(to, '\n');
}

/* A field that may be absent; "-" stands for that. */
static void write_field(struct buf *to, const char *field, const char *text)
{
    buf_printf(to, "%s ", field);
    buf_add_escaped(to, text && *text ? text : "-");
    buf_addc(to, '\n');
}

static void write_double(struct buf *to, const char *field, double x)
{
    assert(isfinite(x) && x >= 0);
    buf_printf(to, "%s ", field);
    buf_add_double(to, x);
    buf_addc(to, '\n');
}

static void write_objects(struct record *r, struct buf *to)
{
    if (r->n_outputs)
        qsort(r->output, r->n_outputs, sizeof *r->output, compare_outputs);
    for (size_t i = 0; i < r->n_outputs; i++) {
        assert(i == 0 || strcmp(r->output[i - 1].name, r->output[i].name) < 0);
        buf_adds(to, r->output[i].temp ? "temp " : "output ");
        write_object(&r->output[i].object, to);
        buf_addc(to, ' ');
        buf_add_escaped(to, r->output[i].name);
        buf_addc(to, '\n');
    }
}

void record_write(struct record *r, struct buf *to)
{
    size_t start = to->len, n = strlen(r->key_text);
    char hex[DIGEST_HEX + 1];
    struct digest sum;

    digest_bytes(&sum, r->key_text, n);
    assert(digest_equal(&sum, &r->key) && n > 0 && r->key_text[n - 1] == '\n');
    assert(r->rss >= 0 && r->made >= 0 && r->segments >= 1);
    buf_printf(to, FORMAT_RECORD "\nkey sha256:%s\n", digest_hex(&r->key, hex));
    write_field(to, "step", r->step);
    write_field(to, "program", r->program);
    write_objects(r, to);
    write_beside(to, "log", &r->log);
    write_double(to, "wall", r->wall);
    write_double(to, "cpu", r->cpu);
    buf_printf(to, "rss %lld\nmade %lld\n", r->rss, r->made);
    write_field(to, "boot", r->boot);
    write_field(to, "platform", r->platform);
    assert(r->starts.n == 0 || (long)r->starts.n == r->segments);
    buf_printf(to, "segments %ld\n", r->segments);
    for (size_t i = 0; i < r->starts.n; i++)
        segment_write(&r->starts.segment[i], to);
    if (r->watched)
        write_beside(to, "discovered", &r->discovered);
    buf_printf(to, "key-document %zu\n%s", n, r->key_text);
    digest_bytes(&sum, to->s + start, to->len - start);
    buf_printf(to, "checksum sha256:%s\n", digest_hex(&sum, hex));
    digest_bytes(&r->id, to->s + start, to->len - start);
}

/* Checks the last line; *n is then the length of what comes before it. */
static bool checksum_is_right(const char *text, size_t *n)
{
    struct scan s;
    struct digest told, sum;

    if (*n < CHECKSUM_LINE)
        return false;
    scan_start(&s, text + *n - CHECKSUM_LINE, CHECKSUM_LINE);
    if (!scan_text(&s, "checksum ") || !scan_digest(&s, &told) || !scan_newline(&s))
        return false;
    *n -= CHECKSUM_LINE;
    digest_bytes(&sum, text, *n);
    return digest_equal(&sum, &told);
}

bool record_is_whole(const char *text, size_t n)
{
    return n <= RECORD_TEXT_MAX && checksum_is_right(text, &n);
}

static bool read_object(struct scan *s, struct object *o)
{
    if (scan_text(s, kind_word[OBJECT_FILE]))
        o->kind = OBJECT_FILE;
    else if (scan_text(s, kind_word[OBJECT_TREE]))
        o->kind = OBJECT_TREE;
    else if (scan_text(s, kind_word[OBJECT_EXEC]))
        o->kind = OBJECT_EXEC;
    else
        return false;
    return scan_number(s, &o->size) && scan_text(s, " ") && scan_digest(s, &o->id);
}

static bool read_outputs(struct scan *s, struct record *r)
{
    size_t cap = 0;
    struct record_output *list = NULL;
    bool good = true;

    while (good) {
        struct record_output o = { .temp = scan_text(s, "temp ") };

        if (!o.temp && !scan_text(s, "output "))
            break;

        good = r->n_outputs < RECORD_OUTPUTS_MAX && read_object(s, &o.object) &&
               scan_text(s, " ") && (o.name = scan_escaped(s, &r->arena)) != NULL &&
               scan_newline(s) &&
               (r->n_outputs == 0 || strcmp(list[r->n_outputs - 1].name, o.name) < 0);
        if (good) {
            GROW(list, r->n_outputs + 1, cap);
            list[r->n_outputs++] = o;
        }
    }
    if (r->n_outputs) {
        r->output = arena_alloc(&r->arena, r->n_outputs * sizeof *list);
        memcpy(r->output, list, r->n_outputs * sizeof *list);
    }
    free(list);
    return good;
}

/* A field that write_field() wrote; absent ones become NULL. */
static bool read_field(struct scan *s, const char *field, struct arena *arena,
                       const char **text)
{
    if (!scan_text(s, field) || !scan_text(s, " "))
        return false;
    *text = scan_escaped(s, arena);
    if (!*text || !scan_newline(s))
        return false;
    if (strcmp(*text, "-") == 0)
        *text = NULL;
    return true;
}

static bool read_number(struct scan *s, const char *field, long long *value)
{
    return scan_text(s, field) && scan_text(s, " ") && scan_number(s, value) &&
           scan_newline(s);
}

static bool read_double(struct scan *s, const char *field, double *value)
{
    return scan_text(s, field) && scan_text(s, " ") && scan_double(s, value) &&
           scan_newline(s);
}

static bool read_beside(struct scan *s, struct object *o)
{
    if (!scan_text(s, "-") &&
        (!read_object(s, o) || o->kind != OBJECT_FILE || !is_named(o)))
        return false;
    return scan_newline(s);
}

static bool read_key_document(struct scan *s, struct record *r)
{
    long long n;
    struct digest d;

    if (!read_number(s, "key-document", &n) || n == 0 || n != s->end - s->at)
        return false;
    r->key_text = scan_bytes(s, (size_t)n, &r->arena);
    if (!r->key_text || r->key_text[n - 1] != '\n')
        return false;
    digest_bytes(&d, r->key_text, (size_t)n);
    return digest_equal(&d, &r->key);
}

/* The name of the first field that is not as it should be, or NULL. */
static const char *read_fields(struct scan *s, struct record *r)
{
    long long segments;

    if (!scan_text(s, FORMAT_RECORD) || !scan_newline(s))
        return "first line";
    if (!scan_text(s, "key ") || !scan_digest(s, &r->key) || !scan_newline(s))
        return "key";
    if (!read_field(s, "step", &r->arena, &r->step))
        return "step";
    if (!read_field(s, "program", &r->arena, &r->program))
        return "program";
    if (!read_outputs(s, r))
        return "output";
    if (!scan_text(s, "log ") || !read_beside(s, &r->log))
        return "log";
    if (!read_double(s, "wall", &r->wall))
        return "wall";
    if (!read_double(s, "cpu", &r->cpu))
        return "cpu";
    if (!read_number(s, "rss", &r->rss))
        return "rss";
    if (!read_number(s, "made", &r->made))
        return "made";
    if (!read_field(s, "boot", &r->arena, &r->boot))
        return "boot";
    if (!read_field(s, "platform", &r->arena, &r->platform))
        return "platform";
    if (!read_number(s, "segments", &segments) || segments < 1 || segments > INT32_MAX)
        return "segments";
    r->segments = (long)segments;
    if (!segments_scan(&r->starts, s) ||
        (r->starts.n && (long)r->starts.n != r->segments))
        return "segment";
    r->watched = scan_text(s, "discovered ");
    if (r->watched && !read_beside(s, &r->discovered))
        return "discovered";
    return read_key_document(s, r) ? NULL : "key-document";
}

int record_read(struct record **r, const char *text, size_t n, struct error *err)
{
    struct record *new;
    struct scan s;
    const char *wrong;
    size_t fields = n;

    *r = NULL;
    if (n > RECORD_TEXT_MAX)
        return error_set(err, E_CORRUPT, "a record of %zu bytes is too long", n);
    if (!checksum_is_right(text, &fields))
        return error_set(err, E_CORRUPT,
                         "the last line of the record, its checksum, "
                         "does not fit the %zu bytes before it",
                         fields);
    new = record_new();
    scan_start(&s, text, fields);
    wrong = read_fields(&s, new);
    if (wrong) {
        record_free(new);
        return error_set(err, E_CORRUPT, "line %d of the record: no valid %s", s.line,
                         wrong);
    }
    digest_bytes(&new->id, text, n);
    *r = new;
    return 0;
}
