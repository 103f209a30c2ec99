#include "image/material.h"

#include <math.h>
#include <string.h>

#include "larder/banned.h"

int material_open(struct pattern *p, const struct material *m,
                  const struct manifest *patterns, struct error *err)
{
    int rc = tsv_column(&patterns->tsv, "pattern", err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < manifest_size(patterns); i++) {
        if (strcmp(manifest_axis(patterns, i, "pattern"), m->pattern) != 0)
            continue;
        rc = pattern_read(p, manifest_path(patterns, i), err);
        if (rc == 0)
            rc = pattern_prepare(p, m->shrink, err);
        return rc < 0 ? error_context(err, "pattern %s", m->pattern) : 0;
    }
    return error_set(err, E_INPUT, "%s: no pattern \"%s\", which the world needs",
                     patterns->tsv.path, m->pattern);
}

void view_turn(struct view *v, double degrees)
{
    v->cosine = cos(degrees * (M_PI / 180));
    v->sine = sin(degrees * (M_PI / 180));
}

void view_at(const struct view *v, double dx, double dy, double *sx, double *sy)
{
    double across = (v->cosine * dx + v->sine * dy) * v->step;
    double down = (v->cosine * dy - v->sine * dx) * v->step;

    *sx = v->x0 + (v->mirror ? -across : across);
    *sy = v->y0 + down;
}

struct view material_view(const struct material *m, const struct pattern *p,
                          const struct material_turns *t, const struct draws *d,
                          uint32_t stream)
{
    double scale = exp(
        draws_uniform(d, stream, MATERIAL_SCALE, log(t->scale_low), log(t->scale_high)));
    struct view v = {
        .step = m->shrink * t->fine * scale,
        .mirror = draws_ua(d, stream, MATERIAL_MIRROR) < .5,
        .x0 = draws_uniform(d, stream, MATERIAL_X, 0, p->width),
        .y0 = draws_uniform(d, stream, MATERIAL_Y, 0, p->height),
    };

    view_turn(&v, draws_uniform(d, stream, MATERIAL_ANGLE, -t->angle, t->angle));
    return v;
}
