/*
 * tabulate - records to a table: which rows, which columns, which number in each cell.
 *
 * in   records   list of records, one a cell (classify, attack, cue, kernel-tv, …)
 *      only      list of lists of pictures (intersect): no others count
 *      paper     published numbers (TSV: row column value), to stand beside
 * out  table     TSV, one line a cell, with interval and the digests it came from
 * out  pairs     TSV, one line a comparison of two columns over the same pictures
 *
 * A clean-against-adversarial table of two nets, for example:
 *
 *   --measure=accuracy --rows=stage --columns=kind
 *   --row-names=classify=Clean,attack=Adversarial --compare=R:S
 */
#include "kit/stage.h"
#include "table/cells.h"
#include "table/pairs.h"

#include "larder/banned.h"

struct options {
    const char *records, *table, *pairs_out;
    const char *pairs;
    struct cells_options cells;
};

static int tabulate(const void *options, struct error *err)
{
    const struct options *o = options;
    struct cells cells = { 0 };
    struct buf text = { 0 }, pairs = { 0 };
    int rc;

    rc = cells_read(&cells, &o->cells, o->records, err);
    if (rc < 0)
        goto out;
    cells_write(&cells, &text);
    rc = pairs_write(&cells, o->pairs, &pairs, err);
    if (rc < 0)
        goto out;
    rc = tsv_write(o->table, &text, err);
    if (rc < 0)
        goto out;
    rc = tsv_write(o->pairs_out, &pairs, err);
out:
    buf_release(&pairs);
    buf_release(&text);
    cells_release(&cells);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .pairs = "",
        .cells = { .measure = "accuracy",
                   .parts = "",
                   .rows = "part",
                   .columns = "stage",
                   .row_names = "",
                   .column_names = "",
                   .total = "" },
    };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Lays records out as a table, with intervals and paired tests"),
        STAGE_IN_LIST("records", &o.records, "records, each with its axes"),
        STAGE_MAY_IN_LIST("only", &o.cells.only,
                          "lists of pictures (TSV: image), by axes: only these count"),
        STAGE_MAY_IN("paper", &o.cells.paper,
                     "published numbers (TSV: row column value)"),
        STAGE_OUT("table", &o.table, "table (TSV, one line a cell)"),
        STAGE_OUT("pairs", &o.pairs_out, "paired comparisons (TSV)"),
        STAGE_CHOICE("measure", &o.cells.measure, MEASURES, "what to read off a record"),
        STAGE_STRING("parts", &o.cells.parts,
                     "parts of the measure, in order; empty: all"),
        STAGE_STRING("rows", &o.cells.rows, "axes that name a row (part: the parts)"),
        STAGE_STRING("columns", &o.cells.columns, "axes that name a column"),
        STAGE_STRING("row-names", &o.cells.row_names,
                     "what to print: word=Name,word=Name"),
        STAGE_STRING("column-names", &o.cells.column_names, "the same for columns"),
        STAGE_BOOL("pool", &o.cells.pool,
                   "records of the same pictures may share a cell: their mean"),
        STAGE_BOOL("spread", &o.cells.spread,
                   "records may share a cell: the mean, from the least to the largest"),
        STAGE_STRING("total", &o.cells.total,
                     "name of a last row that pools each column; empty: none"),
        STAGE_STRING("compare", &o.pairs,
                     "columns to compare picture by picture: A:B,C:D"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, tabulate, &o);
}
