#include "meter.h"

#include "child.h"
#include "larder/banned.h"

static const double often = 0.1, first = 0.3; /* seconds: a moment is not shown at all */

void meter_open(struct meter *m, struct say *say, const char *verb, size_t n_all)
{
    *m = (struct meter){ .verb = verb, .n_all = n_all };
    if (say->level < SAY_NORMAL || say->foot || !foot_can(say->to))
        return;
    m->say = say;
    m->began = clock_now();
    m->next = m->began + first;
    m->foot = (struct foot){ .to = say->to, .color = say->color };
    say->foot = &m->foot;
}

static void draw(struct meter *m, double now)
{
    struct buf line = { 0 };
    int columns, rows;

    if (m->n_all)
        buf_printf(&line, "[%zu/%zu] ", m->n, m->n_all);
    buf_printf(&line, "%s; ", m->verb);
    say_bytes(m->bytes, &line);
    buf_adds(&line, ", ");
    say_bytes((long long)((double)m->bytes / (now - m->began)), &line);
    buf_adds(&line, "/s");
    if (m->step)
        buf_printf(&line, "; %s", m->step);
    foot_size(&m->foot, &columns, &rows);
    foot_fit(&line, columns, FOOT_CUT_END);
    foot_draw(&m->foot, &line, 1);
    buf_release(&line);
}

static void draw_at_times(struct meter *m)
{
    double now;

    if (!m->say || (now = clock_now()) < m->next)
        return;
    m->next = now + often;
    draw(m, now);
}

void meter_step(struct meter *m, const char *step)
{
    m->n += m->n < m->n_all;
    m->step = step;
    draw_at_times(m);
}

void meter_moved(void *self, size_t n)
{
    struct meter *m = self;

    m->bytes += (long long)n;
    draw_at_times(m);
}

void meter_close(struct meter *m)
{
    if (m->say)
        m->say->foot = NULL;
    foot_close(&m->foot);
    *m = (struct meter){ 0 };
}
