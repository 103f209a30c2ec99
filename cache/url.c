#include "url.h"

#include <string.h>
#include <strings.h>

#include "larder/banned.h"

const char *url_host(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? host + 3 : url;
}

size_t url_origin(const char *url)
{
    const char *host = url_host(url);

    return (size_t)(host - url) + strcspn(host, "/?#");
}

bool url_host_is_local(const char *host)
{
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");

    if (memchr(host, '@', strcspn(host, "/?#"))) /* a name and a password before it */
        return false;
    if (n == 9 && !strncasecmp(host, "localhost", n))
        return true;
    if (n == 5 && !strncmp(host, "[::1]", n))
        return true;
    return !strncmp(host, "127.", 4) && strspn(host, "0123456789.") == n;
}

int url_shown(const char *url)
{
    return (int)strcspn(url, "?");
}
