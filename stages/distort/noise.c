#include "distort/noise.h"

#include "larder/banned.h"

int gaussian_noise(const struct job *job, struct error *err)
{
    static const double sigma[SCALES][CORRUPT_SEVERITIES] = { { .08, .12, .18, .26, .38 },
                                                              { .04, .08, .12, .15, .18 },
                                                              { .04, .06, .08, .09,
                                                                .10 } };
    size_t n = image_bytes(job->from);

    (void)err;
    for (size_t e = 0; e < n; e++)
        job->to[e] = byte_of(job->from->pixel[e] / 255. +
                             CONSTANT(sigma, job) * draws_normal(job->d, 0, e));
    return 0;
}

int shot_noise(const struct job *job, struct error *err)
{
    static const double photons[SCALES][CORRUPT_SEVERITIES] = {
        { 60, 25, 12, 5, 3 }, { 250, 100, 50, 30, 15 }, { 500, 250, 100, 75, 50 }
    };
    double c = CONSTANT(photons, job);
    size_t n = image_bytes(job->from);

    (void)err;
    for (size_t e = 0; e < n; e++)
        job->to[e] =
            byte_of(draws_poisson(job->d, 0, e, job->from->pixel[e] / 255. * c) / c);
    return 0;
}

/* Salt and pepper of scikit-image: of each value, not of each pixel. */
int impulse_noise(const struct job *job, struct error *err)
{
    static const double amount[SCALES][CORRUPT_SEVERITIES] = {
        { .03, .06, .09, .17, .27 },
        { .01, .02, .05, .08, .14 },
        { .01, .02, .03, .05, .07 }
    };
    size_t n = image_bytes(job->from);

    (void)err;
    for (size_t e = 0; e < n; e++)
        if (draws_ua(job->d, 0, e) >= CONSTANT(amount, job))
            job->to[e] = job->from->pixel[e];
        else
            job->to[e] = draws_ub(job->d, 0, e) < .5 ? 255 : 0;
    return 0;
}
