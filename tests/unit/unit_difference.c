#include <criterion/criterion.h>
#include <string.h>

#include "difference.h"

static struct arena arena;

/* All differences, told, one a line. */
static const char *told(const char *was, const char *is)
{
    struct difference *d;
    struct buf text = { 0 };
    size_t n;

    key_differences(was, is, &arena, &d, &n);
    for (size_t i = 0; i < n; i++) {
        difference_tell(&d[i], &text);
        buf_addc(&text, '\n');
    }
    is = arena_strdup(&arena, buf_str(&text));
    buf_release(&text);
    return is;
}

static void leave(void)
{
    arena_release(&arena);
}

TestSuite(difference, .fini = leave);

Test(difference, equal_documents_have_none)
{
    cr_assert_str_eq(told("larder-key 1\nseed 12\n", "larder-key 1\nseed 12\n"), "");
}

Test(difference, an_option_is_told_with_both_values)
{
    cr_assert_str_eq(told("option epochs int 30\noption lr float 0.1\n",
                          "option epochs int 31\noption lr float 0.1\n"),
                     "option epochs: 30 → 31\n");
}

Test(difference, an_option_may_be_new_or_gone)
{
    cr_assert_str_eq(told("option a int 1\n", "option b string x y\n"),
                     "option b: new, x y\noption a: 1, is gone\n");
}

Test(difference, a_program_is_told_by_its_name)
{
    cr_assert_str_eq(told("program train sha256:11\n", "program train sha256:22\n"),
                     "program train changed\n");
    cr_assert_str_eq(told("program run sha256:11\n", "program run sha256:22\n"),
                     "the executable changed\n");
    cr_assert_str_eq(
        told("program train sha256:1111111111111111\n",
             "program match sha256:2222222222222222\n"),
        "program: train sha256:111111111111… → match sha256:222222222222…\n");
}

Test(difference, items_belong_to_their_list)
{
    cr_assert_str_eq(
        told("in a list\ncolumn k\nitem S file sha256:1\nin b file sha256:3\n",
             "in a list\ncolumn k\nitem S file sha256:2\nin b file sha256:3\n"),
        "input a changed\n");
    cr_assert_str_eq(told("in a file sha256:1\n", "in c file sha256:1\n"),
                     "input c is new\ninput a is gone\n");
}

Test(difference, arguments_are_counted)
{
    cr_assert_str_eq(told("arg cp\narg x\narg -r\n", "arg cp\narg y\narg -r\n"),
                     "argument 1: x → y\n");
    cr_assert_str_eq(told("arg cp\n", "arg cp\narg -r\n"), "argument 1: new, -r\n");
}

Test(difference, an_empty_value_can_be_seen)
{
    cr_assert_str_eq(told("env A x\n", "env A \n"), "env A: x → ''\n");
}

Test(difference, of_a_text_the_line_that_changed_is_told)
{
    cr_assert_str_eq(told("sh a\\n  b c\\nd\\n\n", "sh a\\n  b e\\nd\\n\n"),
                     "the text of sh: b c → b e\n");
    cr_assert_str_eq(told("sh a\\nd\\n\n", "sh a\\nb\\nc\\nd\\n\n"),
                     "the text of sh: new, b\n");
    cr_assert_str_eq(told("sh a\\nb\\nd\\n\n", "sh a\\nd\\n\n"),
                     "the text of sh: b, is gone\n");
    cr_assert_str_eq(told("sh  a\\n\n", "sh a\\n\n"), "the text of sh: blanks changed\n");
    cr_assert_str_eq(told("sh printf 'x\\\\ny'\n", "sh printf 'x\\\\nz'\n"),
                     "the text of sh: printf 'x\\\\ny' → printf 'x\\\\nz'\n");
    cr_assert_str_eq(
        told("sh 0123456789012345678901234567890123456789012345678901234567ä9 a\n",
             "sh b\n"),
        "the text of sh: 0123456789012345678901234567890123456789012345678901234567ä… → "
        "b\n");
    cr_assert_str_eq(
        told("sh 01234567890123456789012345678901234567890123456789012345678901 a\n",
             "sh 01234567890123456789012345678901234567890123456789012345678901 b\n"),
        "the text of sh: …90123456789012345678901 a → …90123456789012345678901 b\n");
}
