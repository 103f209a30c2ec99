#include "aws.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
static const char digits[] = "0123456789";

/* The variable of that name, or NULL where it is not set or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static void set(char **to, const char *value, size_t n)
{
    free(*to);
    *to = xstrndup(value, n);
}

/* The first one counts. */
static void offer(char **to, const char *value)
{
    if (!*to && value)
        *to = xstrdup(value);
}

/* ---- the place --------------------------------------------------------------------- */

static bool consists_of(const char *s, const char *a, const char *b, const char *c)
{
    for (; *s; s++)
        if (!strchr(a, *s) && !strchr(b, *s) && !strchr(c, *s))
            return false;
    return true;
}

static bool is_bucket(const char *s)
{
    size_t n = strlen(s);

    return n >= 3 && n <= 63 && consists_of(s, letters, digits, ".-") &&
           isalnum((unsigned char)s[0]) && isalnum((unsigned char)s[n - 1]) &&
           !strstr(s, "..");
}

/* What needs no escaping in a URL, since the signature is over its bytes. */
static bool is_prefix(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._-/", *p))
            return false;
    return *s != '/' && !strstr(s, "//") && !strstr(s, "..");
}

static bool is_endpoint(const char *s)
{
    return !strncmp(s, "https://", 8) || !strncmp(s, "http://", 7);
}

/* endpoint=…&region=…&profile=… */
static int read_options(struct aws *a, char **profile, const char *s, struct error *err)
{
    while (*s) {
        size_t n = strcspn(s, "&"), name = strcspn(s, "=&");
        char **to = NULL;

        if (name == 8 && !strncmp(s, "endpoint", 8))
            to = &a->endpoint;
        else if (name == 6 && !strncmp(s, "region", 6))
            to = &a->region;
        else if (name == 7 && !strncmp(s, "profile", 7))
            to = profile;
        if (!to || n < name + 2)
            return error_set(err, E_REMOTE,
                             "'%.*s': an address s3://bucket/path takes "
                             "?endpoint=https://host, region=NAME and profile=NAME",
                             (int)n, s);
        set(to, s + name + 1, n - name - 1);
        s += n + (s[n] == '&');
    }
    return 0;
}

static int read_place(struct aws *a, char **profile, const char *place, struct error *err)
{
    const char *s = place + strspn(place, "/");
    size_t bucket = strcspn(s, "/?"), prefix;

    set(&a->bucket, s, bucket);
    s += bucket;
    s += strspn(s, "/");
    prefix = strcspn(s, "?");
    set(&a->prefix, s, prefix);
    s += prefix;
    while (prefix && a->prefix[prefix - 1] == '/')
        a->prefix[--prefix] = '\0';
    if (prefix) {
        struct buf folder = { 0 };

        buf_printf(&folder, "%s/", a->prefix);
        free(a->prefix);
        a->prefix = buf_take(&folder);
    }
    if (!is_bucket(a->bucket))
        return error_set(err, E_REMOTE,
                         "'%s' is no bucket; a name has 3 to 63 lower-case letters, "
                         "digits, dots and hyphens, as in s3://our-lab/larder",
                         a->bucket);
    if (!is_prefix(a->prefix))
        return error_set(err, E_REMOTE,
                         "'%s': a path in a bucket has only letters, digits and ._-/",
                         a->prefix);
    return *s == '?' ? read_options(a, profile, s + 1, err) : 0;
}

/* ---- files ------------------------------------------------------------------------- */

/* The name of a section, in `to`; false when the line is none. */
static bool is_section(const char *line, size_t n, struct buf *to)
{
    if (n < 3 || line[0] != '[' || line[n - 1] != ']')
        return false;
    buf_reset(to);
    buf_add(to, line + 1, n - 2);
    return true;
}

/* One setting of a section: `name = value`. */
static void take_setting(struct aws *a, const char *line, size_t n)
{
    static const struct {
        const char *name;
        size_t to;
    } known[] = {
        { "aws_access_key_id", offsetof(struct aws, id) },
        { "aws_secret_access_key", offsetof(struct aws, secret) },
        { "aws_session_token", offsetof(struct aws, session) },
        { "region", offsetof(struct aws, region) },
        { "endpoint_url", offsetof(struct aws, endpoint) },
    };
    const char *is = memchr(line, '=', n), *value = is ? is + 1 : NULL;
    const char *end = line + n;
    size_t name;

    if (!is)
        return;
    for (name = (size_t)(is - line); name && isspace((unsigned char)line[name - 1]);)
        name--;
    while (value < end && isspace((unsigned char)*value))
        value++;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char **to = (char **)((char *)a + known[i].to);

        if (name == strlen(known[i].name) && !strncmp(line, known[i].name, name) && !*to)
            set(to, value, (size_t)(end - value));
    }
}

/* A file of Amazon's programs: `[profile]`, then settings. One that is not there says
 * nothing. named: the section of a profile is called "profile NAME". */
static int read_file(struct aws *a, const char *path, const char *profile, bool named,
                     struct error *err)
{
    struct buf text = { 0 }, section = { 0 }, wanted = { 0 };
    int rc = fs_exists(path) ? fs_read(path, &text, err) : 0;

    buf_printf(&wanted, "%s%s", named && strcmp(profile, "default") ? "profile " : "",
               profile);
    for (const char *line = buf_str(&text); rc == 0 && *line;) {
        size_t all = strcspn(line, "\n"), n = all;

        while (n && isspace((unsigned char)line[n - 1]))
            n--;
        /* What is indented belongs to the setting above it. */
        if (!is_section(line, n, &section) && *line != '#' &&
            !isspace((unsigned char)*line) && !strcmp(buf_str(&section), wanted.s))
            take_setting(a, line, n);
        line += all + (line[all] == '\n');
    }
    buf_release(&text);
    buf_release(&section);
    buf_release(&wanted);
    return rc < 0 ? error_set(err, E_REMOTE, "%s", err ? err->text : path) : 0;
}

static int read_files(struct aws *a, const char *profile, struct error *err)
{
    const char *home = variable("HOME"), *credentials, *config;
    struct buf path = { 0 };
    int rc = 0;

    credentials = variable("AWS_SHARED_CREDENTIALS_FILE");
    config = variable("AWS_CONFIG_FILE");
    if (!credentials && home) {
        buf_printf(&path, "%s/.aws/credentials", home);
        credentials = path.s;
    }
    if (credentials)
        rc = read_file(a, credentials, profile, false, err);
    buf_reset(&path);
    if (!config && home) {
        buf_printf(&path, "%s/.aws/config", home);
        config = path.s;
    }
    if (rc == 0 && config)
        rc = read_file(a, config, profile, true, err);
    buf_release(&path);
    return rc;
}

/* ---- all of it --------------------------------------------------------------------- */

int aws_find(struct aws *a, const char *place, struct error *err)
{
    char *profile = NULL;
    int rc;

    *a = (struct aws){ 0 };
    rc = read_place(a, &profile, place, err);
    if (rc < 0)
        goto out;
    offer(&a->endpoint, variable("AWS_ENDPOINT_URL_S3"));
    offer(&a->endpoint, variable("AWS_ENDPOINT_URL"));
    offer(&a->region, variable("AWS_REGION"));
    offer(&a->region, variable("AWS_DEFAULT_REGION"));
    if (!profile && variable("AWS_ACCESS_KEY_ID") && variable("AWS_SECRET_ACCESS_KEY")) {
        offer(&a->id, variable("AWS_ACCESS_KEY_ID"));
        offer(&a->secret, variable("AWS_SECRET_ACCESS_KEY"));
        offer(&a->session, variable("AWS_SESSION_TOKEN"));
        if (!a->session)
            a->session = xstrdup(""); /* none, whatever a file says */
    }
    offer(&profile, variable("AWS_PROFILE"));
    offer(&profile, "default");
    rc = read_files(a, profile, err);
    offer(&a->region, "us-east-1");
    if (rc == 0 && a->endpoint && !is_endpoint(a->endpoint))
        rc = error_set(err, E_REMOTE,
                       "the endpoint '%s' is no address; write https://host:port",
                       a->endpoint);
    if (rc == 0 && !consists_of(a->region, letters, digits, "-"))
        rc = error_set(err, E_REMOTE, "the region '%s' is no name, as eu-central-1 is",
                       a->region);
    if (rc == 0 && (a->id != NULL) != (a->secret != NULL))
        rc = error_set(err, E_REMOTE,
                       "profile %s of ~/.aws/credentials has only one of "
                       "aws_access_key_id and aws_secret_access_key; write both",
                       profile);
out:
    free(profile);
    return rc;
}

void aws_release(struct aws *a)
{
    free(a->bucket);
    free(a->prefix);
    free(a->endpoint);
    free(a->region);
    free(a->id);
    free(a->secret);
    free(a->session);
    *a = (struct aws){ 0 };
}

/* With an endpoint of its own, the bucket is a folder there; at Amazon it is a host,
 * unless it has dots, for which there is no certificate. */
void aws_url(const struct aws *a, struct buf *to)
{
    size_t n = a->endpoint ? strlen(a->endpoint) : 0;

    while (n && a->endpoint[n - 1] == '/')
        n--;
    if (a->endpoint)
        buf_printf(to, "%.*s/%s/", (int)n, a->endpoint, a->bucket);
    else if (strchr(a->bucket, '.'))
        buf_printf(to, "https://s3.%s.amazonaws.com/%s/", a->region, a->bucket);
    else
        buf_printf(to, "https://%s.s3.%s.amazonaws.com/", a->bucket, a->region);
}

bool aws_signer(const struct aws *a, struct http_signer *s)
{
    *s = (struct http_signer){ .region = a->region,
                               .id = a->id,
                               .secret = a->secret,
                               .session = a->session && *a->session ? a->session : NULL };
    return a->id != NULL;
}
