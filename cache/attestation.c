#include "larder/attestation.h"

#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"

#include "scan.h"

#include "larder/banned.h"

static const char *const how_word[] = { [ATTEST_REPRODUCED] = "reproduced",
                                        [ATTEST_WITHIN] = "within-tolerance",
                                        [ATTEST_VOUCHED] = "vouched" };
enum { N_HOW = sizeof how_word / sizeof how_word[0], ATTESTED_MAX = 100000 };

const char *attest_word(enum attest_how how)
{
    return how_word[how];
}

void attestation_free(struct attestation *a)
{
    if (!a)
        return;
    arena_release(&a->arena);
    free(a);
}

void attestations_free(struct attestation **a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        attestation_free(a[i]);
    free(a);
}

/* ---- writing ------------------------------------------------------------------------
 */

static void write_digest(struct buf *to, const char *field, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "%s sha256:%s", field, digest_hex(d, hex));
}

static void write_line(struct buf *to, const char *field, const char *text)
{
    buf_printf(to, "%s ", field);
    buf_add_escaped(to, text && *text ? text : "-");
    buf_addc(to, '\n');
}

void attestation_write(const struct attestation *a, struct buf *to)
{
    buf_adds(to, FORMAT_ATTESTATION "\n");
    write_digest(to, "key", &a->key);
    write_digest(to, "\nrecord", &a->record);
    buf_printf(to, "\nhow %s\nmade %lld\n", how_word[a->how], a->made);
    write_line(to, "platform", a->platform);
    for (size_t i = 0; i < a->n_env; i++)
        write_line(to, "env", a->env[i]);
    for (size_t i = 0; i < a->n_outputs; i++) {
        const struct attested_output *o = &a->output[i];

        write_digest(to, o->same ? "same" : "within", &o->ours);
        write_line(to, "", o->name);
        if (!o->same)
            write_line(to, "measured", o->measured);
    }
}

/* ---- reading ------------------------------------------------------------------------
 */

static bool read_how(struct scan *s, enum attest_how *how)
{
    struct scan start = *s;

    for (size_t i = 0; i < N_HOW; i++) {
        *s = start;
        if (scan_text(s, how_word[i]) && scan_newline(s)) {
            *how = (enum attest_how)i;
            return true;
        }
    }
    return false;
}

/* The rest of a line; NULL in *text for "-". */
static bool read_line(struct scan *s, struct arena *arena, const char **text)
{
    *text = scan_escaped(s, arena);
    if (!*text || !scan_newline(s))
        return false;
    if (!strcmp(*text, "-"))
        *text = NULL;
    return true;
}

/* Whether this field begins here: it is passed then. */
static bool at_field(struct scan *s, const char *field)
{
    size_t n = strlen(field);

    if ((size_t)(s->end - s->at) < n || memcmp(s->at, field, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool read_env(struct scan *s, struct attestation *a)
{
    size_t cap = 0;
    const char **list = NULL;
    bool ok = true;

    while (ok && at_field(s, "env ")) {
        const char *text;

        ok = read_line(s, &a->arena, &text) && text && strchr(text, '=') &&
             (!a->n_env || strcmp(list[a->n_env - 1], text) < 0) &&
             a->n_env < ATTESTED_MAX;
        if (!ok)
            break;
        GROW(list, a->n_env + 1, cap);
        list[a->n_env++] = text;
    }
    a->env = arena_alloc(&a->arena, (a->n_env + 1) * sizeof *a->env);
    if (a->n_env)
        memcpy(a->env, list, a->n_env * sizeof *list);
    free(list);
    return ok;
}

static bool read_output(struct scan *s, struct attestation *a, bool same,
                        const char *before, struct attested_output *o)
{
    *o = (struct attested_output){ .same = same };
    return scan_digest(s, &o->ours) && scan_text(s, " ") &&
           read_line(s, &a->arena, &o->name) && o->name &&
           (!before || strcmp(before, o->name) < 0) &&
           (same || (at_field(s, "measured ") && read_line(s, &a->arena, &o->measured)));
}

static bool read_outputs(struct scan *s, struct attestation *a)
{
    size_t cap = 0;
    struct attested_output *list = NULL;
    bool ok = true;

    while (ok && !scan_done(s)) {
        bool same = at_field(s, "same ");

        ok = (same || at_field(s, "within ")) && a->n_outputs < ATTESTED_MAX;
        if (!ok)
            break;
        GROW(list, a->n_outputs + 1, cap);
        ok = read_output(s, a, same, a->n_outputs ? list[a->n_outputs - 1].name : NULL,
                         &list[a->n_outputs]);
        a->n_outputs += ok;
    }
    a->output = arena_alloc(&a->arena, (a->n_outputs + 1) * sizeof *a->output);
    if (a->n_outputs)
        memcpy(a->output, list, a->n_outputs * sizeof *list);
    free(list);
    return ok;
}

/* What it says of its outputs is what it says of itself. */
static bool is_consistent(const struct attestation *a)
{
    size_t n_within = 0;

    for (size_t i = 0; i < a->n_outputs; i++)
        n_within += !a->output[i].same;
    switch (a->how) {
    case ATTEST_REPRODUCED:
        return a->n_outputs > 0 && n_within == 0;
    case ATTEST_WITHIN:
        return n_within > 0;
    case ATTEST_VOUCHED:
        return a->n_outputs == 0 && a->n_env == 0;
    }
    return false;
}

/* The name of the first field that is not as it should be, or NULL. */
static const char *read_fields(struct scan *s, struct attestation *a)
{
    if (!scan_text(s, FORMAT_ATTESTATION) || !scan_newline(s))
        return "first line";
    if (!scan_text(s, "key ") || !scan_digest(s, &a->key) || !scan_newline(s))
        return "key";
    if (!scan_text(s, "record ") || !scan_digest(s, &a->record) || !scan_newline(s))
        return "record";
    if (!scan_text(s, "how ") || !read_how(s, &a->how))
        return "how";
    if (!scan_text(s, "made ") || !scan_number(s, &a->made) || !scan_newline(s))
        return "made";
    if (!scan_text(s, "platform ") || !read_line(s, &a->arena, &a->platform))
        return "platform";
    if (!read_env(s, a))
        return "env";
    return read_outputs(s, a) && is_consistent(a) ? NULL : "output";
}

int attestation_read(struct attestation **to, const char *text, size_t n,
                     struct error *err)
{
    struct attestation *a = xcalloc(1, sizeof *a);
    const char *wrong;
    struct scan s;

    *to = NULL;
    scan_start(&s, text, n);
    wrong = read_fields(&s, a);
    if (wrong) {
        attestation_free(a);
        return error_set(err, E_CORRUPT, "line %d of an attestation: no valid %s", s.line,
                         wrong);
    }
    *to = a;
    return 0;
}
