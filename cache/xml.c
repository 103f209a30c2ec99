#include "xml.h"

#include <string.h>

#include "larder/banned.h"

bool xml_next(const char **at, const char *name, struct buf *to)
{
    struct buf tag = { 0 };
    const char *begin, *end;

    buf_printf(&tag, "<%s>", name);
    begin = strstr(*at, tag.s);
    end = begin ? strchr(begin + tag.len, '<') : NULL;
    buf_reset(to);
    if (end) {
        buf_add(to, begin + tag.len, (size_t)(end - begin) - tag.len);
        *at = end;
    }
    buf_release(&tag);
    return end != NULL;
}
