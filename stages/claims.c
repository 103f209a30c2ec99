/*
 * claims - what was said, judged by the numbers of this run.
 *
 * in   claims    TSV: id section statement paper unit value judge within world again note
 *      tables    tables (tabulate)
 *      data      other TSV files with numbers
 * out  verdicts  TSV: id section statement here unit [paper differs near] verdict why
 * from summary   TSV: verdict claims
 *
 * `value` and `judge` are formulas (claim/formula.h) over cells and columns
 * (claim/evidence.h); docs/claims.md has the grammar. No claim is known to this program.
 */
#include <string.h>

#include "claim/verdict.h"
#include "kit/stage.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct options {
    const char *claims, *tables, *data, *verdicts, *again, *show, *world;
    bool compare;
};

enum field {
    ID,
    SECTION,
    STATEMENT,
    PAPER,
    UNIT,
    VALUE,
    JUDGE,
    WITHIN,
    WORLD,
    AGAIN,
    NOTE,
    FIELDS
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct verdict_options judging;
    char *from; /* owns the words of judging */
    struct tsv claims;
    int column[FIELDS];
    struct evidence evidence;
    struct buf rows;
};

static int read_words(struct work *w, struct error *err)
{
    char *colon;

    w->judging.compare = w->o->compare;
    if (w->o->again[0] == '\0')
        return 0;
    w->from = xstrdup(w->o->again);
    colon = strchr(w->from, ':');
    if (colon == NULL || colon == w->from || colon[1] == '\0')
        return error_set(err, E_INPUT, "again is \"%s\", not WORD:OTHER", w->o->again);
    *colon = '\0';
    w->judging.from = w->from;
    w->judging.to = colon + 1;
    return 0;
}

static int read_all(struct work *w, struct error *err)
{
    static const char *const names[] = {
        "id",    "section", "statement", "paper", "unit", "value",
        "judge", "within",  "world",     "again", "note",
    };
    int rc = read_words(w, err);

    if (rc == 0)
        rc = tsv_read(&w->claims, w->o->claims, err);
    for (int f = 0; f < FIELDS && rc == 0; f++) {
        w->column[f] = tsv_column(&w->claims, names[f], err);
        rc = w->column[f] < 0 ? E_INPUT : 0;
    }
    if (rc == 0)
        rc = evidence_read(&w->evidence, w->o->tables, w->o->data, err);
    return rc;
}

static void release_all(struct work *w)
{
    free(w->from);
    tsv_release(&w->claims);
    evidence_release(&w->evidence);
    buf_release(&w->rows);
}

static const char *field(const struct work *w, size_t row, enum field f)
{
    return tsv_get(&w->claims, row, w->column[f]);
}

static void add_row(struct work *w, size_t row, const struct judged *j)
{
    struct buf *to = &w->rows;

    buf_printf(to, "%s\t%s\t%s\t%s\t%s", field(w, row, ID), field(w, row, SECTION),
               field(w, row, STATEMENT), buf_str(&j->value), field(w, row, UNIT));
    if (w->o->compare)
        buf_printf(to, "\t%s\t%s\t%s", field(w, row, PAPER), buf_str(&j->differ),
                   buf_str(&j->near));
    buf_printf(to, "\t%s\t%s\t%s\n", verdict_word[j->verdict], buf_str(&j->why),
               buf_str(&j->from));
}

static int judge_row(struct work *w, size_t row, struct error *err)
{
    struct claim c = { .value = field(w, row, VALUE),
                       .judge = field(w, row, JUDGE),
                       .paper = field(w, row, PAPER),
                       .within = field(w, row, WITHIN),
                       .once = strcmp(field(w, row, AGAIN), "no") == 0,
                       .note = field(w, row, NOTE) };
    struct judged j = { .verdict = VERDICT_NOT_JUDGED };
    const char *world = field(w, row, WORLD);
    int rc = 0;

    if (world[0] == '\0' || strcmp(world, w->o->world) == 0)
        rc = verdict_judge(&j, &c, &w->evidence, &w->judging, err);
    else
        buf_printf(&j.why, "speaks of the world %s alone", world);

    if (rc < 0) {
        error_context(err, "%s:%zu: %s", w->claims.path, tsv_line(&w->claims, row),
                      field(w, row, ID));
    } else if (strcmp(w->o->show, "all") == 0 ||
               strcmp(w->o->show, verdict_word[j.verdict]) == 0) {
        add_row(w, row, &j);
    }
    judged_release(&j);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = read_all(&w, err);

    buf_printf(&w.rows, "id\tsection\tstatement\there\tunit%s\tverdict\twhy\tfrom\n",
               w.o->compare ? "\tpaper\tdiffers\tnear" : "");
    for (size_t i = 0; i < w.claims.n_rows && rc == 0; i++)
        rc = judge_row(&w, i, err);
    if (rc == 0)
        rc = tsv_write(w.o->verdicts, &w.rows, err);
    release_all(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .again = "", .show = "all", .world = "" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Judges claims by the numbers of this run"),
        STAGE_IN("claims", &o.claims, "claims (TSV, docs/claims.md)"),
        STAGE_MAY_IN_LIST("tables", &o.tables, "tables (TSV of tabulate)"),
        STAGE_MAY_IN_LIST("data", &o.data, "other TSV files with numbers"),
        STAGE_OUT("verdicts", &o.verdicts, "each claim with its numbers and verdict"),
        STAGE_BOOL("compare", &o.compare, "stand the published numbers beside"),
        STAGE_STRING("again", &o.again,
                     "A:B: what is said of A must hold of B too, where B is there"),
        STAGE_STRING("world", &o.world, "claims of another world are not judged"),
        STAGE_CHOICE("show", &o.show, "all|holds|unsure|fails|not judged",
                     "claims of which verdict are written"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
