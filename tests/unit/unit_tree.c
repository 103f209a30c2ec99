#include "tree.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"

/* The SHA-256 of the golden text: the format is frozen. */
#define GOLDEN_TREE "b41fdb4e83b6b9519d66c359b60196eff20cd28270b3c7f1cc1f35fbe0eea2e8"

/* A digest with a capital in it. */
#define CAPITAL "sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char hex_a[] =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static int read_text(const char *text, struct error *err)
{
    struct tree t = { 0 };
    int rc = tree_read(&t, text, strlen(text), err);

    tree_release(&t);
    return rc;
}

static void add(struct tree *t, enum tree_kind kind, long long size, const char *name)
{
    struct digest d;

    digest_bytes(&d, name, strlen(name));
    cr_assert_eq(tree_add(t, kind, size, &d, name, NULL), 0);
}

static void fill_golden(struct tree *t)
{
    add(t, TREE_TREE, 1234567890123, "sub");
    add(t, TREE_EXEC, 10, "run me.sh");
    add(t, TREE_FILE, 0, "Zebra");
    add(t, TREE_FILE, 7, "line\nbreak\\");
    add(t, TREE_FILE, 6, "caf\xc3\xa9");
}

Test(tree, text_is_the_golden_one)
{
    struct tree t = { 0 };
    struct buf text = { 0 }, golden = { 0 };
    struct error err = { 0 };
    struct digest d;
    char hex[DIGEST_HEX + 1];

    fill_golden(&t);
    tree_write(&t, &text);
    cr_assert_eq(fs_read(LARDER_SOURCE "/tests/golden/tree-1.txt", &golden, &err), 0,
                 "%s", err.text);
    cr_assert_str_eq(buf_str(&text), buf_str(&golden));
    digest_bytes(&d, golden.s, golden.len);
    cr_assert_str_eq(digest_hex(&d, hex), GOLDEN_TREE);
    tree_release(&t);
    buf_release(&text);
    buf_release(&golden);
}

Test(tree, what_was_written_reads_back)
{
    struct tree t = { 0 }, back = { 0 };
    struct buf text = { 0 };
    struct error err = { 0 };

    fill_golden(&t);
    tree_write(&t, &text);
    cr_assert_eq(tree_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert_eq(back.n, t.n);
    cr_assert_eq(back.size, 1234567890123 + 10 + 0 + 7 + 6);
    for (size_t i = 0; i < t.n; i++) {
        cr_assert_str_eq(back.entry[i].name, t.entry[i].name);
        cr_assert_eq(back.entry[i].kind, t.entry[i].kind);
        cr_assert_eq(back.entry[i].size, t.entry[i].size);
        cr_assert(digest_equal(&back.entry[i].id, &t.entry[i].id));
    }
    tree_release(&back);
    tree_release(&t);
    buf_release(&text);
}

Test(tree, empty_folder_is_one_line)
{
    struct tree t = { 0 };
    struct buf text = { 0 };

    tree_write(&t, &text);
    cr_assert_str_eq(buf_str(&text), "larder-tree 1\n");
    cr_assert_eq(read_text(text.s, NULL), 0);
    buf_release(&text);
}

Test(tree, names_of_any_bytes_survive)
{
    char name[3] = { 0 };

    for (int c = 1; c < 256; c++) {
        struct tree t = { 0 }, back = { 0 };
        struct buf text = { 0 };
        struct error err = { 0 };

        if (c == '/')
            continue;
        name[0] = 'x';
        name[1] = (char)c;
        add(&t, TREE_FILE, c, name);
        tree_write(&t, &text);
        cr_assert_eq(tree_read(&back, text.s, text.len, &err), 0, "byte %d: %s", c,
                     err.text);
        cr_assert_str_eq(back.entry[0].name, name);
        tree_release(&back);
        tree_release(&t);
        buf_release(&text);
    }
}

Test(tree, any_other_form_is_refused)
{
    /* %s is a digest */
    static const char *const body[] = {
        "file 1 %s b\nfile 1 %s a\n",                   /* unsorted */
        "file 1 %s a\nfile 1 %s a\n",                   /* twice */
        "file 1 %s ..\n%.0s",                           /* out of the folder */
        "file 1 %s .\n%.0s",                            /* the folder */
        "file 1 %s a/b\n%.0s",                          /* below it */
        "file 1 %s \n%.0s",                             /* no name */
        "file 1 %s\n%.0s",                              /* no name */
        "file 01 %s a\n%.0s",                           /* leading zero */
        "file -1 %s a\n%.0s",                           /* negative */
        "file +1 %s a\n%.0s",                           /* sign */
        "file  1 %s a\n%.0s",                           /* two spaces */
        "file %s a\n%.0s",                              /* no size */
        "file 9223372036854775808 %s a\n%.0s",          /* too large */
        "file 9223372036854775807 %s a\nfile 1 %s b\n", /* too large together */
        "link 1 %s a\n%.0s",                            /* no such kind */
        "file 1 %s a%.0s",                              /* no end of line */
        "file 1 %s a\r\n%.0s",                          /* a bare control byte */
        "file 1 %s a\tb\n%.0s",                         /* should be escaped */
        "file 1 %s a\\x41\n%.0s",                       /* needless escape */
        "file 1 %s a\\x0A\n%.0s",                       /* upper case */
        "file 1 %s a\\x0a\n%.0s",                       /* should be \n */
        "file 1 %s a\\x00\n%.0s",                       /* NUL */
        "file 1 %s a\\q\n%.0s",                         /* no such escape */
        "file 1 %s a\\\n%.0s",                          /* half an escape */
        "file 1 %s a\n\n%.0s",                          /* empty line */
        "file 1 sha256:E3b0 a\n%.0s%.0s",               /* short digest */
        "file 1 " CAPITAL " a\n%.0s%.0s",
    };

    for (size_t i = 0; i < sizeof body / sizeof *body; i++) {
        char text[600];
        int n = snprintf(text, sizeof text, "larder-tree 1\n");
        struct error err = { 0 };

        snprintf(text + n, sizeof text - (size_t)n, body[i], hex_a, hex_a);
        cr_assert_eq(read_text(text, &err), E_CORRUPT, "case %zu: %s", i, text);
        cr_assert(strstr(err.text, "line ") != NULL, "case %zu: %s", i, err.text);
    }
    cr_assert_eq(read_text("", NULL), E_CORRUPT);
    cr_assert_eq(read_text("larder-tree 2\n", NULL), E_CORRUPT);
    cr_assert_eq(read_text("larder-tree 1", NULL), E_CORRUPT);
}

Test(tree, name_of_256_bytes_is_refused)
{
    struct buf text = { 0 };

    buf_printf(&text, "larder-tree 1\nfile 1 %s %0255d\n", hex_a, 0);
    cr_assert_eq(read_text(text.s, NULL), 0);
    buf_reset(&text);
    buf_printf(&text, "larder-tree 1\nfile 1 %s %0256d\n", hex_a, 0);
    cr_assert_eq(read_text(text.s, NULL), E_CORRUPT);
    buf_release(&text);
}

Test(tree, cut_text_is_refused_unless_cut_between_lines)
{
    struct tree t = { 0 };
    struct buf text = { 0 };

    fill_golden(&t);
    tree_write(&t, &text);
    for (size_t n = 0; n < text.len; n++) {
        struct tree back = { 0 };
        int rc = tree_read(&back, text.s, n, NULL);

        if (n && text.s[n - 1] == '\n')
            cr_assert_eq(rc, 0);
        else
            cr_assert_eq(rc, E_CORRUPT, "cut at %zu", n);
        tree_release(&back);
    }
    tree_release(&t);
    buf_release(&text);
}
