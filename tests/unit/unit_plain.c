#include <criterion/criterion.h>
#include <string.h>

#include "plain.h"

#include "larder/banned.h"

static struct digest none;

/* What stands for the step `EXECUTABLE -n ${in.a} TEXT`; an all-zero digest where it
 * cannot be plain. */
static struct digest plain(const char *executable, const char *content, const char *text)
{
    struct word words[] = {
        { WORD_TEXT, "x" }, { WORD_TEXT, "-n" }, { WORD_IN, "a" }, { WORD_TEXT, text }
    };
    struct arg args[] = {
        { &words[0], 1 }, { &words[1], 1 }, { &words[2], 1 }, { &words[3], 1 }
    };
    struct step step = { .executable = executable, .arg = args, .n_args = 4 };
    struct work w = { .step = &step };
    struct digest d = none;

    digest_bytes(&w.facts.executable, content, strlen(content));
    plain_of(&w, &d);
    return d;
}

static bool can_be_plain(const char *executable, const char *text)
{
    struct digest d = plain(executable, "x", text);

    return !digest_equal(&none, &d);
}

Test(plain, are_tools_of_the_system_that_open_what_their_arguments_name)
{
    static const char *const never[] = {
        "/bin/sh",       "/usr/bin/perl", "/usr/bin/awk",      "/usr/bin/sed",
        "/usr/bin/find", "/usr/bin/make", "/usr/bin/tar",      "/usr/bin/env",
        "/home/me/cp",   "/usr/bin/x/cp", "/usr/bin/sha256sum"
    };

    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        cr_expect_not(can_be_plain(never[i], "x"), "%s", never[i]);
    cr_expect(can_be_plain("/usr/bin/cp", "x"));
    cr_expect(can_be_plain("/bin/sort", "-u"));
    cr_expect_not(can_be_plain(NULL, "x"));
}

Test(plain, is_no_step_whose_arguments_may_lead_elsewhere)
{
    static const char *const out[] = { "/opt/data",          "../x",
                                       "if=/dev/zero",       "-T/var/tmp",
                                       "--files0-from=list", "--compress-prog=x" };

    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
        cr_expect_not(can_be_plain("/usr/bin/sort", out[i]), "%s", out[i]);
    cr_expect(can_be_plain("/usr/bin/sort", "-"));
}

Test(plain, is_no_step_that_has_variables_which_nobody_knows)
{
    const char *passed[] = { "LD_PRELOAD" };
    struct step step = { .executable = "/usr/bin/cp" };
    struct work w = { .step = &step };
    struct digest d;

    cr_expect(plain_of(&w, &d));
    step.passed = passed;
    step.n_passed = 1;
    cr_expect_not(plain_of(&w, &d));
}

Test(plain, is_known_by_the_executable)
{
    struct digest a = plain("/usr/bin/cp", "one", "x"), b = plain("/bin/cp", "one", "y"),
                  c = plain("/usr/bin/cp", "two", "x"),
                  d = plain("/usr/bin/mv", "one", "x");

    cr_expect(digest_equal(&a, &b));
    cr_expect_not(digest_equal(&a, &c));
    cr_expect_not(digest_equal(&a, &d), "one file may be many tools by its name");
}
