#include "larder/record.h"

#include "store_fixture.h"

#include "larder/boot.h"

/* Every field has a value that its text must carry exactly. */
/* The SHA-256 of the golden text: the format is frozen. */
#define GOLDEN_RECORD "c3bfb0c994db6b71e124f087d7be6f9a716ca09d913230978a500abcda5d9ecf"

static struct record *golden_record(void)
{
    struct object o[2] = {
        { .kind = OBJECT_TREE, .size = 123456789012 },
        { .kind = OBJECT_FILE, .size = 0 },
    };
    struct record *r;

    digest_bytes(&o[0].id, "tree", 4);
    digest_bytes(&o[1].id, "", 0);
    r = make_record("larder-key 1\nprogram bake sha256:00\nseed 6b86b273ff34fce1\n", o,
                    2);
    r->output[0].name = "pie";
    r->output[1].name = "crumbs\nand more";
    digest_bytes(&r->log.id, "log", 3);
    r->log.size = 3;
    r->wall = 0.1;
    r->cpu = 12345.678;
    r->boot = "9d3cbdbe-6a40-4a6e-93a5-ba5d5cb7a3a1";
    r->platform = "x86_64 onednn 2.6.3 avx512_core";
    r->segments = 3;
    return r;
}

/* Puts the right checksum under a text. */
static void sign(struct buf *text)
{
    struct digest d;
    char hex[DIGEST_HEX + 1];

    digest_bytes(&d, text->s, text->len);
    buf_printf(text, "checksum sha256:%s\n", digest_hex(&d, hex));
}

static int read_whole(const struct buf *text, struct error *err)
{
    struct record *r = NULL;
    int rc = record_read(&r, text->s, text->len, err);

    record_free(r);
    return rc;
}

Test(record, text_is_the_golden_one)
{
    struct record *r = golden_record();
    struct buf text = { 0 }, golden = { 0 };
    struct error err = { 0 };
    char hex[DIGEST_HEX + 1];

    record_write(r, &text);
    cr_assert_eq(fs_read(LARDER_SOURCE "/tests/golden/record-1.txt", &golden, &err), 0,
                 "%s", err.text);
    cr_assert_str_eq(buf_str(&text), buf_str(&golden));
    cr_assert_str_eq(digest_hex(&r->id, hex), GOLDEN_RECORD);
    record_free(r);
    buf_release(&text);
    buf_release(&golden);
}

Test(record, what_was_written_reads_back)
{
    struct record *r = golden_record(), *back = NULL;
    struct buf text = { 0 }, again = { 0 };
    struct error err = { 0 };

    record_write(r, &text);
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert(digest_equal(&r->id, &back->id));
    cr_assert_str_eq(back->step, r->step);
    cr_assert_str_eq(back->output[0].name, "crumbs\nand more", "sorted by name");
    cr_assert_eq(record_output(back, "pie")->kind, OBJECT_TREE);
    cr_assert_eq(record_output(back, "pie")->size, 123456789012);
    cr_assert_null(record_output(back, "cake"));
    cr_assert(back->wall == 0.1 && back->cpu == 12345.678, "doubles are exact");
    cr_assert_eq(back->segments, 3);
    cr_assert_str_eq(back->key_text, r->key_text);
    record_write(back, &again);
    cr_assert_str_eq(buf_str(&again), buf_str(&text));
    record_free(back);
    record_free(r);
    buf_release(&text);
    buf_release(&again);
}

/* The golden one, with the starts of its three segments. */
static struct record *golden_starts(void)
{
    static const struct segment start[] = { { 1699990000, 3600.5, SEGMENT_KILLED },
                                            { 1699994000, 120, SEGMENT_PREEMPTED },
                                            { 1699999999, 0.1, SEGMENT_DONE } };
    struct record *r = golden_record();

    r->starts.segment = xcalloc(3, sizeof *start);
    memcpy(r->starts.segment, start, sizeof start);
    r->starts.n = 3;
    return r;
}

Test(record, starts_are_the_golden_ones_and_read_back)
{
    struct record *r = golden_starts(), *back = NULL;
    struct buf text = { 0 }, golden = { 0 }, again = { 0 };
    struct error err = { 0 };

    record_write(r, &text);
    cr_assert_eq(
        fs_read(LARDER_SOURCE "/tests/golden/record-1-starts.txt", &golden, &err), 0,
        "%s", err.text);
    cr_assert_str_eq(buf_str(&text), buf_str(&golden));
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert_eq(back->starts.n, 3);
    cr_assert_eq(back->starts.segment[1].end, SEGMENT_PREEMPTED);
    record_write(back, &again);
    cr_assert_str_eq(buf_str(&again), buf_str(&text));
    record_free(back);
    record_free(r);
    buf_release(&text);
    buf_release(&again);
    buf_release(&golden);
}

Test(record, temporary_outputs_are_told_and_read_back)
{
    struct record *r = golden_record(), *back = NULL;
    struct buf text = { 0 };
    struct error err = { 0 };

    r->output[0].temp = true;
    record_write(r, &text);
    cr_assert_not_null(strstr(text.s, "\noutput file 0 sha256:"));
    cr_assert_not_null(strstr(text.s, "\ntemp tree 123456789012 sha256:"));
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert(!back->output[0].temp && back->output[1].temp);
    record_free(back);
    record_free(r);
    buf_release(&text);
}

Test(record, executable_outputs_are_the_golden_ones_and_read_back)
{
    struct record *r = golden_record(), *back = NULL;
    struct buf text = { 0 }, golden = { 0 };
    struct error err = { 0 };

    r->output[1].object.kind = OBJECT_EXEC;
    record_write(r, &text);
    cr_assert_eq(fs_read(LARDER_SOURCE "/tests/golden/record-1-exec.txt", &golden, &err),
                 0, "%s; given:\n%s", err.text, text.s);
    cr_assert_str_eq(buf_str(&text), buf_str(&golden));
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert_eq(record_output(back, "crumbs\nand more")->kind, OBJECT_EXEC);
    cr_assert_eq(record_output(back, "pie")->kind, OBJECT_TREE);
    record_free(back);
    record_free(r);
    buf_release(&text);
    buf_release(&golden);
}

Test(record, a_list_of_discovered_inputs_is_the_golden_one_and_reads_back)
{
    struct record *r = golden_record(), *back = NULL;
    struct buf text = { 0 }, golden = { 0 }, again = { 0 };
    struct error err = { 0 };

    r->watched = true;
    r->discovered = (struct object){ .kind = OBJECT_FILE, .size = 20 };
    digest_bytes(&r->discovered.id, "larder-discovered 1\n", 20);
    record_write(r, &text);
    cr_assert_eq(
        fs_read(LARDER_SOURCE "/tests/golden/record-1-discovered.txt", &golden, &err), 0,
        "%s", err.text);
    cr_assert_str_eq(buf_str(&text), buf_str(&golden));
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert_eq(back->discovered.size, 20);
    record_write(back, &again);
    cr_assert_str_eq(buf_str(&again), buf_str(&text));
    record_free(back);
    record_free(r);
    buf_release(&text);
    buf_release(&again);
    buf_release(&golden);
}

Test(record, says_whether_a_program_was_watched_that_loaded_nothing)
{
    struct record *r = golden_record(), *back = NULL;
    struct buf text = { 0 };
    struct error err = { 0 };

    r->watched = true;
    record_write(r, &text);
    cr_assert_not_null(strstr(text.s, "\ndiscovered -\n"));
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert(back->watched);
    record_free(back);
    r->watched = false;
    buf_reset(&text);
    record_write(r, &text);
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert_not(back->watched);
    record_free(back);
    record_free(r);
    buf_release(&text);
}

Test(record, optional_fields_may_be_absent)
{
    struct record *r = make_record("k\n", NULL, 0), *back = NULL;
    struct buf text = { 0 };
    struct error err = { 0 };

    r->platform = NULL;
    record_write(r, &text);
    cr_assert_eq(record_read(&back, text.s, text.len, &err), 0, "%s", err.text);
    cr_assert_null(back->boot);
    cr_assert_null(back->platform);
    cr_assert_eq(back->n_outputs, 0);
    cr_assert_eq(back->log.size, 0);
    record_free(back);
    record_free(r);
    buf_release(&text);
}

Test(record, cut_at_any_length_is_refused)
{
    struct record *r = golden_record(), *back;
    struct buf text = { 0 };

    record_write(r, &text);
    for (size_t n = 0; n < text.len; n++)
        cr_assert_eq(record_read(&back, text.s, n, NULL), E_CORRUPT, "cut at %zu", n);
    record_free(r);
    buf_release(&text);
}

Test(record, any_flipped_bit_is_refused)
{
    struct record *r = golden_record();
    struct buf text = { 0 };

    record_write(r, &text);
    for (size_t i = 0; i < text.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            text.s[i] = (char)(text.s[i] ^ 1 << bit);
            cr_assert_eq(read_whole(&text, NULL), E_CORRUPT, "byte %zu bit %d", i, bit);
            text.s[i] = (char)(text.s[i] ^ 1 << bit);
        }
    cr_assert_eq(read_whole(&text, NULL), 0);
    record_free(r);
    buf_release(&text);
}

Test(record, bytes_after_the_end_are_refused)
{
    struct record *r = golden_record();
    struct buf text = { 0 };

    record_write(r, &text);
    buf_addc(&text, '\n');
    cr_assert_eq(read_whole(&text, NULL), E_CORRUPT);
    record_free(r);
    buf_release(&text);
}

/* The valid text with one line changed, dropped or moved, under a right checksum. */
Test(record, any_other_form_with_a_right_checksum_is_refused)
{
    static const char *const change[][2] = {
        { "larder-record 1", "larder-record 2" },
        { "larder-record 1\n", "" },
        { "wall 0.1", "wall 0.10" },
        { "wall 0.1", "wall .1" },
        { "wall 0.1", "wall -0.1" },
        { "wall 0.1", "wall nan" },
        { "wall 0.1", "wall inf" },
        { "wall 0.1\n", "" },
        { "wall 0.1\ncpu 12345.678\n", "cpu 12345.678\nwall 0.1\n" },
        { "rss 4096", "rss 04096" },
        { "rss 4096", "rss 4096 " },
        { "made 1700000000", "made 1.7e9" },
        { "segments 3", "segments 0" },
        { "segments 3", "segments 99999999999" },
        { "segments 3", "segments 2" }, /* there are three starts */
        { "segments 3", "segments 4" },
        { "segment 1699994000 120 preempted\n", "" },
        { "segment 1699994000", "segment 01699994000" },
        { "3600.5 killed", "3600.50 killed" },
        { "3600.5 killed", "-1 killed" },
        { "3600.5 killed", "3600.5  killed" },
        { "preempted\n", "preempted \n" },
        { "preempted\n", "asleep\n" },
        { "0.1 done\n", "0.1 done\nsegment 1700000000 1 done\n" },
        { "boot 9d3c", "boot\t9d3c" },
        { "step bake@kind=pie", "step " },
        { "output file 0 ", "output link 0 " },
        { "log file 3 ", "log tree 3 " },
        { "crumbs\\nand more", "zebra" }, /* no longer sorted */
        { "crumbs\\nand more", "pie" },   /* twice */
        { "key sha256:", "key sha256:0" },
        { "key-document 58", "key-document 57" },
        { "key-document 58", "key-document 59" },
        { "seed 6b86", "seed 6b87" }, /* another key document than the key's */
    };
    struct record *r = golden_starts();
    struct buf text = { 0 };

    record_write(r, &text);
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        char *at = strstr(text.s, change[i][0]);
        size_t body = text.len - strlen("checksum sha256:") - DIGEST_HEX - 1;
        struct buf other = { 0 };
        struct error err = { 0 };

        cr_assert_not_null(at, "%s", change[i][0]);
        buf_add(&other, text.s, (size_t)(at - text.s));
        buf_adds(&other, change[i][1]);
        at += strlen(change[i][0]);
        buf_add(&other, at, (size_t)(text.s + body - at));
        sign(&other);
        cr_assert_eq(read_whole(&other, &err), E_CORRUPT, "%s", change[i][1]);
        cr_assert(strstr(err.text, "line ") == err.text, "%s", err.text);
        buf_release(&other);
    }
    record_free(r);
    buf_release(&text);
}

Test(record, of_another_boot_is_past)
{
    struct record *r = golden_record();

    cr_assert(boot_is_past(r));
    r->boot = boot_id();
    cr_assert(!boot_is_past(r));
    r->boot = NULL; /* synced */
    cr_assert(!boot_is_past(r));
    cr_assert_eq(strlen(boot_id()), BOOT_TEXT);
    record_free(r);
}
