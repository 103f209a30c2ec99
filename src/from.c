#include "from.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "larder/banned.h"

static bool begins_with(const char *s, const char *start)
{
    return strncasecmp(s, start, strlen(start)) == 0;
}

bool from_is_web(const char *text)
{
    return begins_with(text, "http:") || begins_with(text, "https:");
}

/* The path of a file: URL, RFC 8089. */
static int file_url(struct arena *arena, const char *url, const struct pos *pos,
                    const char **path, struct error *err)
{
    const char *s = url + strlen("file:");
    char *to = arena_alloc(arena, strlen(s) + 1);

    *path = to;
    if (begins_with(s, "//localhost/"))
        s += strlen("//localhost");
    else if (!strncmp(s, "///", 3))
        s += 2;
    for (; *s; s++) {
        char hex[3] = { 0 };
        if (*s != '%') {
            *to++ = *s;
            continue;
        }
        memcpy(hex, s + 1, strnlen(s + 1, 2));
        *to = (char)strtol(hex, NULL, 16);
        if (strspn(hex, "0123456789abcdefABCDEF") != 2 || !*to++)
            return pos_error(pos, err, "%s: a %% goes with two hex digits", url);
        s += 2;
    }
    return 0;
}

/* A URL names one file, and no password. */
static int check_url(const char *url, const struct pos *pos, struct error *err)
{
    const char *host = strstr(url, "://");
    size_t n = host ? strcspn(host + 3, "/?#") : 0;

    if (n == 0)
        return pos_error(pos, err, "%s names no host: write https://HOST/PATH", url);
    if (memchr(host + 3, '@', n))
        return pos_error(pos, err,
                         "a URL in a recipe holds no name and password; write them in "
                         "~/.netrc");
    if (url[strlen(url) - 1] == '/')
        return pos_error(
            pos, err, "%s: a folder cannot be fetched; name a file, such as an archive",
            url);
    return FROM_URL;
}

int from_read(struct arena *arena, const char *text, const struct pos *pos,
              const char *what, const char **path, struct error *err)
{
    int rc = FROM_PATH;

    *path = text;
    if (from_is_web(text))
        return check_url(text, pos, err);
    if (begins_with(text, "file:"))
        rc = file_url(arena, text, pos, path, err);
    else if (strstr(text, "://"))
        rc = pos_error(pos, err,
                       "%s: %s must come from a path, or a file:, http: or https: URL",
                       text, what);
    if (rc == 0 && **path != '/' && strncmp(*path, "./", 2) != 0 &&
        strncmp(*path, "../", 3) != 0)
        rc = pos_error(pos, err, "from: a path begins with / or ./: write ./%s", *path);
    return rc;
}

void from_show(const char *url, struct buf *to)
{
    size_t n = strcspn(url, "?#");

    buf_add(to, url, n);
    if (url[n])
        buf_adds(to, "?...");
}
