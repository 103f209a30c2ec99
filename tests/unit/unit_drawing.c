#include <math.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/wait.h>
#include <unistd.h>

#include "draw/axis.h"
#include "draw/bars.h"
#include "draw/canvas.h"
#include "draw/chart.h"
#include "draw/filter.h"
#include "draw/grid.h"
#include "image/decode.h"
#include "larder/fs.h"

#include "own_folder.h"

static const char font_path[] = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
static struct font *font;

static void open_font(void)
{
    if (!fs_exists(font_path))
        cr_skip_test("the font DejaVu Sans is not installed");
    enter_folder();
    cr_assert(eq(int, font_open(&font, font_path, NULL), 0));
}

static void close_font(void)
{
    font_close(font);
    leave_folder();
}

TestSuite(drawing, .init = open_font, .fini = close_font);

static void draw_something(const char *path, enum canvas_format format)
{
    static const uint8_t rgb[2 * 2 * 3] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9 };
    struct tile tile[3] = { { rgb, NULL, { "r: 0.93", "22" } },
                            { rgb, rgb, { "Δ", NULL } },
                            { rgb, NULL, { NULL, NULL } } };
    struct grid g = { .tile = tile,
                      .n = 3,
                      .width = 2,
                      .height = 2,
                      .columns = 2,
                      .enlarge = 20,
                      .gap = 1,
                      .captions = 2,
                      .text = 11 };
    struct canvas *c = NULL;

    cr_assert(
        eq(int,
           canvas_open(&c, path, format, grid_width(&g), grid_height(&g), 2, font, NULL),
           0));
    grid_draw(&g, c, 0, 0);
    canvas_line(c, 0, 0, 10, 10, 0.5, (struct colour){ 0, 0, 0 });
    canvas_rect(c, 5, 5, 3, 3, (struct colour){ 1, 0, 0.5 });
    cr_assert(eq(int, canvas_close(c, 0, NULL), 0));
}

/* The same in a process of its own. */
static void draw_apart(const char *path, enum canvas_format format)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        draw_something(path, format);
        _exit(0);
    }
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
}

static void check_same_bytes(enum canvas_format format, const char *begins)
{
    struct buf a = { 0 }, b = { 0 };

    draw_apart("a", format);
    draw_apart("b", format);
    cr_assert(eq(int, fs_read("a", &a, NULL), 0));
    cr_assert(eq(int, fs_read("b", &b, NULL), 0));
    cr_assert(gt(sz, a.len, 200));
    cr_assert(eq(sz, a.len, b.len));
    cr_assert(eq(int, memcmp(a.s, b.s, a.len), 0));
    cr_assert(eq(int, memcmp(a.s, begins, strlen(begins)), 0));
    buf_release(&a);
    buf_release(&b);
}

Test(drawing, a_png_is_the_same_bytes_each_time)
{
    check_same_bytes(CANVAS_PNG, "\x89PNG\r\n");
}

Test(drawing, an_svg_is_the_same_bytes_each_time)
{
    check_same_bytes(CANVAS_SVG, "<?xml");
}

Test(drawing, a_failed_drawing_leaves_no_file)
{
    struct canvas *c = NULL;
    struct error err = { 0 };

    cr_assert(eq(int, canvas_open(&c, "no", CANVAS_PNG, 10, 10, 1, font, NULL), 0));
    cr_assert(eq(int, canvas_close(c, E_INPUT, &err), E_INPUT));
    cr_assert(not(fs_exists("no")));
}

Test(drawing, widths_of_text_scale_with_its_size)
{
    double one = font_width(font, 10, "Spearman");

    cr_assert(gt(dbl, one, 30));
    cr_assert(epsilon_eq(dbl, font_width(font, 20, "Spearman"), 2 * one, 1e-6));
    cr_assert(eq(dbl, font_width(font, 10, ""), 0));
}

Test(drawing, a_file_that_is_no_font_is_refused)
{
    struct font *f = NULL;
    struct error err = { 0 };

    cr_assert(eq(int, fs_write("x.ttf", "no font", 7, false, NULL), 0));
    cr_assert(eq(int, font_open(&f, "x.ttf", &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, "x.ttf"), NULL));
}

Test(drawing, a_grid_is_as_large_as_its_tiles)
{
    struct grid g = {
        .n = 5, .width = 3, .height = 4, .columns = 2, .enlarge = 10, .gap = 1
    };
    struct tile tile[5] = { { 0 } };

    g.tile = tile;
    cr_assert(eq(dbl, grid_width(&g), 61));
    cr_assert(eq(dbl, grid_height(&g), 122));
    cr_assert(eq(dbl, grid_picture_top(&g, 4), 82));
    g.n = 0;
    cr_assert(eq(dbl, grid_width(&g), 0));
    cr_assert(eq(dbl, grid_height(&g), 0));
}

Test(drawing, a_filter_is_stretched_over_all_its_channels)
{
    const float w[3 * 1 * 2] = { -1, 0, 0, 1, 0.5F, -0.5F };
    const uint8_t expected[6] = { 0, 128, 191, 128, 255, 64 };
    uint8_t rgb[6];

    filter_picture(w, 3, 1, 2, rgb);
    for (int i = 0; i < 6; i++)
        cr_assert(eq(int, rgb[i], expected[i]), "value %d", i);
}

Test(drawing, a_constant_filter_is_grey)
{
    const float w[4] = { 2, 2, 2, 2 };
    uint8_t rgb[12];

    filter_picture(w, 1, 2, 2, rgb);
    for (int i = 0; i < 12; i++)
        cr_assert(eq(int, rgb[i], 128));
}

/* Three bars, the first without a value, one below 0; and a line across. */
static void draw_bars(const char *path, enum canvas_format format)
{
    static const char *const group[] = { "AlexNet S-matched", "R" };
    static const double value[][2] = { { NAN, 50 }, { 25, -20 } };
    static const double low[][2] = { { NAN, 40 }, { NAN, NAN } };
    static const double high[][2] = { { NAN, 60 }, { NAN, NAN } };
    const struct bars_series series[2] = { { "plain", value[0], low[0], high[0] },
                                           { "hatched", value[1], low[1], high[1] } };
    const struct bars b = { .title = "",
                            .y_title = "",
                            .group = group,
                            .n_groups = 2,
                            .series = series,
                            .n_series = 2,
                            .line = 10,
                            .line_name = "chance" };
    struct canvas *c = NULL;

    cr_assert(eq(
        int,
        canvas_open(&c, path, format, bars_width(&b, font), BARS_HEIGHT, 1, font, NULL),
        0));
    bars_draw(c, &b, font, 0, 0);
    cr_assert(eq(int, canvas_close(c, 0, NULL), 0));
}

/* The part of pixels in which the first series' colour shows. */
static long coloured(const char *path)
{
    struct buf bytes = { 0 };
    struct image im = { 0 };
    long n = 0;

    cr_assert(eq(int, fs_read(path, &bytes, NULL), 0));
    cr_assert(eq(int, image_decode(&im, bytes.s, bytes.len, NULL), 0));
    for (size_t i = 0; i < (size_t)im.width * (size_t)im.height; i++)
        n += im.pixel[i * 3] == 141 && im.pixel[i * 3 + 1] == 211;
    image_release(&im);
    buf_release(&bytes);
    return n;
}

Test(drawing, bars_are_as_high_as_their_values_and_absent_ones_are_not_drawn)
{
    long n;

    draw_bars("bars.png", CANVAS_PNG);
    draw_bars("again.png", CANVAS_PNG);
    n = coloured("bars.png");
    cr_assert(eq(long, n, coloured("again.png")));
    /* 50 of 80 (from -20 to 60) of 176 pixels, 15 wide, less edges and the interval; and
     * the swatch of 12 x 12. */
    cr_assert(gt(long, n, 1300));
    cr_assert(lt(long, n, 15 * 110 + 144));
}

Test(axis, holds_zero_and_both_ends_in_whole_steps)
{
    struct axis a = { .top = 10, .bottom = 110 };

    axis_fit(&a, -20, 60);
    cr_assert(epsilon_eq(dbl, a.low, -20, 1e-9));
    cr_assert(epsilon_eq(dbl, a.high, 60, 1e-9));
    cr_assert(epsilon_eq(dbl, axis_at(&a, 20), 60, 1e-9));
    axis_fit(&a, 3, 47);
    cr_assert(epsilon_eq(dbl, a.low, 0, 1e-9));
    cr_assert(epsilon_eq(dbl, a.high, 50, 1e-9));
}

Test(axis, steps_are_round_and_few)
{
    static const struct {
        double most, step;
    } known[] = { { 1, .2 },  { 6, 1 },    { 6.1, 2 },  { 30, 5 },
                  { 35, 10 }, { 160, 50 }, { .07, .02 } };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_expect(fabs(axis_step(known[i].most) - known[i].step) < 1e-9, "%g: %g",
                  known[i].most, axis_step(known[i].most));
}
