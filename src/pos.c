#include "pos.h"

#include <stdarg.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/fs.h"

#include "larder/banned.h"

enum { SHOWN = 96 }; /* characters of a long line that are shown */

static int is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The nth line, without its end. */
static const char *find_line(const struct recipe_text *t, int line, size_t *n)
{
    const char *s = t->s, *end = t->s + t->n;

    for (int i = 1; i < line && s; i++) {
        s = memchr(s, '\n', (size_t)(end - s));
        s = s ? s + 1 : NULL;
    }
    if (!s)
        return NULL;
    const char *stop = memchr(s, '\n', (size_t)(end - s));
    *n = (size_t)((stop ? stop : end) - s);
    if (*n > 0 && s[*n - 1] == '\r')
        --*n;
    return s;
}

/* Adds the line and the caret; of a long line only the part around the column. A tab and
 * other control bytes become one space, so that the caret stays below its character. */
static void add_caret(struct buf *b, const struct pos *pos)
{
    size_t n = 0;
    const char *s = find_line(pos->text, pos->line, &n);
    int column = 0, first = pos->column > SHOWN * 3 / 4 ? pos->column - SHOWN / 2 : 1;

    if (!s)
        return;
    buf_adds(b, "\n    ");
    for (size_t i = 0; i < n; i++) {
        column += !is_continuation(s[i]);
        if (column >= first + SHOWN)
            break;
        if (column >= first)
            buf_addc(b, (unsigned char)s[i] < ' ' ? ' ' : s[i]);
    }
    buf_printf(b, "\n    %*s^", pos->column - first, "");
}

/* A kept plan has the names of its texts and not the words: they are read again. */
static void add_caret_from_file(struct buf *b, const struct pos *pos)
{
    struct buf bytes = { 0 };
    struct recipe_text text = *pos->text;
    struct pos again = *pos;

    if (fs_read(text.path, &bytes, NULL) == 0) {
        text.s = buf_str(&bytes);
        text.n = bytes.len;
        again.text = &text;
        add_caret(b, &again);
    }
    buf_release(&bytes);
}

int pos_error(const struct pos *pos, struct error *err, const char *fmt, ...)
{
    struct buf b = { 0 };
    va_list ap;

    if (pos->file)
        buf_printf(&b, "%s:%d:%d: ", pos->file, pos->line, pos->column);
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    if (pos->text && pos->text->s)
        add_caret(&b, pos);
    else if (pos->text)
        add_caret_from_file(&b, pos);
    error_set(err, E_INPUT, "%s", buf_str(&b));
    buf_release(&b);
    return E_INPUT;
}

int pos_check_path(const struct pos *pos, const char *path, struct error *err)
{
    if (*path == '/' || !pos->text || !pos->text->pinned)
        return 0;
    return pos_error(pos, err,
                     "%s: a file that is included by its digest has no files beside it; "
                     "write what needs them in a file of the project",
                     path);
}

const char *pos_shown_path(struct arena *arena, const struct pos *pos, const char *path)
{
    const char *slash = pos->file ? strrchr(pos->file, '/') : NULL;

    if (*path == '/' || !slash)
        return arena_strdup(arena, path);
    path += !strncmp(path, "./", 2) ? 2 : 0;
    return arena_printf(arena, "%.*s/%s", (int)(slash - pos->file), pos->file, path);
}
