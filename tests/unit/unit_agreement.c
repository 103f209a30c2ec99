#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "agreement.h"

static enum verdict judge(const struct comparator *how, const char *a, const char *b,
                          struct agreement *g)
{
    *g = (struct agreement){ 0 };
    agreement_of_texts(g, how, a, strlen(a), b, strlen(b));
    return g->verdict;
}

static enum verdict verdict_of(const struct comparator *how, const char *a, const char *b)
{
    struct agreement g;
    enum verdict v = judge(how, a, b, &g);

    agreement_release(&g);
    return v;
}

/* What is told of two texts. */
static void expect_told(const struct comparator *how, const char *a, const char *b,
                        const char *told)
{
    struct agreement g;
    struct buf text = { 0 };

    judge(how, a, b, &g);
    agreement_tell(&g, &text);
    cr_assert(eq(str, (char *)buf_str(&text), (char *)told));
    buf_release(&text);
    agreement_release(&g);
}

Test(agreement, numbers_may_differ_by_what_is_allowed)
{
    const struct comparator how = { .kind = COMPARE_NUMERIC, .abs = 0.1, .rel = 0.01 };

    cr_assert_eq(verdict_of(&how, "loss 1.5\n", "loss 1.5\n"), VERDICT_SAME);
    cr_assert_eq(verdict_of(&how, "loss 1.5\n", "loss 1.6\n"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "loss 1.5\n", "loss 1.7\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "100", "101.1"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "100", "101.2"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "-1e2", "-100"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "1.5", "1.5\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "", "0"), VERDICT_OTHER);
}

Test(agreement, words_are_no_numbers)
{
    const struct comparator how = { .kind = COMPARE_NUMERIC, .abs = 10 };

    cr_assert_eq(verdict_of(&how, "sha256:6b1f", "sha256:7b1f"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "x1", "x2"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "1.2.3", "1.2.4"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "nan", "inf"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "nan 1", "nan 2"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "1 a", "2 b"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "1e999 1", "1e999 2"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "1e999", "2"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "[1,2]", "[3,4]"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "1-2", "1-4"), VERDICT_WITHIN);
}

Test(agreement, without_a_tolerance_spelling_is_free)
{
    const struct comparator how = { .kind = COMPARE_NUMERIC };

    cr_assert_eq(verdict_of(&how, "1.50", "1.5"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "1.50", "1.51"), VERDICT_OTHER);
}

Test(agreement, tells_how_far)
{
    const struct comparator how = { .kind = COMPARE_NUMERIC, .abs = 0.5 };

    expect_told(&how, "1 2 4", "1 2 4", "the same");
    expect_told(&how, "1 2 4", "1 2 4.25",
                "3 numbers, 1 differs, by 0.25 at most, relatively 0.0588");
    expect_told(&how, "a 1\nb 2\n", "a 1\nb 3\n",
                "2 numbers, 1 differs, by 1 at most, relatively 0.333, 1 by more than is "
                "allowed: line 2: 2 and 3");
    expect_told(&how, "one\n", "two\n", "line 1: \"one\" and \"two\"");
}

Test(agreement, tables_have_the_same_shape)
{
    const struct comparator how = { .kind = COMPARE_TABLE, .abs = 1 };
    const char *t = "net\tacc\na\t5\nb\t7\n";

    cr_assert_eq(verdict_of(&how, t, "net\tacc\na\t5.5\nb\t7\n"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, t, "net\tacc\na\t6.5\nb\t7\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, t, "net\tacc\nc\t5\nb\t7\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, t, "net\tacc\na\t5\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, t, "net\tacc\na\t5\nb\t7\nc\t1\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, t, "net\tacc\na\nb\t7\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, t, "net\ttop1\na\t5\nb\t7\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, t, "net\tacc\na\t\nb\t7\n"), VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, t, ""), VERDICT_OTHER);
    expect_told(&how, t, "net\tacc\na\t5\nb\t9\n",
                "2 numbers, 1 differs, by 2 at most, relatively 0.222, 1 by more than is "
                "allowed: line 3, acc: \"7\" and \"9\"");
}

Test(agreement, columns_can_be_left_out)
{
    const struct comparator how = { .kind = COMPARE_TABLE, .except = "\tfrom\tk\t" };

    cr_assert_eq(verdict_of(&how, "a\tfrom\n1\tx\n", "a\tfrom\n1\ty\n"), VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "a\tfro\n1\tx\n", "a\tfro\n1\ty\n"), VERDICT_OTHER);
    expect_told(&how, "from\nx\n", "from\ny\n", "only what does not count differs");
}

Test(agreement, a_value_lies_in_the_interval_of_the_other)
{
    const struct comparator how = {
        .kind = COMPARE_INTERVAL, .value = "value", .low = "low", .high = "high"
    };
    const char *t = "row\tn\tvalue\tlow\thigh\nA\t9\t50\t40\t60\n";
    char *names = "row\tn\tvalue\tlow\thigh\n";
    struct {
        const char *row;
        enum verdict verdict;
    } other[] = {
        { "A\t9\t50\t40\t60\n", VERDICT_SAME },
        { "A\t9\t55\t45\t65\n", VERDICT_WITHIN },
        { "A\t9\t50\t41\t60\n", VERDICT_WITHIN },
        { "A\t9\t61\t45\t70\n", VERDICT_OTHER },
        { "A\t9\t55\t54\t56\n", VERDICT_OTHER },
        { "B\t9\t50\t40\t60\n", VERDICT_OTHER },
        { "A\t8\t50\t40\t60\n", VERDICT_OTHER },
        { "A\t9\t51\t\t\n", VERDICT_OTHER },
    };

    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        struct buf text = { 0 };

        buf_printf(&text, "%s%s", names, other[i].row);
        cr_assert_eq(verdict_of(&how, t, text.s), other[i].verdict, "%s", other[i].row);
        buf_release(&text);
    }
    cr_assert_eq(verdict_of(&how, "low\thigh\n1\t3\n", "low\thigh\n3\t4\n"),
                 VERDICT_WITHIN);
    cr_assert_eq(verdict_of(&how, "low\thigh\n1\t2\n", "low\thigh\n3\t4\n"),
                 VERDICT_OTHER);
    cr_assert_eq(verdict_of(&how, "low\n1\n", "low\n2\n"), VERDICT_OTHER);
}
