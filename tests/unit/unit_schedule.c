#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <math.h>

#include "learn/schedule.h"

static const struct schedule standard = {
    .steps = 2000,
    .peak = .04,
    .warmup = .05,
    .cosine = true,
    .radius = .75,
    .ramp_start = .15,
    .ramp_end = .5,
};

Test(schedule, rate_rises_over_the_warm_up_and_falls_to_nothing)
{
    const double pi = acos(-1.0);

    cr_expect(epsilon_eq(dbl, schedule_rate(&standard, 0), .04 / 100, 1e-15));
    cr_expect(epsilon_eq(dbl, schedule_rate(&standard, 49),
                         .04 * .5 * (1 + cos(pi * 49 / 2000)) / 2, 1e-15));
    cr_expect(epsilon_eq(dbl, schedule_rate(&standard, 1000), .02, 1e-12));
    cr_expect(epsilon_eq(dbl, schedule_rate(&standard, 1999),
                         .04 * (1 + cos(pi * 1999 / 2000)) / 2, 1e-15));
}

/* MadryLab/robustness, defaults of the paper: 0.1, a tenth of it from epochs 30 and 60
 * on. */
Test(schedule, rate_falls_to_a_tenth_every_so_many_steps)
{
    struct schedule s = { .steps = 90 * 7, .peak = .1, .fall = 30 * 7 };

    cr_expect(eq(dbl, schedule_rate(&s, 0), .1));
    cr_expect(eq(dbl, schedule_rate(&s, 209), .1));
    cr_expect(epsilon_eq(dbl, schedule_rate(&s, 210), .01, 1e-15));
    cr_expect(epsilon_eq(dbl, schedule_rate(&s, 629), .001, 1e-15));
}

Test(schedule, constant_rate_stays_at_its_peak_after_the_warm_up)
{
    struct schedule s = { .steps = 100, .peak = .004 };

    cr_expect(eq(dbl, schedule_rate(&s, 0), .004));
    cr_expect(eq(dbl, schedule_rate(&s, 99), .004));
    s.warmup = .1;
    cr_expect(epsilon_eq(dbl, schedule_rate(&s, 0), .0004, 1e-15));
    cr_expect(eq(dbl, schedule_rate(&s, 10), .004));
}

Test(schedule, radius_is_nothing_then_grows_then_stays)
{
    cr_expect(eq(dbl, schedule_radius(&standard, 0), 0));
    cr_expect(eq(dbl, schedule_radius(&standard, 300), 0));
    cr_expect(gt(dbl, schedule_radius(&standard, 301), 0));
    cr_expect(epsilon_eq(dbl, schedule_radius(&standard, 650), .375, 1e-12));
    cr_expect(eq(dbl, schedule_radius(&standard, 1000), .75));
    cr_expect(eq(dbl, schedule_radius(&standard, 1999), .75));
}

Test(schedule, without_a_ramp_the_radius_is_whole_from_the_first_step)
{
    struct schedule s = { .steps = 100, .radius = .75 };

    cr_expect(eq(dbl, schedule_radius(&s, 0), .75));
    cr_expect(eq(dbl, schedule_radius(&s, 99), .75));
}
