#include "oci.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "larder/mem.h"
#include "url.h"

#include "larder/banned.h"

/* The empty configuration of OCI 1.1, which says that there is none. */
const char oci_config[] = "{}";
#define CONFIG_TYPE "application/vnd.oci.empty.v1+json"

/* ---- places ------------------------------------------------------------------------ */

static bool is_host(const char *s, size_t n)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789.-:[]";

    return n > 0 && strspn(s, good) >= n;
}

/* "a/b.c/d__e": words of lower-case letters and digits with one separator between. */
static bool is_repository(const char *s)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    for (;;) {
        size_t n = strspn(s, word);

        if (n == 0)
            return false;
        s += n;
        if (*s == '\0')
            return true;
        n = strspn(s, "-");
        s += n ? n : !strncmp(s, "__", 2) ? 2 : strchr("._/", *s) ? 1 : 0;
    }
}

int oci_place_read(struct oci_place *p, const char *place, struct error *err)
{
    const char *host = strncmp(place, "//", 2) == 0 ? place + 2 : place;
    size_t n = strcspn(host, "/"), len = strlen(host);
    struct buf base = { 0 };

    *p = (struct oci_place){ 0 };
    while (len > n + 1 && host[len - 1] == '/')
        len--;
    p->host = xstrndup(host, n);
    p->repository = xstrndup(host + n + (host[n] == '/'), len - n - (host[n] == '/'));
    if (host == place || !is_host(host, n) || !is_repository(p->repository))
        return error_set(err, E_USAGE,
                         "oci:%s names no repository: write oci://HOST/NAME/NAME, where "
                         "each NAME has lower-case letters and digits, and `.`, `_` or "
                         "`-` between them",
                         place);
    p->local = url_host_is_local(p->host);
    buf_printf(&base, "%s://%s/v2/%s", p->local ? "http" : "https", p->host,
               p->repository);
    p->base = buf_take(&base);
    return 0;
}

void oci_place_release(struct oci_place *p)
{
    free(p->host);
    free(p->repository);
    free(p->base);
    *p = (struct oci_place){ 0 };
}

/* ---- names ------------------------------------------------------------------------- */

bool oci_name_is_digest(const char *name, struct digest *id)
{
    const char *last = strrchr(name, '/');

    return last && strlen(last + 1) == DIGEST_HEX && digest_parse(id, last + 1);
}

bool oci_tag(const char *name, struct buf *tag)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-";
    size_t start = tag->len;

    for (const char *part = name;; part++) {
        size_t n = strcspn(part, "/");

        if (n == 0 || *part == '.' || *part == '-' || strspn(part, good) < n)
            return false;
        /* A folder of two digits is there for the sake of file systems. */
        if (n != 2 || part[n] != '/' || strncmp(part, part + n + 1, n) != 0) {
            if (tag->len > start)
                buf_addc(tag, '-');
            buf_add(tag, part, n);
        }
        part += n;
        if (*part == '\0')
            return tag->len - start <= OCI_TAG_MAX;
    }
}

/* ---- manifests --------------------------------------------------------------------- */

/* What people see of it in a registry. */
static const char *type_of(const char *name)
{
    static const struct {
        const char *folder, *type;
    } types[] = {
        { "ac/", "record" }, { "cas/", "object" }, { "index/", "index" },
        { "pack/", "pack" }, { "root/", "root" },
    };

    if (!strncmp(name, "ac/", 3) && strchr(name, '.'))
        return "attestation";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strncmp(name, types[i].folder, strlen(types[i].folder)))
            return types[i].type;
    return "info";
}

/* Names have nothing that JSON wants escaped: oci_tag(). */
void oci_manifest_write(const char *name, const struct digest *id, long long size,
                        struct buf *to)
{
    char hex[DIGEST_HEX + 1];
    struct digest config;

    digest_bytes(&config, oci_config, strlen(oci_config));
    buf_printf(to,
               "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST_TYPE "\","
               "\"artifactType\":\"application/vnd.larder.%s.v1\","
               "\"config\":{\"mediaType\":\"" CONFIG_TYPE "\","
               "\"digest\":\"sha256:%s\",\"size\":%zu},",
               type_of(name), digest_hex(&config, hex), strlen(oci_config));
    buf_printf(to,
               "\"layers\":[{\"mediaType\":\"application/octet-stream\","
               "\"digest\":\"sha256:%s\",\"size\":%lld,"
               "\"annotations\":{\"org.opencontainers.image.title\":\"%s\"}}]}",
               digest_hex(id, hex), size, name);
}

int oci_manifest_read(const char *text, size_t n, struct digest *id, long long *size,
                      struct error *err)
{
    json_t *root = json_loadb(text, n, 0, NULL);
    const json_t *layers = json_object_get(root, "layers");
    const json_t *layer = json_array_get(layers, 0);
    const char *digest = json_string_value(json_object_get(layer, "digest"));
    const json_t *number = json_object_get(layer, "size");
    int rc = 0;

    *size = json_integer_value(number);
    if (json_array_size(layers) != 1 || !digest || strncmp(digest, "sha256:", 7) != 0 ||
        !digest_parse(id, digest) || !json_is_integer(number) || *size < 0)
        rc = error_set(err, E_REMOTE,
                       "it is no image manifest with one layer of SHA-256, so somebody "
                       "else put it there; take a repository of its own for results");
    json_decref(root);
    return rc;
}

/* ---- uploads ----------------------------------------------------------------------- */

static bool same_host(const char *url, const char *location)
{
    const char *a = url_host(url), *b = url_host(location);
    size_t n = strcspn(a, "/?#");

    return strcspn(b, "/?#") == n && !strncasecmp(a, b, n);
}

void oci_upload_url(const char *url, const char *location, const struct digest *id,
                    struct buf *to)
{
    char hex[DIGEST_HEX + 1];
    size_t start = to->len, path = strcspn(url, "?#");

    if (!strncasecmp(location, "http://", 7) || !strncasecmp(location, "https://", 8)) {
        if (same_host(url, location)) {
            buf_add(to, url, url_origin(url));
            location += url_origin(location);
        }
    } else if (!strncmp(location, "//", 2)) {
        buf_add(to, url, strcspn(url, ":") + 1);
    } else if (*location == '/') {
        buf_add(to, url, url_origin(url));
    } else if (*location == '?') {
        buf_add(to, url, path);
    } else {
        while (path > url_origin(url) && url[path - 1] != '/')
            path--;
        buf_add(to, url, path);
    }
    buf_add(to, location, strcspn(location, "#"));
    buf_printf(to, "%cdigest=sha256%%3A%s", strchr(to->s + start, '?') ? '&' : '?',
               digest_hex(id, hex));
}
