#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#include "larder/fs.h"
#include "table/cells.h"
#include "table/pairs.h"
#include "table/table.h"

/* Each test is a process of its own and works in a folder of its own. */
static void enter_folder(void)
{
    char folder[] = "/tmp/unit_table.XXXXXX";

    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    cr_assert(eq(int, chdir(folder), 0));
}

static void leave_folder(void)
{
    char folder[256];

    cr_assert(ne(ptr, getcwd(folder, sizeof folder), NULL));
    cr_assert(eq(int, fs_remove_tree(folder, NULL), 0));
}

TestSuite(table, .init = enter_folder, .fini = leave_folder);

static void put(const char *path, const char *text)
{
    cr_assert(eq(int, fs_write(path, text, strlen(text), false, NULL), 0));
}

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
    struct cells_options o = { "cue-share", "", "part", "net", "", "" };

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
    struct cells_options o = { "kernel-tv", "over-l1,mean", "part", "net", "", "" };

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

Test(table, a_share_of_nothing_has_no_value)
{
    struct cells c = { 0 };
    struct buf text = { 0 };
    struct cells_options o = { "cue-share", "shape", "part", "net", "", "" };

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
    struct cells_options o = { r->measure, r->parts, r->rows, r->columns, "", "" };
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
