#include "distort/elastic.h"

#include <math.h>

#include "distort/plane.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct elastic_constants {
    double alpha, sigma, shift;
};

static const struct elastic_constants constant[SCALES][CORRUPT_SEVERITIES] = {
    /* 244 is the authors' own slip for 224 */
    { { 244. * 2, 244 * .7, 244 * .1 },
      { 244. * 2, 244 * .08, 244 * .2 },
      { 244 * .05, 244 * .01, 244 * .02 },
      { 244 * .07, 244 * .01, 244 * .02 },
      { 244 * .12, 244 * .01, 244 * .02 } },
    { { 0, 0, 64 * .08 },
      { 64 * .05, 64 * .3, 64 * .06 },
      { 64 * .1, 64 * .08, 64 * .06 },
      { 64 * .1, 64 * .03, 64 * .03 },
      { 64 * .16, 64 * .03, 64 * .02 } },
    { { 0, 0, 32 * .08 },
      { 32 * .05, 32 * .2, 32 * .07 },
      { 32 * .08, 32 * .06, 32 * .06 },
      { 32 * .1, 32 * .04, 32 * .05 },
      { 32 * .1, 32 * .03, 32 * .03 } },
};

/* x' = a x + b y + c for both coordinates. */
struct affine {
    double m[2][3];
};

/* Solves n = 3 equations of the points p for one coordinate q: Gauss with pivots, as
 * OpenCV solves the six at once. */
static void solve(const double p[3][2], const double q[3], double out[3])
{
    double a[3][4];

    for (int i = 0; i < 3; i++) {
        a[i][0] = p[i][0];
        a[i][1] = p[i][1];
        a[i][2] = 1;
        a[i][3] = q[i];
    }
    for (int k = 0; k < 3; k++) {
        int pivot = k;

        for (int i = k + 1; i < 3; i++)
            if (fabs(a[i][k]) > fabs(a[pivot][k]))
                pivot = i;
        for (int j = 0; j < 4; j++) {
            double swapped = a[k][j];

            a[k][j] = a[pivot][j];
            a[pivot][j] = swapped;
        }
        for (int i = k + 1; i < 3; i++) {
            double factor = a[i][k] / a[k][k];

            for (int j = k; j < 4; j++)
                a[i][j] -= factor * a[k][j];
        }
    }
    for (int i = 2; i >= 0; i--) {
        out[i] = a[i][3];
        for (int j = i + 1; j < 3; j++)
            out[i] -= a[i][j] * out[j];
        out[i] /= a[i][i];
    }
}

/* From where each pixel of the moved picture comes: cv2.getAffineTransform, inverted as
 * cv2.warpAffine does. */
static struct affine draw_affine(const struct job *job, double shift)
{
    float centre = (float)(job->side / 2), reach = (float)(job->side / 3);
    const float from[3][2] = { { centre + reach, centre + reach },
                               { centre + reach, centre - reach },
                               { centre - reach, centre - reach } };
    double p[3][2], q[2][3], det, a, b;
    struct affine m, inverse;

    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++) {
            uint64_t at = (uint64_t)(2 * i + k);

            p[i][k] = (double)from[i][k];
            q[k][i] =
                (double)(from[i][k] + (float)draws_uniform(job->d, 0, at, -shift, shift));
        }
    solve((const double(*)[2])p, q[0], m.m[0]);
    solve((const double(*)[2])p, q[1], m.m[1]);
    det = m.m[0][0] * m.m[1][1] - m.m[0][1] * m.m[1][0];
    det = det != 0 ? 1 / det : 0;
    a = m.m[1][1] * det;
    b = m.m[0][0] * det;
    inverse.m[0][0] = a;
    inverse.m[0][1] = m.m[0][1] * -det;
    inverse.m[1][0] = m.m[1][0] * -det;
    inverse.m[1][1] = b;
    inverse.m[0][2] = -inverse.m[0][0] * m.m[0][2] - inverse.m[0][1] * m.m[1][2];
    inverse.m[1][2] = -inverse.m[1][0] * m.m[0][2] - inverse.m[1][1] * m.m[1][2];
    return inverse;
}

/* One coordinate of cv2.warpAffine in 32nds of a pixel. */
static int warped(const double *row, int x, int y)
{
    long along = lrint((row[1] * y + row[2]) * 1024) + 16;

    return (int)((along + lrint(row[0] * x * 1024)) >> 5);
}

/* The moved picture, 0..1: cv2.warpAffine of float32, bilinear, BORDER_REFLECT_101. */
static void warp(const struct job *job, const struct affine *m, float *to)
{
    int side = job->side;
    const uint8_t *pixel = job->from->pixel;

    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int X = warped(m->m[0], x, y), Y = warped(m->m[1], x, y);
            float fx = (float)(X & 31) / 32, fy = (float)(Y & 31) / 32;
            int x0 = border_reflect(X >> 5, side),
                x1 = border_reflect((X >> 5) + 1, side);
            int y0 = border_reflect(Y >> 5, side),
                y1 = border_reflect((Y >> 5) + 1, side);

            for (int c = 0; c < 3; c++) {
                float p00 = (float)pixel[3 * (y0 * side + x0) + c] / 255.0f;
                float p01 = (float)pixel[3 * (y0 * side + x1) + c] / 255.0f;
                float p10 = (float)pixel[3 * (y1 * side + x0) + c] / 255.0f;
                float p11 = (float)pixel[3 * (y1 * side + x1) + c] / 255.0f;

                *to++ = ((p00 * ((1 - fy) * (1 - fx)) + p01 * ((1 - fy) * fx)) +
                         p10 * (fy * (1 - fx))) +
                        p11 * (fy * fx);
            }
        }
}

/* A smooth field of displacements, by the draws of a stream. */
static void draw_field(const struct job *job, const struct elastic_constants *c,
                       uint32_t stream, double *v)
{
    int side = job->side;

    for (int i = 0; i < side * side; i++)
        v[i] = -1 + 2 * draws_ua(job->d, stream, (uint64_t)i);
    plane_gaussian(v, side, side, c->sigma, 3, border_mirror);
    for (int i = 0; i < side * side; i++)
        v[i] = (double)(float)(v[i] * c->alpha);
}

/* scipy.ndimage.map_coordinates, order 1, mode reflect. */
static float sample(const float *v, int side, double y, double x)
{
    double top = floor(y), left = floor(x), fy = y - top, fx = x - left;
    int y0 = border_mirror((int)top, side), y1 = border_mirror((int)top + 1, side);
    int x0 = border_mirror((int)left, side), x1 = border_mirror((int)left + 1, side);

    return (float)((double)v[3 * (y0 * side + x0)] * (1 - fy) * (1 - fx) +
                   (double)v[3 * (y0 * side + x1)] * (1 - fy) * fx +
                   (double)v[3 * (y1 * side + x0)] * fy * (1 - fx) +
                   (double)v[3 * (y1 * side + x1)] * fy * fx);
}

int elastic_transform(const struct job *job, struct error *err)
{
    const struct elastic_constants *c = &CONSTANT(constant, job);
    struct affine m = draw_affine(job, c->shift);
    int side = job->side;
    size_t n = (size_t)(side * side);
    double *dx = xcalloc(2 * n, sizeof *dx), *dy = dx + n;
    float *moved = xcalloc(3 * n, sizeof *moved);

    (void)err;
    warp(job, &m, moved);
    draw_field(job, c, 1, dx);
    draw_field(job, c, 2, dy);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int i = y * side + x;

            for (int k = 0; k < 3; k++)
                job->to[3 * i + k] =
                    byte_of_float(sample(moved + k, side, y + dy[i], x + dx[i]));
        }
    free(moved);
    free(dx);
    return 0;
}
