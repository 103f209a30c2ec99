/* Formulas with intervals, names in tables and data, verdicts (stages/claim/). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <unistd.h>

#include "claim/verdict.h"
#include "larder/fs.h"

#include "own_folder.h"

TestSuite(claim, .init = enter_folder, .fini = leave_folder);

/* Two tables, of which one has an interval, and three files of data. */
static void put_files(void)
{
    put("share.tsv", "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom\n"
                     "Shape\tA S\t10\t2\t20\t15\t25\tpercent\tx\n"
                     "Shape\tA S-matched\t10\t5\t48\t43\t53\tpercent\tx\n"
                     "Shape\tA R\t10\t5\t50\t45\t55\tpercent\tx\n"
                     "Shape\tB S\t12\t4\t30\t20\t40\tpercent\tx\n"
                     "Shape\tB S-matched\t12\t4\t30\t20\t40\tpercent\tx\n"
                     "Shape\tB R\t12\t4\t38\t28\t48\tpercent\tx\n"
                     "None\tA S\t0\t\t\t\t\tpercent\tx\n");
    put("tv.tsv", "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom\n"
                  "Mean\tA S\t3\t\t4\t\t\t\tx\nMean\tA R\t3\t\t2\t\t\t\tx\n");
    put("a.tsv", "layer\tn\nconv1\t3\nconv2\t5\nconv10\t7\n");
    put("b.tsv", "layer\tn\nconv1\t1\nconv2\t9\n");
    put("tables", "stage\tpath\nshare\tshare.tsv\ntv\ttv.tsv\n");
    put("data", "stage\tarch\tnet\tpath\ncount\ta\tS\ta.tsv\ncount\ta\tR\tb.tsv\n");
}

static void read_evidence(struct evidence *e)
{
    struct error err = { 0 };

    put_files();
    cr_assert(eq(int, evidence_read(e, "tables", "data", &err), 0), "%s", err.text);
}

static const struct expected {
    char formula[96];
    double value, low, high;
} sums[] = {
    { "1 + 2 * 3 - 4 / 2", 5, 5, 5 },
    { "-(2 - 5)", 3, 3, 3 },
    { "[share/Shape/A R] - [share/Shape/A S]", 30, 20, 40 },
    { "[share/Shape/A R] / [share/Shape/A S]", 2.5, 45. / 25, 55. / 15 },
    { "-2 * [share/Shape/A S]", -40, -50, -30 },
    { "[share/Shape/A S/n]", 10, 10, 10 },
    { "mean([share/Shape/* R])", 44, 36.5, 51.5 },
    { "median([count@net=S:n])", 5, 5, 5 },
    { "max([count:n where layer=conv2])", 9, 9, 9 },
    { "sum([count@net=S:n where layer=conv1*])", 10, 10, 10 },
    { "sum([count@net=S:n where layer=none])", 0, 0, 0 },
    { "count([count@net=S:n where layer=conv[12]])", 2, 2, 2 },
    { "first([count@net=S:n]) + last([count@net=S:n])", 10, 10, 10 },
    { "abs([tv/Mean/A R] - [tv/Mean/A S])", 2, 2, 2 },
    { "abs([share/Shape/A R] - 50)", 0, 0, 5 },
    /* Truths: whether, whether surely, whether possibly. */
    { "[share/Shape/A R] > [share/Shape/A S]", 1, 1, 1 },
    { "[share/Shape/B R] > [share/Shape/B S]", 1, 0, 1 },
    { "[share/Shape/B R] < [share/Shape/B S]", 0, 0, 1 },
    { "[share/Shape/A R] < [share/Shape/A S]", 0, 0, 0 },
    { "all([share/Shape/* R] > [share/Shape/* S])", 1, 0, 1 },
    { "number([share/Shape/* R] > [share/Shape/* S])", 2, 1, 2 },
    { "any([share/Shape/* R] < 30)", 0, 0, 1 },
    { "1 < 2 and not 2 < 1", 1, 1, 1 },
    { "2 < 1 or 2 <= 2", 1, 1, 1 },
    { "0.1 + 0.2 = 0.3", 1, 1, 1 },
    { "[share/Shape/A S] = 20", 1, 0, 1 },
    { "rising([count@net=S:n])", 1, 1, 1 },
    { "falling([count@net=S:n])", 0, 0, 0 },
};

ParameterizedTestParameters(claim, sums)
{
    return cr_make_param_array(struct expected, (struct expected *)sums,
                               sizeof sums / sizeof *sums);
}

ParameterizedTest(struct expected *x, claim, sums)
{
    struct evidence e = { 0 };
    struct numbers l = { 0 };
    struct error err = { 0 };

    read_evidence(&e);
    cr_assert(eq(int, formula_value(&l, x->formula, evidence_find, &e, &err), 0),
              "%s: %s", x->formula, err.text);
    cr_assert(eq(sz, l.n, 1), "%s", x->formula);
    cr_assert(fabs(l.v[0].value - x->value) < 1e-12, "%s is %g", x->formula,
              l.v[0].value);
    cr_assert(fabs(l.v[0].low - x->low) < 1e-12, "%s from %g", x->formula, l.v[0].low);
    cr_assert(fabs(l.v[0].high - x->high) < 1e-12, "%s to %g", x->formula, l.v[0].high);
    numbers_release(&l);
    evidence_release(&e);
}

static const struct refused {
    char formula[64], says[64];
    int rc;
} wrong[] = {
    { "1 +", "a number, a name in [ ] or a function expected", E_INPUT },
    { "(1", "\")\" expected", E_INPUT },
    { "[share/Shape/A R", "\"[\" without \"]\"", E_INPUT },
    { "1 2", "does not belong to the formula", E_INPUT },
    { "average(1)", "there is no function \"average\"", E_INPUT },
    { "1 / 0", "it divides by 0", FORMULA_ABSENT },
    { "mean([count:n where layer=x])", "mean of no numbers", FORMULA_ABSENT },
    { "rising([tv/Mean/A R])", "rising of one number", FORMULA_ABSENT },
    { "[share/Shape/* R] + [count@net=S:n]", "2 numbers beside 3", E_INPUT },
    { "[share/Shpe/A R]", "share has no cell Shpe, A R", FORMULA_ABSENT },
    { "[count@net=S:m]", "no column \"m\"", E_INPUT },
    { "[count:n where conv1]", "is not COLUMN=VALUE", E_INPUT },
    { "[share]", "is neither [TABLE/ROW/COLUMN] nor", E_INPUT },
    { "[tables/Shape/A R]", "there is no table tables here", FORMULA_ABSENT },
    { "[count@net=SIN:n]", "there is no data count@net=SIN here", FORMULA_ABSENT },
    { "[share/None/A S]", "share: no value, at None", FORMULA_ABSENT },
};

ParameterizedTestParameters(claim, wrong)
{
    return cr_make_param_array(struct refused, (struct refused *)wrong,
                               sizeof wrong / sizeof *wrong);
}

ParameterizedTest(struct refused *x, claim, wrong)
{
    struct evidence e = { 0 };
    struct numbers l = { 0 };
    struct error err = { 0 };

    read_evidence(&e);
    cr_assert(eq(int, formula_value(&l, x->formula, evidence_find, &e, &err), x->rc),
              "%s", x->formula);
    cr_assert(ne(ptr, strstr(err.text, x->says), NULL), "%s: %s", x->formula, err.text);
    cr_assert(eq(sz, l.n, 0));
    evidence_release(&e);
}

Test(claim, deep_brackets_are_refused)
{
    char text[300];
    struct evidence e = { 0 };
    struct numbers l = { 0 };
    struct error err = { 0 };

    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert(eq(int, formula_value(&l, text, evidence_find, &e, &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, "too many brackets"), NULL), "%s", err.text);
}

static enum verdict judge(struct judged *j, const char *formula, bool again)
{
    struct claim c = { .value = "[share/Shape/A R]; [share/Shape/B R]",
                       .judge = formula,
                       .paper = "51;40",
                       .within = "5%",
                       .note = "" };
    struct verdict_options o = { .from = again ? "S" : NULL,
                                 .to = "S-matched",
                                 .compare = true };
    struct evidence e = { 0 };
    struct error err = { 0 };

    read_evidence(&e);
    cr_assert(eq(int, verdict_judge(j, &c, &e, &o, &err), 0), "%s", err.text);
    evidence_release(&e);
    return j->verdict;
}

Test(claim, three_verdicts)
{
    struct judged j[4] = { 0 };

    cr_assert(eq(int, judge(&j[0], "[share/Shape/A R] > [share/Shape/A S]", false),
                 VERDICT_HOLDS));
    cr_assert(eq(int, judge(&j[1], "[share/Shape/B R] > [share/Shape/B S]", false),
                 VERDICT_UNSURE));
    cr_assert(eq(int, judge(&j[2], "[share/Shape/A R] < [share/Shape/A S]", false),
                 VERDICT_FAILS));
    cr_assert(eq(int, judge(&j[3], "[other/Shape/A R] < 1", false), VERDICT_NOT_JUDGED));
    cr_assert(eq(str, (char *)buf_str(&j[1].why), "intervals overlap"));
    cr_assert(eq(str, (char *)buf_str(&j[3].why), "there is no table other here"));
    for (int i = 0; i < 4; i++)
        judged_release(&j[i]);
}

/* R is better than S in A, but not than S-matched. */
Test(claim, the_worse_of_two_readings_counts)
{
    struct judged j = { 0 };

    cr_assert(eq(int, judge(&j, "[share/Shape/A R] > [share/Shape/A S]", true),
                 VERDICT_UNSURE));
    cr_assert(eq(str, (char *)buf_str(&j.why), "unsure against S-matched"));
    judged_release(&j);
    /* Where there is no other reading the first one stands. */
    j = (struct judged){ 0 };
    cr_assert(eq(int, judge(&j, "[tv/Mean/A R] < [tv/Mean/A S]", true), VERDICT_HOLDS));
    cr_assert(eq(str, (char *)buf_str(&j.why), ""));
    judged_release(&j);
}

Test(claim, numbers_stand_beside_those_published)
{
    struct judged j = { 0 };

    judge(&j, "", false);
    cr_assert(eq(str, (char *)buf_str(&j.value), "50; 38"));
    cr_assert(eq(str, (char *)buf_str(&j.differ), "-1; -2"));
    cr_assert(eq(str, (char *)buf_str(&j.near), "yes")); /* 2 % and 5 % */
    cr_assert(eq(int, j.verdict, VERDICT_NOT_JUDGED));
    judged_release(&j);
}
