#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#include "larder/fs.h"
#include "table/cells.h"
#include "table/pairs.h"
#include "table/table.h"

#include "own_folder.h"

TestSuite(table, .init = enter_folder, .fini = leave_folder);

static const char accuracy_of_s[] = "image\tlabel\tpredicted\tp\tp_label\n"
                                    "b\t1\t1\t.9\t.9\na\t0\t0\t.9\t.9\nc\t2\t1\t.9\t.1\n";
static const char accuracy_of_r[] = "image\tlabel\tpredicted\tp\tp_label\n"
                                    "a\t0\t0\t.9\t.9\nb\t1\t0\t.9\t.1\nc\t2\t2\t.9\t.9\n";

static const struct cells_options by_stage_and_net = { .measure = "accuracy",
                                                       .parts = "",
                                                       .rows = "stage",
                                                       .columns = "arch,net",
                                                       .row_names =
                                                           "late=Late,early=Early",
                                                       .column_names =
                                                           "alexnet=AlexNet" };

static void put_records(void)
{
    put("s.tsv", accuracy_of_s);
    put("r.tsv", accuracy_of_r);
    put("list",
        "stage\tarch\tnet\tpath\nearly\talexnet\tS\ts.tsv\nearly\talexnet\tR\tr.tsv\n"
        "late\talexnet\tS\tr.tsv\n");
}

static void read_cells(struct cells *c, const struct cells_options *o)
{
    struct error err = { 0 };

    cr_assert(eq(int, cells_read(c, o, "list", &err), 0), "%s", err.text);
}

Test(table, records_become_cells_with_count_interval_and_origin)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    char hex[DIGEST_HEX + 1];
    struct digest d;

    put_records();
    read_cells(&c, &by_stage_and_net);
    cells_write(&c, &text);
    put("table.tsv", buf_str(&text));
    struct table t = { 0 };
    cr_assert(eq(int, table_read(&t, "table.tsv", NULL), 0));
    cr_assert(eq(sz, t.n, 3));
    const struct table_cell *cell = table_at(&t, "Early", "AlexNet S");
    cr_assert(ne(ptr, (void *)cell, NULL));
    cr_assert(eq(str, (char *)cell->k, "2"));
    cr_assert(eq(str, (char *)cell->n, "3"));
    cr_assert(eq(str, (char *)cell->value, "66.67"));
    cr_assert(eq(str, (char *)cell->low, "20.77"));
    cr_assert(eq(str, (char *)cell->high, "93.85"));
    digest_bytes(&d, accuracy_of_s, strlen(accuracy_of_s));
    cr_assert(eq(str, (char *)cell->from, digest_hex(&d, hex)));
    cr_assert(eq(ptr, (void *)table_at(&t, "Late", "AlexNet R"), NULL));
    table_release(&t);
    buf_release(&text);
    cells_release(&c);
}

Test(table, the_words_of_a_map_give_the_order)
{
    struct cells c = { 0 };

    put_records();
    read_cells(&c, &by_stage_and_net);
    cr_assert(eq(sz, c.rows.n, 2));
    cr_assert(eq(str, c.rows.line[0].label, "Late"));
    cr_assert(eq(str, c.rows.line[1].label, "Early"));
    cr_assert(eq(str, c.columns.line[0].label, "AlexNet S"));
    cr_assert(eq(str, c.columns.line[1].label, "AlexNet R"));
    cells_release(&c);
}

Test(table, columns_are_compared_picture_by_picture)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct tsv t = { 0 };

    put_records();
    read_cells(&c, &by_stage_and_net);
    cr_assert(eq(int, pairs_write(&c, "R:S", &text, NULL), 0));
    put("pairs.tsv", buf_str(&text));
    cr_assert(eq(int, tsv_read(&t, "pairs.tsv", NULL), 0));
    cr_assert(eq(sz, t.n_rows, 1)); /* Late has no R */
    const char *const expected[] = { "Early", "AlexNet R", "AlexNet S", "3", "1",
                                     "1",     "1",         "0",         "1" };
    for (int i = 0; i < 9; i++)
        cr_assert(eq(str, (char *)tsv_get(&t, 0, i), (char *)expected[i]), "column %d",
                  i);
    tsv_release(&t);
    buf_release(&text);
    cells_release(&c);
}

Test(table, other_pictures_cannot_be_compared)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct error err = { 0 };

    put("s.tsv", accuracy_of_s);
    put("r.tsv", "image\tlabel\tpredicted\na\t0\t0\nb\t1\t0\nz\t2\t2\n");
    put("list", "net\tpath\nS\ts.tsv\nR\tr.tsv\n");
    struct cells_options o = by_stage_and_net;
    o.rows = "part";
    o.columns = "net";
    o.row_names = "";
    read_cells(&c, &o);
    cr_assert(lt(int, pairs_write(&c, "R:S", &text, &err), 0));
    cr_assert(ne(ptr, strstr(err.text, "not of the same pictures"), NULL), "%s",
              err.text);
    buf_release(&text);
    cells_release(&c);
}

Test(table, only_pictures_that_both_decide_by_a_cue_are_compared)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct cells_options o = { .measure = "cue-share",
                               .parts = "",
                               .rows = "part",
                               .columns = "net",
                               .row_names = "",
                               .column_names = "" };

    put("s.tsv", "image\tanswer\na\tshape\nb\ttexture\nc\tother\nd\ttexture\n");
    put("r.tsv", "image\tanswer\na\tshape\nb\tshape\nc\tshape\nd\tother\n");
    put("list", "net\tpath\nS\ts.tsv\nR\tr.tsv\n");
    read_cells(&c, &o);
    cells_write(&c, &text);
    cr_assert(ne(ptr, strstr(text.s, "shape\tS\t3\t1\t33.33\t"), NULL), "%s", text.s);
    cr_assert(ne(ptr, strstr(text.s, "texture\tS\t3\t2\t66.67\t"), NULL));
    cr_assert(ne(ptr, strstr(text.s, "shape\tR\t3\t3\t100.00\t"), NULL));
    buf_reset(&text);
    cr_assert(eq(int, pairs_write(&c, "R:S", &text, NULL), 0));
    cr_assert(ne(ptr, strstr(text.s, "shape\tR\tS\t2\t1\t1\t0\t0\t0.5\t"), NULL), "%s",
              text.s);
    cr_assert(eq(ptr, strstr(text.s, "\ntexture"), NULL)); /* one less the shape's */
    buf_release(&text);
    cells_release(&c);
}

Test(table, kernel_variation_is_the_row_of_the_network_without_interval)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct cells_options o = { .measure = "kernel-tv",
                               .parts = "over-l1,mean",
                               .rows = "part",
                               .columns = "net",
                               .row_names = "",
                               .column_names = "" };

    put("s.tsv", "layer\tkernel\tfilters\tmean_tv\ttv_over_l1\tisotropic\tall_filters\n"
                 "conv1\t7\t4\t9\t9\t9\t9\nnetwork\t7\t6\t12.345\t1.5\t8\t7\n");
    put("list", "net\tpath\nS\ts.tsv\n");
    read_cells(&c, &o);
    cells_write(&c, &text);
    cr_assert(ne(ptr, strstr(text.s, "over-l1\tS\t6\t\t1.50\t\t\t\t"), NULL), "%s",
              text.s);
    cr_assert(lt(ptr, strstr(text.s, "over-l1"), strstr(text.s, "mean")));
    buf_release(&text);
    cells_release(&c);
}

/* Two pictures that are alike: whatever is drawn again, the numbers stay. */
Test(table, overlap_is_over_all_pixels_of_a_label)
{
    struct cells_options o = { .measure = "overlap",
                               .parts = "",
                               .rows = "part",
                               .columns = "",
                               .row_names = "",
                               .column_names = "" };
    struct buf text = { 0 };
    struct cells c;

    put("o.tsv", "image\tlabel\tfound\texact\tboth\na\t0\t6\t4\t3\na\t2\t4\t6\t3\n"
                 "b\t0\t6\t4\t3\nb\t2\t4\t6\t3\n");
    put("list", "path\no.tsv\n");
    read_cells(&c, &o);
    cells_write(&c, &text);
    cr_assert(ne(ptr, strstr(buf_str(&text), "mean-iou\tvalue\t2\t\t42.86\t42.86\t42.86"),
                 NULL),
              "%s", buf_str(&text));
    cr_assert(
        ne(ptr, strstr(buf_str(&text), "pixels\tvalue\t2\t\t60.00\t60.00\t60.00"), NULL),
        "%s", buf_str(&text));
    buf_release(&text);
    cells_release(&c);
}

Test(table, overlaps_that_cannot_be_are_refused)
{
    struct cells_options o = { .measure = "overlap",
                               .parts = "",
                               .rows = "part",
                               .columns = "",
                               .row_names = "",
                               .column_names = "" };
    struct error err = { 0 };
    struct cells c;

    put("o.tsv", "image\tlabel\tfound\texact\tboth\na\t0\t6\t4\t5\n");
    put("list", "path\no.tsv\n");
    cr_assert(eq(int, cells_read(&c, &o, "list", &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, "o.tsv:2"), NULL), "%s", err.text);
}

Test(table, a_share_of_nothing_has_no_value)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct cells_options o = { .measure = "cue-share",
                               .parts = "shape",
                               .rows = "part",
                               .columns = "net",
                               .row_names = "",
                               .column_names = "" };

    put("s.tsv", "image\tanswer\na\tother\n");
    put("list", "net\tpath\nS\ts.tsv\n");
    read_cells(&c, &o);
    cells_write(&c, &text);
    cr_assert(ne(ptr, strstr(text.s, "shape\tS\t0\t\t\t\t\tpercent\t"), NULL), "%s",
              text.s);
    buf_release(&text);
    cells_release(&c);
}

struct refusal {
    char measure[16], parts[16], rows[16], columns[16], record[64], message[64];
};

ParameterizedTestParameters(table, what_is_wrong_is_refused)
{
    static struct refusal r[] = {
        { "accuracy", "", "part", "nte", "image\tlabel\tpredicted\na\t0\t0\n",
          "did you mean \"net\"" },
        { "accuracy", "acuracy", "part", "net", "image\tlabel\tpredicted\na\t0\t0\n",
          "did you mean \"accuracy\"" },
        { "accuracy", "", "part", "part", "image\tlabel\tpredicted\na\t0\t0\n",
          "two numbers for" },
        { "accuracy", "", "part", "net", "image\tlabel\tpredicted\na\t0\t0\na\t0\t1\n",
          "stands there twice" },
        { "accuracy", "", "part", "net", "image\tlabel\na\t0\n",
          "no column \"predicted\"" },
        { "accuracy", "", "part", "net", "image\tlabel\tpredicted\na\t0\tcat\n",
          "not a whole number" },
        { "cue-share", "", "part", "net", "image\tanswer\na\tboth\n",
          "is none of shape" },
        { "kernel-tv", "mean", "part", "net",
          "layer\tfilters\tmean_tv\ttv_over_l1\tisotropic\tall_filters\n", "`network`" },
    };

    return cr_make_param_array(struct refusal, r, sizeof r / sizeof *r);
}

ParameterizedTest(struct refusal *r, table, what_is_wrong_is_refused)
{
    struct cells_options o = { .measure = r->measure,
                               .parts = r->parts,
                               .rows = r->rows,
                               .columns = r->columns,
                               .row_names = "",
                               .column_names = "" };
    struct cells c = { 0 };
    struct error err = { 0 };

    put("s.tsv", r->record);
    put("list", "net\tpath\nS\ts.tsv\nR\ts.tsv\n");
    cr_assert(eq(int, cells_read(&c, &o, "list", &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, r->message), NULL), "%s", err.text);
}

Test(table, a_cell_that_stands_twice_is_refused)
{
    struct table t = { 0 };
    struct error err = { 0 };

    put("t.tsv", "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom\n"
                 "a\tb\t1\t1\t1\t\t\t\t\na\tb\t1\t1\t1\t\t\t\t\n");
    cr_assert(eq(int, table_read(&t, "t.tsv", &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, "t.tsv:3: the cell a, b"), NULL), "%s", err.text);
}

Test(table, lists_in_options_refuse_empty_and_double_words)
{
    struct names l = { 0 };
    struct error err = { 0 };

    cr_assert(eq(int, names_list(&l, "a,,b", "rows", &err), E_INPUT));
    names_release(&l);
    cr_assert(eq(int, names_list(&l, "a,b,a", "rows", &err), E_INPUT));
    names_release(&l);
    cr_assert(eq(int, names_map(&l, "a=", "row-names", &err), E_INPUT));
    names_release(&l);
    cr_assert(eq(int, names_map(&l, "a=One two,b=Three", "row-names", &err), 0));
    cr_assert(eq(str, (char *)names_printed(&l, "a"), "One two"));
    cr_assert(eq(str, (char *)names_printed(&l, "c"), "c"));
    names_release(&l);
}

/* S is right about a and b in one set and about a in the other; R about a and c, and all.
 */
static void put_versions(void)
{
    put("s1", "image\tlabel\tpredicted\na\t0\t0\nb\t1\t1\nc\t2\t1\n");
    put("s2", "image\tlabel\tpredicted\na\t0\t0\nb\t1\t0\nc\t2\t1\n");
    put("r1", "image\tlabel\tpredicted\na\t0\t0\nb\t1\t0\nc\t2\t2\n");
    put("r2", "image\tlabel\tpredicted\na\t0\t0\nb\t1\t1\nc\t2\t2\n");
    put("list", "version\tnet\tpath\n1\tS\ts1\n2\tS\ts2\n1\tR\tr1\n2\tR\tr2\n");
}

static const struct cells_options pooled = { .measure = "accuracy",
                                             .parts = "",
                                             .rows = "part",
                                             .columns = "net",
                                             .row_names = "",
                                             .column_names = "",
                                             .pool = true };

Test(table, records_of_the_same_pictures_are_pooled_into_their_mean)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct table t = { 0 };
    const struct table_cell *s;

    put_versions();
    read_cells(&c, &pooled);
    cr_assert(eq(sz, c.n, 2));
    cr_assert(eq(sz, c.cell[0].n_records, 2));
    cells_write(&c, &text);
    put("table.tsv", buf_str(&text));
    cr_assert(eq(int, table_read(&t, "table.tsv", NULL), 0));
    s = table_at(&t, "accuracy", "S");
    cr_expect(eq(str, (char *)s->n, "3"));
    cr_expect(eq(str, (char *)s->k, ""));
    cr_expect(eq(str, (char *)s->value, "50.00")); /* (1 + 1/2 + 0) / 3 */
    cr_expect(eq(str, (char *)s->low, "0.00"));
    cr_expect(eq(str, (char *)s->high, "100.00"));
    cr_expect(eq(sz, strlen(s->from), (size_t)(2 * DIGEST_HEX + 1)));
    cr_expect(eq(str, (char *)table_at(&t, "accuracy", "R")->value, "83.33"));
    table_release(&t);
    buf_reset(&text);
    cr_assert(eq(int, pairs_write(&c, "R:S", &text, NULL), 0));
    /* Of six answers each: both right in a, a and b of the second or first set, … */
    cr_expect(ne(ptr, strstr(buf_str(&text), "accuracy\tR\tS\t6\t2\t3\t1\t0\t"), NULL),
              "%s", buf_str(&text));
    buf_release(&text);
    cells_release(&c);
}

/* Whether the two records of a column share a row or not, the last one is the mean of
 * both. */
static void check_total(const char *rows, size_t n_rows)
{
    struct cells_options o = pooled;
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct table t = { 0 };

    put_versions();
    o.rows = rows;
    o.total = "Mean";
    read_cells(&c, &o);
    cells_write(&c, &text);
    put("table.tsv", buf_str(&text));
    cr_assert(eq(int, table_read(&t, "table.tsv", NULL), 0));
    cr_assert(eq(sz, t.n_rows, n_rows));
    cr_expect(eq(str, (char *)t.row[n_rows - 1], "Mean"));
    cr_expect(
        eq(sz, strlen(table_at(&t, "Mean", "S")->from), (size_t)(2 * DIGEST_HEX + 1)));
    cr_expect(eq(str, (char *)table_at(&t, "Mean", "S")->value, "50.00"));
    cr_expect(eq(str, (char *)table_at(&t, "Mean", "R")->value, "83.33"));
    table_release(&t);
    buf_release(&text);
    cells_release(&c);
}

Test(table, a_total_pools_each_column)
{
    check_total("version", 3);
    check_total("part", 2);
}

/* Of S right in 2 and 1 of 3, of R in 2 and 3: a mean, and the ends. */
Test(table, records_that_differ_otherwise_are_spread)
{
    struct cells_options o = pooled;
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct table t = { 0 };
    const struct table_cell *s;

    put_versions();
    o.pool = false;
    o.spread = true;
    read_cells(&c, &o);
    cells_write(&c, &text);
    put("table.tsv", buf_str(&text));
    cr_assert(eq(int, table_read(&t, "table.tsv", NULL), 0));
    s = table_at(&t, "accuracy", "S");
    cr_expect(eq(str, (char *)s->n, "2"));
    cr_expect(eq(str, (char *)s->k, ""));
    cr_expect(eq(str, (char *)s->value, "50.00"));
    cr_expect(eq(str, (char *)s->low, "33.33"));
    cr_expect(eq(str, (char *)s->high, "66.67"));
    cr_expect(eq(str, (char *)table_at(&t, "accuracy", "R")->value, "83.33"));
    table_release(&t);
    buf_release(&text);
    cells_release(&c);
    o.pool = true;
    cr_assert(eq(int, cells_read(&c, &o, "list", NULL), E_INPUT));
}

Test(table, published_numbers_stand_beside)
{
    struct cells_options o = by_stage_and_net;
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct table t = { 0 };
    struct error err = { 0 };

    put_records();
    o.paper = "paper.tsv";
    put("paper.tsv", "row\tcolumn\tvalue\twithin\nEarly\tAlexNet S\t70.5\t5%\n");
    read_cells(&c, &o);
    cells_write(&c, &text);
    put("table.tsv", buf_str(&text));
    cr_assert(eq(int, table_read(&t, "table.tsv", NULL), 0));
    cr_assert(t.has_paper);
    cr_expect(eq(str, (char *)table_at(&t, "Early", "AlexNet S")->paper, "70.5"));
    cr_expect(eq(str, (char *)table_at(&t, "Early", "AlexNet S")->within, "5%"));
    cr_expect(eq(str, (char *)table_at(&t, "Early", "AlexNet R")->paper, ""));
    cr_expect(ne(ptr, strstr(buf_str(&text), "\t70.5\t-3.83\t5%\n"), NULL), "%s",
              buf_str(&text));
    table_release(&t);
    buf_release(&text);
    cells_release(&c);
    put("paper.tsv", "row\tcolumn\tvalue\nEarly\tAlexNet T\t70.5\n");
    cr_assert(eq(int, cells_read(&c, &o, "list", &err), E_INPUT));
    cr_expect(
        eq(str, err.text, "paper.tsv:2: the table has no cell at Early, AlexNet T"));
}

Test(table, other_pictures_cannot_be_pooled)
{
    struct cells c = { 0 };
    struct error err = { 0 };

    put_versions();
    put("s2", "image\tlabel\tpredicted\na\t0\t0\nb\t1\t0\nd\t2\t1\n");
    cr_expect(eq(int, cells_read(&c, &pooled, "list", &err), E_INPUT));
    cr_expect(
        ne(ptr, strstr(err.text, "s1 and s2 are not answers to the same pictures"), NULL),
        "%s", err.text);
}

Test(table, only_the_pictures_of_a_list_count)
{
    struct cells_options o = pooled;
    struct cells c = { 0 };
    struct error err = { 0 };

    put_versions();
    put("a-c", "image\tlabel\na\t0\nc\t2\nelsewhere\t1\n");
    put("b", "image\nb\n");
    put("only", "net\tpath\nS\ta-c\nR\tb\n");
    o.only = "only";
    read_cells(&c, &o);
    cr_expect(eq(long, c.measured[0].n, 2)); /* S, a and c */
    cr_expect(eq(long, c.measured[0].k[0], 1));
    cr_expect(eq(long, c.measured[2].n, 1)); /* R, b */
    cr_expect(eq(long, c.measured[2].k[0], 0));
    cr_expect(eq(long, c.measured[3].k[0], 1));
    cells_release(&c);
    put("only", "net\tpath\nS\ta-c\n");
    cr_expect(eq(int, cells_read(&c, &o, "list", &err), E_INPUT));
    cr_expect(ne(ptr, strstr(err.text, "only: not one list of pictures fits"), NULL),
              "%s", err.text);
}

Test(table, the_bootstrap_draws_pictures_again)
{
    struct bootstrap b;
    double v[100], zero[100] = { 0 };
    struct interval i;

    for (int k = 0; k < 100; k++)
        v[k] = k < 30;
    bootstrap_open(&b, 100);
    i = bootstrap_interval(&b, v);
    /* The normal approximation of 30 of 100 is 0.21 to 0.39. */
    cr_expect(i.low > .20 && i.low < .22 + 1e-9, "%g", i.low);
    cr_expect(i.high > .38 - 1e-9 && i.high < .40, "%g", i.high);
    cr_expect(eq(dbl, bootstrap_p(&b, zero), 1));
    cr_expect(bootstrap_p(&b, v) < .0011);
    v[99] = -1;
    cr_expect(bootstrap_p(&b, v) < .0011);
    for (int k = 0; k < 100; k++)
        v[k] = k % 2 ? 1 : -1;
    cr_expect(bootstrap_p(&b, v) > .8);
    bootstrap_close(&b);
}
