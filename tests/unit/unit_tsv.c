#include "kit/tsv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "kit/manifest.h"
#include "larder/fs.h"

static char path[] = "/tmp/unit-tsv-XXXXXX";

static void make_file(void)
{
    close(mkstemp(path));
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(tsv, .init = make_file, .fini = remove_file);
TestSuite(manifest, .init = make_file, .fini = remove_file);

static void put(const char *text)
{
    struct error err = { 0 };

    cr_assert_eq(fs_write(path, text, strlen(text), false, &err), 0, "%s", err.text);
}

Test(tsv, reads_columns_rows_and_numbers)
{
    struct tsv t = { 0 };
    struct error err = { 0 };
    double x;
    long n;

    put("name\tloss\tstep\none\t0.5\t-3\n\t1e-05\t9\n");
    cr_assert_eq(tsv_read(&t, path, &err), 0, "%s", err.text);
    cr_assert_eq(t.n_rows, 2);
    cr_assert_eq(t.n_columns, 3);
    cr_assert_str_eq(tsv_get(&t, 1, tsv_find(&t, "name")), "");
    cr_assert_eq(tsv_double(&t, 1, tsv_find(&t, "loss"), &x, &err), 0);
    cr_assert_eq(x, 1e-5);
    cr_assert_eq(tsv_long(&t, 0, tsv_column(&t, "step", &err), &n, &err), 0);
    cr_assert_eq(n, -3);
    cr_assert_eq(tsv_find(&t, "los"), -1);
    tsv_release(&t);
}

Test(tsv, a_last_line_without_a_newline_counts)
{
    struct tsv t = { 0 };
    struct error err = { 0 };

    put("a\tb\n1\t2");
    cr_assert_eq(tsv_read(&t, path, &err), 0, "%s", err.text);
    cr_assert_eq(t.n_rows, 1);
    cr_assert_str_eq(tsv_get(&t, 0, 1), "2");
    tsv_release(&t);
}

Test(tsv, a_header_alone_is_a_table_without_rows)
{
    struct tsv t = { 0 };
    struct error err = { 0 };

    put("a\tb\n");
    cr_assert_eq(tsv_read(&t, path, &err), 0, "%s", err.text);
    cr_assert_eq(t.n_rows, 0);
    tsv_release(&t);
}

static void refuses(const char *text, const char *why)
{
    struct tsv t = { 0 };
    struct error err = { 0 };

    put(text);
    cr_assert_eq(tsv_read(&t, path, &err), E_INPUT, "accepted: %s", text);
    cr_assert(strstr(err.text, path) != NULL && strstr(err.text, why) != NULL, "%s",
              err.text);
    cr_assert_null(t.cell);
}

Test(tsv, a_row_of_another_length_is_refused_with_its_line)
{
    refuses("a\tb\n1\t2\n1\n", ":3: 1 fields");
    refuses("a\tb\n1\t2\t3\n", ":2: 3 fields");
    refuses("a\tb\n\n1\t2\n", ":2: 1 fields");
}

Test(tsv, what_is_no_such_table_is_refused)
{
    refuses("", "empty");
    refuses("a\ta\n", "twice");
    refuses("a\tb\r\n1\t2\r\n", "\\r\\n");
}

Test(tsv, a_missing_column_is_named_with_those_that_are_there)
{
    struct tsv t = { 0 };
    struct error err = { 0 };

    put("name\tpath\nx\ty\n");
    cr_assert_eq(tsv_read(&t, path, &err), 0);
    cr_assert_eq(tsv_column(&t, "label", &err), E_INPUT);
    cr_assert(strstr(err.text, "\"label\"") != NULL &&
                  strstr(err.text, "name, path") != NULL,
              "%s", err.text);
    tsv_release(&t);
}

Test(tsv, what_is_no_finite_number_is_refused_with_line_and_column)
{
    static const char *const wrong[] = { "",   "nan", "inf",   "0x10",
                                         " 1", "1 ",  "1e999", "." };
    struct tsv t = { 0 };
    struct error err = { 0 };
    double x;
    long n;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf text = { 0 };

        buf_printf(&text, "a\tloss\nx\t%s\n", wrong[i]);
        put(buf_str(&text));
        buf_release(&text);
        cr_assert_eq(tsv_read(&t, path, &err), 0);
        cr_assert_eq(tsv_double(&t, 0, 1, &x, &err), E_INPUT, "took %s", wrong[i]);
        cr_assert_not_null(strstr(err.text, ":2: loss: "), "%s", err.text);
        cr_assert_eq(tsv_long(&t, 0, 1, &n, &err), E_INPUT, "took %s", wrong[i]);
        tsv_release(&t);
    }
}

Test(tsv, writes_the_bytes_it_was_given)
{
    struct buf text = { 0 }, back = { 0 };
    struct error err = { 0 };

    buf_printf(&text, "a\tb\n%.6g\t%d\n", 1.0 / 3, 7);
    cr_assert_eq(tsv_write(path, &text, &err), 0, "%s", err.text);
    cr_assert_eq(fs_read(path, &back, &err), 0);
    cr_assert_str_eq(buf_str(&back), "a\tb\n0.333333\t7\n");
    buf_release(&back);
    buf_release(&text);
}

Test(manifest, gives_paths_and_axis_values)
{
    struct manifest m = { 0 };
    struct error err = { 0 };

    put("arch\tkind\tpath\nalexnet\tS\tin/0\nalexnet\t\tin/1\n");
    cr_assert_eq(manifest_read(&m, path, &err), 0, "%s", err.text);
    cr_assert_eq(manifest_size(&m), 2);
    cr_assert_str_eq(manifest_path(&m, 1), "in/1");
    cr_assert_str_eq(manifest_axis(&m, 0, "kind"), "S");
    cr_assert_str_eq(manifest_axis(&m, 1, "kind"), "");
    cr_assert_null(manifest_axis(&m, 1, "severity"));
    manifest_release(&m);
}

Test(manifest, without_a_path_column_is_refused)
{
    struct manifest m = { 0 };
    struct error err = { 0 };

    put("arch\tfile\nx\ty\n");
    cr_assert_eq(manifest_read(&m, path, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "\"path\""), "%s", err.text);
}
