#include <criterion/criterion.h>
#include <string.h>

#include "kind.h"

#include "larder/banned.h"

static struct digest plain(const char *executable, const char *key)
{
    struct step step = { .executable = executable };
    struct work w = { .step = &step };
    struct digest d = { 0 };

    digest_bytes(&w.facts.executable, key, strlen(key));
    kind_of_plain(&w, &d);
    return d;
}

static bool can_be_plain(const char *executable)
{
    struct digest none = { 0 }, d = plain(executable, "x");

    return !digest_equal(&none, &d);
}

Test(kind, of_interpreters_is_never_plain)
{
    static const char *const never[] = { "/bin/sh",
                                         "/usr/bin/perl",
                                         "/usr/bin/perl5.36.0",
                                         "/opt/x/bin/python3.11",
                                         "/usr/bin/lua5.4",
                                         "/usr/bin/env" };

    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        cr_expect_not(can_be_plain(never[i]), "%s", never[i]);
    cr_expect(can_be_plain("/usr/bin/cp"));
    cr_expect(can_be_plain("/usr/bin/sha256sum"));
    cr_expect(can_be_plain("/home/me/shuffle"));
    cr_expect_not(can_be_plain(NULL));
}

Test(kind, of_plain_steps_is_that_of_the_executable)
{
    struct digest a = plain("/usr/bin/cp", "one"), b = plain("/bin/cp", "one"),
                  c = plain("/usr/bin/cp", "two"), d = plain("/usr/bin/mv", "one");

    cr_expect(digest_equal(&a, &b));
    cr_expect_not(digest_equal(&a, &c));
    cr_expect_not(digest_equal(&a, &d), "one file may be many tools by its name");
}

/* The kind of a step with that key document up to its inputs, and a file in the recipe's
 * folder among them. */
static struct digest kind(const char *text, const char *file)
{
    struct source source = { .is_import = false };
    struct item item = { .source = &source };
    struct input input = { .name = "a", .item = &item, .n_items = 1 };
    struct step step = { .input = &input, .n_inputs = 1 };
    struct work w = { .step = &step };
    struct object object = { 0 }, *objects[] = { &object };
    struct digest d;

    digest_bytes(&object.id, file, strlen(file));
    w.facts.input = objects;
    buf_printf(&w.key_text, "%s\nin a file sha256:%s\nout b file b\n", text, file);
    kind_of(&w, &d);
    buf_release(&w.key_text);
    return d;
}

Test(kind, of_other_steps_is_that_of_program_arguments_and_sources)
{
    struct digest a = kind("program run\narg x", "one"),
                  b = kind("program run\narg x", "one"),
                  c = kind("program run\narg y", "one"),
                  d = kind("program run\narg x", "two");

    cr_expect(digest_equal(&a, &b));
    cr_expect_not(digest_equal(&a, &c));
    cr_expect_not(digest_equal(&a, &d));
}
