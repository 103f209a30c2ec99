#include "pin.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "larder/md5.h"

#include "larder/banned.h"

bool pin_is_weak(const struct pin *p)
{
    return !p->full && (p->prefix || p->md5 || p->size >= 0);
}

void pin_write(const struct pin *p, struct buf *to)
{
    size_t start = to->len;

    if (p->md5)
        buf_printf(to, "md5=%s", p->md5);
    if (p->prefix)
        buf_printf(to, "%ssha256-prefix=%s", to->len > start ? "," : "", p->prefix);
    if (p->size >= 0)
        buf_printf(to, "%ssize=%lld", to->len > start ? "," : "", p->size);
}

/* Makes hex digits lower case; false when there is anything else. */
static bool lower_hex(char *text)
{
    for (char *s = text; *s; s++) {
        if (!isxdigit((unsigned char)*s))
            return false;
        *s = (char)tolower((unsigned char)*s);
    }
    return true;
}

bool pin_set_sha256(struct pin *p, char *text)
{
    p->full = digest_parse(&p->digest, text);
    return p->full;
}

bool pin_set_prefix(struct pin *p, char *text)
{
    size_t n = strlen(text);

    p->prefix = text;
    return n >= PIN_PREFIX_MIN && n < DIGEST_HEX && lower_hex(text);
}

bool pin_set_md5(struct pin *p, char *text)
{
    p->md5 = text;
    return strlen(text) == MD5_HEX && lower_hex(text);
}

bool pin_set_size(struct pin *p, char *text)
{
    if (!*text || strlen(text) > 18 || text[strspn(text, "0123456789")])
        return false;
    p->size = strtoll(text, NULL, 10);
    return true;
}

int pin_check(const struct pin *p, const struct object *o, const char *path,
              struct buf *story, struct error *err)
{
    char hex[DIGEST_HEX + 1], md5[MD5_HEX + 1];
    int rc = 0;

    digest_hex(&o->id, hex);
    if (p->size >= 0 && o->size != p->size) {
        buf_printf(story, "%lld bytes", o->size);
        return PIN_DIFFERS;
    }
    if (p->full ? !digest_equal(&o->id, &p->digest)
                : p->prefix && strncmp(hex, p->prefix, strlen(p->prefix)) != 0) {
        buf_printf(story, "sha256:%s", hex);
        return PIN_DIFFERS;
    }
    if (p->full || !p->md5)
        return PIN_FITS;
    rc = md5_file(md5, path, err);
    if (rc < 0 || !strcmp(md5, p->md5))
        return rc < 0 ? rc : PIN_FITS;
    buf_printf(story, "md5:%s", md5);
    return PIN_DIFFERS;
}
