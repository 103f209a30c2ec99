/* The foot of a terminal, and what it says is left. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "eta.h"
#include "foot.h"
#include "larder/mem.h"

static char *fitted(const char *text, int columns, enum foot_cut where)
{
    struct buf b = { 0 };

    buf_adds(&b, text);
    foot_fit(&b, columns, where);
    return buf_take(&b);
}

static void fits(const char *text, int columns, enum foot_cut where, const char *wanted)
{
    char *got = fitted(text, columns, where);

    cr_expect(eq(str, got, (char *)wanted), "%s in %d columns", text, columns);
    free(got);
}

Test(foot, cuts_the_middle_or_the_end)
{
    fits("train@kind=S", 12, FOOT_CUT_MIDDLE, "train@kind=S");
    fits("train@kind=S", 11, FOOT_CUT_MIDDLE, "train…ind=S");
    fits("train@kind=S", 11, FOOT_CUT_END, "train@kind…");
    fits("train@kind=S", 1, FOOT_CUT_MIDDLE, "…");
    fits("train@kind=S", 0, FOOT_CUT_END, "");
    fits("", 0, FOOT_CUT_END, "");
}

Test(foot, counts_columns_and_not_bytes)
{
    fits("größer → 3", 10, FOOT_CUT_END, "größer → 3");
    fits("größer → 3", 9, FOOT_CUT_END, "größer →…");
    fits("画像 12", 7, FOOT_CUT_END, "画像 12");
    fits("画像 12", 6, FOOT_CUT_END, "画像 …");
    fits("画像画像", 4, FOOT_CUT_END, "画…"); /* half a character is none */
    /* What is no UTF-8 takes a column a byte. */
    fits("\xff\xfe\xc3", 3, FOOT_CUT_END, "\xff\xfe\xc3");
    fits("\xe7\x94", 1, FOOT_CUT_END, "…");
}

static char *lifted(struct foot *f)
{
    struct buf b = { 0 };

    foot_lift(f, &b);
    return buf_take(&b);
}

Test(foot, is_lifted_by_as_many_rows_as_it_takes)
{
    struct buf lines[2] = { { 0 }, { 0 } };
    struct foot f = { .to = tmpfile() }; /* no terminal: 80 columns are assumed */
    char *text = lifted(&f);

    cr_expect(eq(str, text, ""), "there is none");
    free(text);
    buf_adds(&lines[0], "one");
    for (int i = 0; i < 81; i++)
        buf_addc(&lines[1], 'x');
    foot_draw(&f, lines, 2);
    text = lifted(&f);
    cr_expect(eq(str, text, "\r\033[3A\033[J"), "the second line has wrapped");
    free(text);
    foot_forget(&f);
    text = lifted(&f);
    cr_expect(eq(str, text, ""));
    free(text);
    fclose(f.to);
    buf_release(&lines[0]);
    buf_release(&lines[1]);
}

/* Four steps: a1 and a2 of one stage, both before b, and c apart. */
enum { A1, A2, B, C, N };

struct scene {
    struct step step[N];
    struct step *in[N], *behind_a[1], *before_b[2];
    struct plan plan;
    struct work work[N];
    struct eta eta;
};

static void open_scene(struct scene *s)
{
    static const char *const stage[N] = { "a", "a", "b", "c" };

    *s = (struct scene){ 0 };
    for (size_t i = 0; i < N; i++) {
        s->step[i] = (struct step){ .stage = stage[i], .index = i };
        s->step[i].resources.cpu = 1;
        s->in[i] = &s->step[i];
        s->work[i] = (struct work){
            .step = &s->step[i], .wanted = true, .state = WORK_DUE, .expected = -1
        };
    }
    s->behind_a[0] = &s->step[B];
    for (size_t i = A1; i <= A2; i++) {
        s->step[i].user = s->behind_a;
        s->step[i].n_users = 1;
    }
    s->plan.step = s->in;
    s->plan.n_steps = N;
    eta_init(&s->eta, &s->plan);
}

static void left_is(struct scene *s, const struct running *active, size_t n, int cpus,
                    double seconds, size_t unknown)
{
    size_t got;
    double left = eta_left(&s->eta, s->work, active, n, cpus, 100, &got);

    cr_expect(epsilon_eq(dbl, left, seconds, 1e-9));
    cr_expect(eq(sz, got, unknown));
}

Test(eta, is_the_longest_way_or_all_work_shared)
{
    struct scene s;

    open_scene(&s);
    left_is(&s, NULL, 0, 2, 0, 4);
    s.work[A1].expected = 10;
    s.work[A2].expected = 2;
    s.work[B].expected = 5;
    s.work[C].expected = 1;
    left_is(&s, NULL, 0, 4, 15, 0); /* a1, then b */
    left_is(&s, NULL, 0, 1, 18, 0);
    s.step[C].resources.cpu = 8; /* it gets the machine */
    s.work[C].expected = 20;
    left_is(&s, NULL, 0, 2, 28.5, 0);
    s.work[C].state = WORK_DONE;
    s.work[A1].state = WORK_FAILED;
    s.work[B].state = WORK_SKIPPED;
    left_is(&s, NULL, 0, 2, 2, 0);
    s.work[A2].wanted = false;
    left_is(&s, NULL, 0, 2, 0, 0);
    eta_release(&s.eta);
}

Test(eta, learns_from_those_that_ran_and_from_what_runs)
{
    struct running runs = { .started = 96 };
    struct scene s;

    open_scene(&s);
    s.work[A1].state = WORK_DONE;
    s.work[A1].seconds = 6;
    eta_ran(&s.eta, &s.work[A1]);
    s.work[B].expected = s.work[C].expected = 0;
    left_is(&s, NULL, 0, 1, 6, 0); /* a2 as a1 */
    runs.work = &s.work[A2];
    s.work[A2].state = WORK_RUNNING;
    left_is(&s, &runs, 1, 1, 2, 0);
    runs.part = .25; /* in 4 seconds */
    left_is(&s, &runs, 1, 1, 12, 0);
    runs.part = 0;
    runs.started = 80; /* over its time */
    left_is(&s, &runs, 1, 1, 2, 0);
    eta_release(&s.eta);
}
