#include "page/picture.h"

#include "larder/fs.h"
#include "page/origin.h"

#include "larder/banned.h"

static void add_base64(struct buf *to, const struct buf *bytes)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    buf_reserve(to, bytes->len / 3 * 4 + 4);
    for (size_t i = 0; i < bytes->len; i += 3) {
        size_t n = bytes->len - i < 3 ? bytes->len - i : 3;
        unsigned char b[3] = { 0 };
        char out[4];

        memcpy(b, bytes->s + i, n);
        out[0] = digit[b[0] >> 2];
        out[1] = digit[(b[0] & 3) << 4 | b[1] >> 4];
        out[2] = n > 1 ? digit[(b[1] & 15) << 2 | b[2] >> 6] : '=';
        out[3] = n > 2 ? digit[b[2] & 63] : '=';
        buf_add(to, out, sizeof out);
    }
}

const char *picture_kind(const struct buf *bytes)
{
    const char *s = buf_str(bytes);

    if (bytes->len > 8 && memcmp(s, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "png";
    if (strncmp(s, "<svg", 4) == 0 || strncmp(s, "<?xml", 5) == 0)
        return "svg";
    return NULL;
}

int picture_add(struct buf *to, const struct page_item *item, const char *caption,
                const char *alt, const struct provenance *p, size_t *room,
                struct error *err)
{
    struct buf bytes = { 0 };
    size_t before = to->len, size;
    char hex[DIGEST_HEX + 1];
    const char *kind;
    int rc;

    rc = fs_read(item->path, &bytes, err);
    if (rc < 0)
        goto out;
    kind = picture_kind(&bytes);
    if (kind == NULL) {
        rc = error_set(err, E_INPUT, "figure %s is neither a PNG nor an SVG", item->name);
        goto out;
    }
    size = bytes.len / 3 * 4 + 4;
    buf_adds(to, "<figure class=\"picture\"");
    if (!item->shown)
        buf_printf(to, " id=\"f-%s\"", item->slug);
    buf_adds(to, ">\n<img src=\"");
    if (size <= *room) {
        buf_printf(to, "data:image/%s;base64,",
                   strcmp(kind, "svg") == 0 ? "svg+xml" : kind);
        add_base64(to, &bytes);
    } else {
        buf_printf(to, "figures/%s.%s", item->slug, kind);
    }
    buf_adds(to, "\" alt=\"");
    buf_add_html(to, alt);
    buf_printf(to, "\">\n<figcaption>%s</figcaption>\n<p class=\"note\">", caption);
    buf_printf(to, "<a href=\"figures/%s.%s\" download>%s</a>, drawn by ", item->slug,
               kind, strcmp(kind, "svg") == 0 ? "SVG" : "PNG");
    origin_add_makers(to, p, digest_hex(&item->digest, hex));
    buf_adds(to, ".</p>\n</figure>\n");
    *room -= to->len - before < *room ? to->len - before : *room;
out:
    buf_release(&bytes);
    return rc;
}
