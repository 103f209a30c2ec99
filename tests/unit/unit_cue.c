#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <unistd.h>

#include "larder/fs.h"
#include "learn/answer.h"
#include "learn/cue.h"

static char path[] = "/tmp/larder-cue-XXXXXX";
static struct error err;

/* The coarse classes of a table, and the outcome of reading it. */
static int read_table(struct coarse *c, const char *text, int fine)
{
    int fd = mkstemp(path);

    cr_assert(ge(int, fd, 0));
    cr_assert(eq(long, (long)write(fd, text, strlen(text)), (long)strlen(text)));
    close(fd);
    return coarse_read(c, path, fine, &err);
}

static void remove_table(void)
{
    fs_remove(path, NULL);
}

TestSuite(cue, .fini = remove_table);

Test(cue, many_members_do_not_outvote_a_small_class)
{
    struct coarse c;
    struct buf text = { 0 };
    double p[110] = { 0 }, mean[2];

    buf_adds(&text, "class\tcoarse\n");
    for (int i = 0; i < 109; i++)
        buf_printf(&text, "%d\tdog\n", i);
    buf_adds(&text, "109\tknife\n");
    cr_assert(eq(int, read_table(&c, buf_str(&text), 110), 0), "%s", err.text);
    cr_assert(eq(int, c.n, 2));
    p[17] = .98;
    p[109] = .02;
    coarse_means(&c, p, mean);
    cr_expect(epsilon_eq(dbl, mean[0], .98 / 109, 1e-15));
    cr_expect(eq(int, largest(mean, 2), 1));
    coarse_release(&c);
    buf_release(&text);
}

Test(cue, coarse_classes_are_numbered_by_name_and_others_take_no_part)
{
    struct coarse c;
    const double p[5] = { .1, .2, .3, .3, .1 };
    double mean[2];

    cr_assert(
        eq(int, read_table(&c, "class\tcoarse\n4\tpear\n0\tapple\n1\tpear\n", 5), 0));
    cr_assert(eq(int, c.n, 2));
    cr_expect(eq(str, c.name[0], "apple"));
    coarse_means(&c, p, mean);
    cr_expect(epsilon_eq(dbl, mean[0], .1, 1e-15));
    cr_expect(epsilon_eq(dbl, mean[1], .15, 1e-15));
    coarse_release(&c);
}

Test(cue, without_a_table_each_class_is_its_own)
{
    struct coarse c;
    const double p[3] = { .2, .5, .3 };
    double mean[3];

    coarse_identity(&c, 3);
    coarse_means(&c, p, mean);
    for (int i = 0; i < 3; i++)
        cr_expect(eq(dbl, mean[i], p[i]));
    coarse_release(&c);
}

Test(cue, the_first_class_wins_a_tie)
{
    const double p[4] = { .1, .4, .4, .1 };
    const float z[4] = { 1, 2, 2, 1 };

    cr_expect(eq(int, largest(p, 4), 1));
    cr_expect(eq(int, largest_logit(z, 4), 1));
}

Test(cue, an_answer_is_shape_texture_or_other)
{
    cr_expect(eq(str, (char *)cue_answer(3, 3, 5), "shape"));
    cr_expect(eq(str, (char *)cue_answer(5, 3, 5), "texture"));
    cr_expect(eq(str, (char *)cue_answer(4, 3, 5), "other"));
}

Test(cue, a_class_that_the_model_lacks_is_refused)
{
    struct coarse c;

    cr_expect(eq(int, read_table(&c, "class\tcoarse\n5\tpear\n", 5), E_INPUT));
    cr_expect(strstr(err.text, "class 5; the model has classes 0 to 4") != NULL);
    coarse_release(&c);
}

Test(cue, a_class_in_two_rows_is_refused)
{
    struct coarse c;

    cr_expect(eq(int, read_table(&c, "class\tcoarse\n1\tpear\n1\tapple\n", 5), E_INPUT));
    cr_expect(strstr(err.text, "class 1 is there twice") != NULL);
    coarse_release(&c);
}

Test(answer, softmax_of_large_logits_sums_to_one)
{
    const float z[3] = { 1000, 1001, -1000 };
    double p[3];

    softmax(z, 3, p);
    cr_expect(epsilon_eq(dbl, p[0] + p[1] + p[2], 1, 1e-15));
    cr_expect(epsilon_eq(dbl, p[1], 0.7310585786300049, 1e-15));
}
