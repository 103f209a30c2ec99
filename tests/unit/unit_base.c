#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

Test(error, each_level_adds_itself_in_front)
{
    struct error err = { 0 };

    cr_assert_eq(error_set(&err, E_INPUT, "no %s", "stage"), E_INPUT);
    cr_assert_eq(error_context(&err, "a.yaml:3:1"), E_INPUT);
    cr_assert_str_eq(err.text, "a.yaml:3:1: no stage");
}

Test(error, a_story_longer_than_its_room_is_cut_and_not_overrun)
{
    struct error err = { 0 };
    char longest[3000];

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    error_set(&err, E_SYSTEM, "%s", longest);
    error_context(&err, "%s", longest);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
}

Test(error, codes_have_the_documented_exit_statuses)
{
    cr_assert_eq(error_exit_status(0), 0);
    cr_assert_eq(error_exit_status(E_STAGE), 1);
    cr_assert_eq(error_exit_status(E_USAGE), 2);
    cr_assert_eq(error_exit_status(E_INPUT), 3);
    cr_assert_eq(error_exit_status(E_CORRUPT), 5);
    cr_assert_eq(error_exit_status(E_SYSTEM), 8);
    cr_assert_eq(error_exit_status(E_DEVICE), 8);
    cr_assert_eq(error_exit_status(-99), 70);
}

Test(buf, an_empty_one_is_the_empty_string)
{
    struct buf b = { 0 };

    cr_assert_str_eq(buf_str(&b), "");
    buf_release(&b);
}

Test(buf, control_bytes_are_escaped_onto_one_line)
{
    struct buf b = { 0 };

    buf_add_escaped(&b, "a\\b\nc\td\x01");
    cr_assert_str_eq(b.s, "a\\\\b\\nc\\td\\x01");
    buf_release(&b);
}

Test(buf, html_special_characters_become_entities)
{
    struct buf b = { 0 };

    buf_add_html(&b, "<a href='x'>&\"");
    cr_assert_str_eq(b.s, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    buf_release(&b);
}

Test(buf, doubles_are_written_in_the_fewest_digits_that_read_back)
{
    const double x[] = { 0.1, 3, 1e-5, 2.0 / 3, 1e300, -0.0, 0.04, 30, -120000, 1e16 };
    const char *text[] = { "0.1",     "3",    "1e-05", "0.6666666666666666",
                           "1e+300",  "0",    "0.04",  "30",
                           "-120000", "1e+16" };

    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        struct buf b = { 0 };

        buf_add_double(&b, x[i]);
        cr_assert_str_eq(b.s, text[i]);
        buf_release(&b);
    }
}

/* The definition, tried digit by digit. */
static void write_slowly(double x, char text[40])
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 40, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    if (strchr(text, 'e') && fabs(x) >= 1 && fabs(x) < 1e16)
        snprintf(text, 40, "%.0f", x);
}

Test(buf, doubles_of_every_size_are_written_by_the_definition)
{
    unsigned long long seed = 1;
    char text[40];

    for (int i = 0; i < 200000; i++) {
        struct buf b = { 0 };
        double x;

        seed = seed * 6364136223846793005 + 1442695040888963407;
        x = (double)(seed >> 40) / (i % 3 ? 1e6 : 7);
        x = i % 5 ? x : x * 1e9;
        x = i % 7 ? x : x * 1e-9;
        buf_add_double(&b, x);
        write_slowly(x, text);
        cr_assert_str_eq(b.s, text);
        buf_release(&b);
    }
}

Test(map, keeps_the_order_of_insertion_and_finds_a_thousand_keys)
{
    struct map m = { 0 };
    char key[24]; /* "k" and any long */

    for (long i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "k%ld", i);
        cr_assert_null(map_set(&m, key, (void *)(i + 1)));
    }
    for (long i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "k%ld", i);
        cr_assert_eq((long)map_get(&m, key), i + 1);
        cr_assert_str_eq(m.entry[i].key, key);
    }
    cr_assert_null(map_get(&m, "k1000"));
    cr_assert_eq((long)map_set(&m, "k7", (void *)5L), 8);
    map_release(&m);
}

Test(map, the_nearest_name_is_near_or_none)
{
    const char *names[] = { "alexnet", "googlenet", "resnet50" };

    cr_assert_str_eq(nearest_name("alexnt", names, 3), "alexnet");
    cr_assert_str_eq(nearest_name("resent50", names, 3), "resnet50");
    cr_assert_null(nearest_name("vgg", names, 3));
}

Test(digest, agrees_with_the_vectors_of_fips_180_4)
{
    struct digest d;
    char hex[DIGEST_HEX + 1];

    digest_bytes(&d, "abc", 3);
    cr_assert_str_eq(digest_hex(&d, hex),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_bytes(&d, "", 0);
    cr_assert_str_eq(digest_hex(&d, hex),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(digest, reads_only_64_hex_digits)
{
    struct digest d, e;
    char hex[DIGEST_HEX + 1], text[DIGEST_HEX + 9];

    digest_bytes(&d, "abc", 3);
    snprintf(text, sizeof text, "sha256:%s", digest_hex(&d, hex));
    cr_assert(digest_parse(&e, text));
    cr_assert(digest_equal(&d, &e));
    cr_assert_not(digest_parse(&e, "sha256:12"));
    hex[0] = (char)toupper(hex[0]);
    cr_assert(digest_parse(&e, hex));
    cr_assert(digest_equal(&d, &e));
    cr_assert_not(digest_parse_hex(&e, hex), "a capital");
    hex[5] = 'g';
    cr_assert_not(digest_parse(&e, hex));
}

static char *folder(void)
{
    char *path = xstrdup("/tmp/larder-test.XXXXXX");

    cr_assert_not_null(mkdtemp(path));
    return path;
}

Test(fs, a_write_replaces_the_file_whole_and_leaves_nothing_beside_it)
{
    char *dir = folder(), **name;
    struct buf path = { 0 }, text = { 0 };
    struct error err = { 0 };
    size_t n;

    fs_join(&path, dir, "a");
    cr_assert_eq(fs_write(path.s, "one", 3, false, &err), 0);
    cr_assert_eq(fs_write(path.s, "two!", 4, true, &err), 0);
    cr_assert_eq(fs_read(path.s, &text, &err), 0);
    cr_assert_str_eq(text.s, "two!");
    cr_assert_eq(fs_list(dir, &name, &n, &err), 0);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(name[0], "a");
    cr_assert_eq(fs_remove_tree(dir, &err), 0);
    cr_assert_not(fs_exists(dir));
    free(name);
    buf_release(&path);
    buf_release(&text);
    free(dir);
}

Test(fs, a_tree_with_read_only_folders_and_links_goes_without_following_them)
{
    char *dir = folder(), *other = folder();
    struct buf path = { 0 };
    struct error err = { 0 };

    fs_join(&path, dir, "x/y/z");
    cr_assert_eq(fs_mkdirs(path.s, &err), 0);
    buf_adds(&path, "/link");
    cr_assert_eq(fs_symlink(other, path.s, &err), 0);
    buf_reset(&path);
    fs_join(&path, dir, "x/y");
    cr_assert_eq(chmod(path.s, 0555), 0);
    cr_assert_eq(fs_remove_tree(dir, &err), 0, "%s", err.text);
    cr_assert(fs_is_dir(other));
    cr_assert_eq(fs_remove_tree(other, &err), 0);
    buf_release(&path);
    free(dir);
    free(other);
}

Test(fs, a_planned_fault_makes_exactly_that_call_fail)
{
    char *dir = folder();
    struct buf path = { 0 };
    struct error err = { 0 };

    setenv("LARDER_FS_FAULT", "5:enospc", 1);
    fs_join(&path, dir, "a");
    cr_assert_eq(fs_write(path.s, "one", 3, false, &err), 0); /* four calls */
    cr_assert_eq(fs_write(path.s, "two", 3, false, &err), E_SYSTEM);
    cr_assert(strstr(err.text, "No space left") != NULL);
    cr_assert_eq(fs_write(path.s, "two", 3, false, &err), 0);
    cr_assert_eq(fs_remove_tree(dir, &err), 0);
    buf_release(&path);
    free(dir);
}

Test(fs, a_copy_never_replaces_a_file)
{
    char *dir = folder();
    struct buf a = { 0 }, b = { 0 };
    struct error err = { 0 };
    struct fs_state st;

    fs_join(&a, dir, "a");
    fs_join(&b, dir, "b");
    cr_assert_eq(fs_write(a.s, "one", 3, false, &err), 0);
    cr_assert_eq(fs_copy(a.s, b.s, 0444, &err), 0);
    cr_assert_eq(fs_copy(a.s, b.s, 0444, &err), E_SYSTEM);
    cr_assert_eq(fs_stat(b.s, &st, &err), FS_FOUND);
    cr_assert_eq(st.mode & 0777, 0444);
    cr_assert_eq(st.size, 3);
    cr_assert_eq(fs_remove_tree(dir, &err), 0);
    buf_release(&a);
    buf_release(&b);
    free(dir);
}
