#include "login.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "challenge.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "url.h"

#include "larder/banned.h"

enum { TOKEN_MAX = 64 << 10 };

struct login {
    const struct oci_place *place;
    struct buf header; /* the value of Authorization */
    bool by_netrc;     /* it is left to libcurl instead */
    bool looked;       /* for what the files have: */
    struct buf basic;  /* a name and a password, or empty */
    struct buf helper; /* the program that has them, or empty */
};

struct login *login_new(const struct oci_place *place)
{
    struct login *l = xcalloc(1, sizeof *l);

    l->place = place;
    return l;
}

void login_free(struct login *l)
{
    if (!l)
        return;
    buf_release(&l->header);
    buf_release(&l->basic);
    buf_release(&l->helper);
    free(l);
}

/* ---- files of logins --------------------------------------------------------------- */

/* "https://host/v1/" and "host/lab" are ways to write it. How much of host/repository a
 * name stands for; 0: it is another one. */
static size_t fits(const char *name, const char *host, const char *repository)
{
    const char *scheme = strstr(name, "://");
    size_t n = strlen(host), k;

    if (scheme)
        name = scheme + 3;
    if (strncmp(name, host, n) != 0)
        return 0;
    name += n;
    if (*name == '\0' || scheme)
        return *name == '\0' || *name == '/' ? n : 0;
    k = strlen(name) - 1;
    return *name == '/' && !strncmp(repository, name + 1, k) &&
                   (repository[k] == '\0' || repository[k] == '/')
               ? n + k
               : 0;
}

int login_find(const char *text, size_t n, const char *host, const char *repository,
               struct buf *to, bool *helper, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, n, 0, &why), *value;
    const char *store = json_string_value(json_object_get(root, "credsStore"));
    const char *found =
        json_string_value(json_object_get(json_object_get(root, "credHelpers"), host));
    const char *name;
    size_t best = 0;

    *helper = false;
    if (!root)
        return error_set(err, E_REMOTE, "%d:%d: %s; log in again, which writes it anew",
                         why.line, why.column, why.text);
    store = found ? found : store;
    found = NULL;
    json_object_foreach(json_object_get(root, "auths"), name, value)
    {
        const char *auth = json_string_value(json_object_get(value, "auth"));
        size_t k = fits(name, host, repository);

        if (k > best && auth && *auth) {
            best = k;
            found = auth;
        }
    }
    *helper = !found && store;
    if (found || store)
        buf_adds(to, found ? found : store);
    json_decref(root);
    return found || *helper;
}

/* One file of them: whether it settles who we are. */
static int look_into(struct login *l, const char *path, struct error *err)
{
    struct buf text = { 0 }, found = { 0 };
    bool helper = false;
    int rc = 0;

    if (fs_exists(path))
        rc = fs_read(path, &text, err);
    if (rc == 0 && text.len)
        rc = login_find(text.s, text.len, l->place->host, l->place->repository, &found,
                        &helper, err);
    if (rc < 0)
        error_context(err, "%s", path);
    else if (rc && helper)
        buf_printf(&l->helper, "docker-credential-%s, which %s names", found.s, path);
    else if (rc)
        buf_adds(&l->basic, found.s);
    if (text.len)
        explicit_bzero(text.s, text.len);
    buf_release(&text);
    buf_release(&found);
    return rc < 0 ? E_REMOTE : l->basic.len > 0;
}

/* Reads what the files have, once. */
static int look(struct login *l, struct error *err)
{
    static const struct {
        const char *variable, *path;
    } places[] = {
        { "REGISTRY_AUTH_FILE", "" },
        { "DOCKER_CONFIG", "/config.json" },
        { "HOME", "/.docker/config.json" },
        { "XDG_RUNTIME_DIR", "/containers/auth.json" },
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && !l->looked && i < sizeof places / sizeof *places; i++) {
        const char *folder = getenv(places[i].variable);
        struct buf path = { 0 };

        if (folder && *folder) {
            buf_printf(&path, "%s%s", folder, places[i].path);
            rc = look_into(l, path.s, err);
        }
        buf_release(&path);
    }
    l->looked = rc >= 0;
    return rc < 0 ? rc : 0;
}

/* ---- what a server wants ----------------------------------------------------------- */

static void set_header(struct login *l, const char *scheme, const char *value)
{
    l->by_netrc = false;
    buf_reset(&l->header);
    buf_printf(&l->header, "%s %s", scheme, value);
}

/* What to do about an answer that says who we are not. */
static int refused(const struct login *l, const struct http_request *q,
                   const struct http_answer *a, const struct challenge *c,
                   struct error *err)
{
    const char *asks = c->bearer ? buf_str(&c->realm) : l->place->base;
    const char *host = url_host(asks);
    int n = (int)strcspn(host, ":/?#");
    struct error why = { 0 };

    http_refused(q, a, &why);
    if (l->helper.len && !l->basic.len)
        return error_set(err, E_REMOTE,
                         "%s; its login is with %s: that is not run, so write `machine "
                         "%.*s login NAME password PASSWORD` into ~/.netrc",
                         why.text, l->helper.s, n, host);
    return error_set(err, E_REMOTE,
                     "%s; it wants %s login: write `machine %.*s login NAME password "
                     "PASSWORD` into ~/.netrc, or use `docker login %s`",
                     why.text, l->basic.len ? "another" : "a", n, host, l->place->host);
}

/* The token in what its giver says: REMOTE_DONE, or E_REMOTE. */
static int read_token(struct login *l, const char *url, const struct buf *text,
                      struct error *err)
{
    json_t *root = json_loadb(buf_str(text), text->len, 0, NULL);
    const char *token = json_string_value(json_object_get(root, "token"));
    int rc = 0;

    if (!token)
        token = json_string_value(json_object_get(root, "access_token"));
    if (token && *token && token[strcspn(token, " \r\n")] == '\0')
        set_header(l, "Bearer", token);
    else
        rc = error_set(err, E_REMOTE, "%.*s: it gives no token", url_shown(url), url);
    json_decref(root);
    return rc;
}

/* Who asks for a token shows a password, so not in the clear. */
static int check_realm(const struct login *l, const char *realm, struct error *err)
{
    const char *host = realm + (strncmp(realm, "http://", 7) ? 0 : 7);

    if (!strncmp(realm, "https://", 8) ||
        (host > realm && l->place->local && url_host_is_local(host)))
        return 0;
    return error_set(err, E_REMOTE,
                     "%s: it wants a token from %s, which is no https; its administrator "
                     "can change the realm",
                     l->place->base, realm);
}

static int get_token(struct login *l, struct http *h, const struct challenge *c,
                     struct error *err)
{
    struct buf url = { 0 }, basic = { 0 };
    struct sink_text text = { .max = TOKEN_MAX };
    const struct remote_sink to = sink_to_text(&text);
    struct http_request q = { .method = "GET", .to = &to };
    struct http_answer a = { 0 };
    int rc = check_realm(l, buf_str(&c->realm), err);

    if (rc == 0) {
        challenge_token_url(c, &url);
        buf_printf(&basic, "Basic %s", buf_str(&l->basic));
        q.url = url.s;
        q.authorization = l->basic.len ? basic.s : NULL;
        rc = http_send(h, &q, &a, err);
    }
    if (rc == 0 && (a.code == 401 || a.code == 403))
        rc = refused(l, &q, &a, c, err);
    else if (rc == 0 && (a.code < 200 || a.code >= 300))
        rc = http_refused(&q, &a, err);
    if (rc == 0)
        rc = read_token(l, url.s, &text.text, err);
    else if (text.too_long)
        rc = error_set(err, E_REMOTE, "%s: no token is so long", buf_str(&c->realm));
    http_answer_release(&a);
    buf_release(&text.text);
    buf_release(&basic);
    buf_release(&url);
    return rc;
}

/* Becomes whom the server wants: 1, or 0 when we are already, or E_REMOTE. */
static int become(struct login *l, struct http *h, const struct challenge *c,
                  struct error *err)
{
    bool known = l->by_netrc || l->header.len > 0;
    int rc = look(l, err);

    if (rc < 0)
        return rc;
    if (c->bearer) {
        rc = get_token(l, h, c, err);
        return rc < 0 ? rc : 1;
    }
    if (!c->basic || known)
        return 0;
    if (l->basic.len)
        set_header(l, "Basic", l->basic.s);
    else
        l->by_netrc = true;
    return 1;
}

int login_send(struct login *l, struct http *h, struct http_request *q,
               struct http_answer *a, struct error *err)
{
    for (int tries = 0;; tries++) {
        struct challenge c;
        int rc;

        q->authorization = l->by_netrc ? NULL : buf_str(&l->header);
        rc = http_send(h, q, a, err);
        if (rc < 0 || a->code != 401)
            return rc;
        challenge_read(&c, buf_str(&a->header));
        rc = tries == 0 ? become(l, h, &c, err) : 0;
        if (rc == 0)
            rc = refused(l, q, a, &c, err);
        challenge_release(&c);
        if (rc < 0)
            return rc;
        http_answer_release(a);
        if (q->body)
            q->body->again(q->body->self);
    }
}
