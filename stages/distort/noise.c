#include "distort/noise.h"

#include <math.h>

#include "distort/drawn.h"
#include "distort/simd.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { AT_ONCE = 2048 }; /* draws: what the nearest cache holds */

static size_t at_once(size_t n, size_t e)
{
    return n - e < AT_ONCE ? n - e : AT_ONCE;
}

DISTORT_CLONES static void add_noise(uint8_t *to, const uint8_t *from, size_t n,
                                     const double *noise, double sigma)
{
    for (size_t i = 0; i < n; i++)
        to[i] = byte_of(from[i] / 255. + sigma * noise[i]);
}

int gaussian_noise(const struct job *job, struct error *err)
{
    static const double sigma[SCALES][CORRUPT_SEVERITIES] = { { .08, .12, .18, .26, .38 },
                                                              { .04, .08, .12, .15, .18 },
                                                              { .04, .06, .08, .09,
                                                                .10 } };
    size_t n = image_bytes(job->from);
    double noise[AT_ONCE];

    (void)err;
    for (size_t e = 0; e < n; e += AT_ONCE) {
        drawn_normal(job->d, 0, e, at_once(n, e), noise);
        add_noise(job->to + e, job->from->pixel + e, at_once(n, e), noise,
                  CONSTANT(sigma, job));
    }
    return 0;
}

/* ---- photons ---- */

enum { LEVELS = 256, MOST_PHOTONS = 1024, GUESSES = 64 };

/* Of one level of light the chances of at most k photons, as draws_poisson() adds them
 * up; and for a fraction g / GUESSES the first k whose chance is above it. */
struct light {
    double lambda, *chance;
    int n;
    uint16_t guess[GUESSES];
};

/* Until they do not grow: what is drawn beyond is left to draws_poisson(). */
static void add_up(struct light *l, double *chance, double lambda)
{
    double p = exp(-lambda), s = p;

    l->lambda = lambda;
    l->chance = chance;
    chance[l->n++] = s;
    while (l->n < MOST_PHOTONS && (l->n <= lambda || s + p > s)) {
        p = p * lambda / l->n;
        s += p;
        chance[l->n++] = s;
    }
    for (int g = 0, k = 0; g < GUESSES; g++) {
        while (k < l->n - 1 && chance[k] <= (double)g / GUESSES)
            k++;
        l->guess[g] = (uint16_t)k;
    }
}

static int photons(const struct light *l, const struct draws *d, uint64_t e, double u)
{
    int k = l->guess[(int)(u * GUESSES)];

    while (k < l->n && u >= l->chance[k])
        k++;
    return k < l->n ? k : draws_poisson(d, 0, e, l->lambda);
}

int shot_noise(const struct job *job, struct error *err)
{
    static const double photons_of_white[SCALES][CORRUPT_SEVERITIES] = {
        { 60, 25, 12, 5, 3 }, { 250, 100, 50, 30, 15 }, { 500, 250, 100, 75, 50 }
    };
    double c = CONSTANT(photons_of_white, job), u[AT_ONCE];
    size_t n = image_bytes(job->from);
    struct light *light = xcalloc(LEVELS, sizeof *light);
    double *chance = xmalloc(sizeof *chance * LEVELS * MOST_PHOTONS);

    (void)err;
    for (int i = 0; i < LEVELS; i++)
        add_up(&light[i], chance + (size_t)i * MOST_PHOTONS, i / 255. * c);
    for (size_t e = 0; e < n; e++) {
        if (e % AT_ONCE == 0)
            drawn_ua(job->d, 0, e, at_once(n, e), u);
        job->to[e] =
            byte_of(photons(&light[job->from->pixel[e]], job->d, e, u[e % AT_ONCE]) / c);
    }
    free(chance);
    free(light);
    return 0;
}

/* ---- salt and pepper ---- */

DISTORT_CLONES static void add_salt(uint8_t *to, const uint8_t *from, size_t n,
                                    const double *u, const double *salt, double amount)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t kept = from[i], grain = salt[i] < .5 ? 255 : 0;

        to[i] = u[i] >= amount ? kept : grain;
    }
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
    double u[AT_ONCE], salt[AT_ONCE];

    (void)err;
    for (size_t e = 0; e < n; e += AT_ONCE) {
        drawn_both(job->d, 0, e, at_once(n, e), u, salt);
        add_salt(job->to + e, job->from->pixel + e, at_once(n, e), u, salt,
                 CONSTANT(amount, job));
    }
    return 0;
}
