#include "steplog.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"

int steplog_read(struct store *st, const struct digest *id, struct buf *to,
                 struct error *err)
{
    static const struct digest none;
    struct buf path = { 0 };
    int rc = STEPLOG_GONE;

    if (digest_equal(id, &none))
        return rc;
    store_object_path(st, id, &path);
    if (fs_exists(buf_str(&path)))
        rc = fs_read(buf_str(&path), to, err);
    buf_release(&path);
    return rc;
}

const char *steplog_tail(const char *text, int n)
{
    const char *p = text + strlen(text);

    if (p > text && p[-1] == '\n')
        p--;
    while (p > text)
        if (*--p == '\n' && --n == 0)
            return p + 1;
    return text;
}
