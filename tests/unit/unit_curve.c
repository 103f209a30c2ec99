#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <unistd.h>

#include "larder/fs.h"
#include "learn/curve.h"

/* The epoch that is nearest, of S's right answers of 1500, to R's of `of`. */
static long nearest(const long *correct, size_t n, long r_correct, long of)
{
    struct curve_row row[8] = { 0 }, r = { .correct = r_correct, .pictures = of };
    struct curve s = { .row = row, .n = n };

    for (size_t i = 0; i < n; i++)
        row[i] = (struct curve_row){ .epoch = (long)i + 1,
                                     .correct = correct[i],
                                     .pictures = 1500 };
    return curve_nearest(&s, &r)->epoch;
}

Test(curve, the_nearest_clean_accuracy_wins)
{
    const long s[] = { 600, 900, 1080, 1200, 1290 };

    cr_expect(eq(long, nearest(s, 5, 1075, 1500), 3));
    cr_expect(eq(long, nearest(s, 5, 0, 1500), 1));
    cr_expect(eq(long, nearest(s, 5, 1500, 1500), 5));
}

Test(curve, the_earliest_epoch_wins_a_tie)
{
    /* .71 and .73 about .72: in binary fractions the two gaps differ. */
    const long above[] = { 900, 1095, 1065 }, below[] = { 900, 1065, 1095 };

    cr_expect(eq(long, nearest(above, 3, 1080, 1500), 2));
    cr_expect(eq(long, nearest(below, 3, 1080, 1500), 2));
    cr_expect(eq(long, nearest(below, 3, 720, 1000), 2));
}

Test(curve, what_is_written_reads_back)
{
    const struct curve_row row = { .epoch = 3,
                                   .rate = .0125,
                                   .radius = .75,
                                   .loss = 1.5,
                                   .accuracy = .25,
                                   .correct = 1080,
                                   .pictures = 1500 };
    char path[] = "/tmp/larder-curve-XXXXXX";
    struct error err = { 0 };
    struct buf text = { 0 };
    struct curve c;

    close(mkstemp(path));
    curve_header(&text);
    curve_add(&text, &row);
    cr_assert(eq(str, text.s,
                 "epoch\tlr\tradius\tloss\taccuracy\tclean\tcorrect\tpictures\n"
                 "3\t0.0125\t0.75\t1.5\t0.25\t0.72\t1080\t1500\n"));
    cr_assert(eq(int, fs_write(path, text.s, text.len, false, &err), 0));
    cr_assert(eq(int, curve_read(&c, path, &err), 0), "%s", err.text);
    cr_assert(eq(sz, c.n, 1));
    cr_expect(eq(long, c.row[0].epoch, 3));
    cr_expect(eq(dbl, c.row[0].loss, 1.5));
    cr_expect(eq(dbl, curve_clean(&c.row[0]), .72));
    curve_release(&c);
    buf_release(&text);
    fs_remove(path, NULL);
}

Test(curve, one_without_clean_answers_cannot_be_matched)
{
    const struct curve_row row = { .epoch = 1 };
    char path[] = "/tmp/larder-curve-XXXXXX";
    struct error err = { 0 };
    struct buf text = { 0 };
    struct curve c;

    close(mkstemp(path));
    curve_header(&text);
    curve_add(&text, &row);
    cr_assert(eq(int, fs_write(path, text.s, text.len, false, &err), 0));
    cr_expect(eq(int, curve_read(&c, path, &err), E_INPUT));
    cr_expect(strstr(err.text, "without the input val") != NULL, "%s", err.text);
    curve_release(&c);
    buf_release(&text);
    fs_remove(path, NULL);
}
