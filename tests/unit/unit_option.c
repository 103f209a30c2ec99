#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "larder/mem.h"
#include "option.h"

static const char *const choices[] = { "alexnet", "resnet50" };

static struct program_option option_of(enum option_type type, double min, double max)
{
    return (struct program_option){ .name = "x",
                                    .type = type,
                                    .min = min,
                                    .max = max,
                                    .choice = (const char **)choices,
                                    .n_choices = 2 };
}

struct spelling {
    const char *text, *canonical; /* NULL: refused */
};

static void check(const struct program_option *o, const struct spelling *s, size_t n)
{
    struct arena arena = { 0 };

    for (size_t i = 0; i < n; i++) {
        struct error err = { 0 };
        const char *got = NULL;
        int rc = program_value(o, s[i].text, &arena, &got, &err);

        if (s[i].canonical) {
            cr_assert_eq(rc, 0, "%s: %s", s[i].text, err.text);
            cr_assert_str_eq(got, s[i].canonical);
        } else {
            cr_assert_eq(rc, E_INPUT, "%s is taken", s[i].text);
        }
    }
    arena_release(&arena);
}

#define CHECK(o, ...)                                 \
    do {                                              \
        const struct spelling s_[] = { __VA_ARGS__ }; \
        check(&(o), s_, sizeof s_ / sizeof *s_);      \
    } while (0)

Test(option, ints_are_written_in_one_way)
{
    struct program_option o = option_of(OPTION_INT, -5, 1000);

    CHECK(o, { "7", "7" }, { "+7", "7" }, { "-5", "-5" }, { "-0", "0" },
          { "1000", "1000" });
}

Test(option, what_is_no_int_or_out_of_range_is_refused)
{
    struct program_option o = option_of(OPTION_INT, -5, 1000);

    CHECK(o, { "", NULL }, { "1001", NULL }, { "-6", NULL }, { "07", NULL },
          { "1e2", NULL }, { "1.0", NULL }, { "0x10", NULL }, { " 7", NULL },
          { "7 ", NULL }, { "+", NULL }, { "99999999999999999999", NULL },
          { "true", NULL });
}

Test(option, floats_of_one_value_have_one_text)
{
    struct program_option o = option_of(OPTION_FLOAT, -INFINITY, INFINITY);

    CHECK(o, { "0.5", "0.5" }, { ".5", "0.5" }, { "5e-1", "0.5" }, { "+0.50", "0.5" },
          { "1", "1" }, { "30", "30" }, { "1.", "1" }, { "-0.0", "0" },
          { "1E3", "1000" });
}

Test(option, what_is_no_finite_float_is_refused)
{
    struct program_option o = option_of(OPTION_FLOAT, 0, 1);

    CHECK(o, { ".inf", NULL }, { "nan", NULL }, { "1e999", NULL }, { ".", NULL },
          { "1e", NULL }, { "0,5", NULL }, { "0x1p3", NULL }, { "1.1", NULL },
          { "-1", NULL });
}

Test(option, bools_and_choices_are_words)
{
    struct program_option b = option_of(OPTION_BOOL, 0, 0);
    struct program_option c = option_of(OPTION_CHOICE, 0, 0);
    struct program_option s = option_of(OPTION_STRING, 0, 0);

    CHECK(b, { "true", "true" }, { "false", "false" }, { "yes", NULL }, { "1", NULL });
    CHECK(c, { "alexnet", "alexnet" }, { "Alexnet", NULL }, { "", NULL });
    CHECK(s, { "", "" }, { "a\tb", "a\tb" }, { "12", "12" });
}

Test(option, a_refusal_says_what_is_allowed)
{
    struct program_option o = option_of(OPTION_CHOICE, 0, 0);
    struct arena arena = { 0 };
    struct error err = { 0 };
    const char *got = NULL;

    cr_assert_eq(program_value(&o, "alexnt", &arena, &got, &err), E_INPUT);
    cr_assert_str_eq(err.text,
                     "\"alexnt\" is not alexnet or resnet50; did you mean alexnet?");
    arena_release(&arena);
}
