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
    struct credential own;
    struct buf story; /* of a program that is to have it, and has not */
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
    credential_release(&l->own);
    buf_release(&l->story);
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

/* The name under which docker keeps the login of a host. */
static const char *server_name(const char *host)
{
    return !strcmp(host, "index.docker.io") || !strcmp(host, "registry-1.docker.io")
               ? "https://index.docker.io/v1/"
               : host;
}

/* The program that is asked for a host: one of its own, or none, before that of all. */
static const char *helper_of(const json_t *root, const char *host)
{
    const json_t *own =
        json_object_get(json_object_get(root, "credHelpers"), server_name(host));

    return json_string_value(own ? own : json_object_get(root, "credsStore"));
}

static void add_text(struct buf *to, const json_t *value)
{
    if (json_is_string(value))
        buf_adds(to, json_string_value(value));
}

void login_found_release(struct login_found *f)
{
    buf_release(&f->helper);
    credential_release(&f->own);
}

int login_find(const char *text, size_t n, const char *host, const char *repository,
               struct login_found *to, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, n, 0, &why), *value, *best = NULL;
    const char *name, *helper;
    size_t most = 0;

    if (!root)
        return error_set(err, E_REMOTE, "%d:%d: %s; log in again, which writes it anew",
                         why.line, why.column, why.text);
    json_object_foreach(json_object_get(root, "auths"), name, value)
    {
        size_t k = fits(name, url_host(server_name(host)), repository);
        const char *auth = json_string_value(json_object_get(value, "auth"));
        const char *token = json_string_value(json_object_get(value, "identitytoken"));

        if (k > most && ((auth && *auth) || (token && *token))) {
            most = k;
            best = value;
        }
    }
    add_text(&to->own.basic, json_object_get(best, "auth"));
    add_text(&to->own.token, json_object_get(best, "identitytoken"));
    helper = helper_of(root, host);
    buf_adds(&to->helper, helper ? helper : "");
    json_decref(root);
    return 0;
}

static bool is_known(const struct login *l)
{
    return l->own.basic.len > 0 || l->own.token.len > 0;
}

/* A program that fails may not be needed: what is wrong with it is told when the server
 * lets nobody in. */
static void ask_helper(struct login *l, const char *name, const char *path)
{
    struct error why = { 0 };

    if (helper_find(name, server_name(l->place->host), &l->own, &why) < 0 &&
        l->story.len == 0)
        buf_printf(&l->story, "%s: %s", path, why.text);
}

/* One file of them. */
static int look_into(struct login *l, const char *path, struct error *err)
{
    struct login_found found = { 0 };
    struct buf text = { 0 };
    int rc = 0;

    if (fs_exists(path))
        rc = fs_read(path, &text, err);
    if (rc == 0 && text.len)
        rc = login_find(text.s, text.len, l->place->host, l->place->repository, &found,
                        err);
    if (rc < 0)
        error_context(err, "%s", path);
    else if (found.helper.len)
        ask_helper(l, found.helper.s, path);
    if (!is_known(l)) {
        buf_adds(&l->own.basic, buf_str(&found.own.basic));
        buf_adds(&l->own.token, buf_str(&found.own.token));
    }
    if (text.len)
        explicit_bzero(text.s, text.len);
    buf_release(&text);
    login_found_release(&found);
    return rc < 0 ? E_REMOTE : 0;
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

    if (l->looked)
        return 0;
    for (size_t i = 0; rc == 0 && !is_known(l) && i < sizeof places / sizeof *places;
         i++) {
        const char *folder = getenv(places[i].variable);
        struct buf path = { 0 };

        if (folder && *folder) {
            buf_printf(&path, "%s%s", folder, places[i].path);
            rc = look_into(l, path.s, err);
        }
        buf_release(&path);
    }
    l->looked = rc == 0;
    return rc;
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
    if (l->story.len && !is_known(l))
        return error_set(err, E_REMOTE,
                         "%s; %s, or write `machine %.*s login NAME password PASSWORD` "
                         "into ~/.netrc",
                         why.text, l->story.s, n, host);
    return error_set(err, E_REMOTE,
                     "%s; it wants %s login: write `machine %.*s login NAME password "
                     "PASSWORD` into ~/.netrc, or use `docker login %s`",
                     why.text, is_known(l) ? "another" : "a", n, host, l->place->host);
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

/* A request for a token. */
struct token_request {
    struct buf url, basic, form;
    struct body_text text;
    struct remote_body body;
    struct http_request q;
};

/* With a name and a password, or as nobody. */
static void by_password(const struct login *l, const struct challenge *c,
                        struct token_request *t)
{
    challenge_token_url(c, &t->url);
    buf_printf(&t->basic, "Basic %s", buf_str(&l->own.basic));
    t->q.method = "GET";
    t->q.url = t->url.s;
    t->q.authorization = l->own.basic.len ? t->basic.s : NULL;
}

/* With an identity token, as OAuth has it. */
static void by_identity(const struct login *l, const struct challenge *c,
                        struct token_request *t)
{
    challenge_token_form(c, buf_str(&l->own.token), &t->form);
    t->text = (struct body_text){ t->form.s, t->form.len, 0 };
    t->body = body_of_text(&t->text);
    t->q.method = "POST";
    t->q.url = buf_str(&c->realm);
    t->q.header[0] = "Content-Type: application/x-www-form-urlencoded";
    t->q.body = &t->body;
    t->q.authorization = "";
    t->q.stays = true;
}

static void token_request_release(struct token_request *t)
{
    if (t->form.s)
        explicit_bzero(t->form.s, t->form.cap);
    buf_release(&t->form);
    buf_release(&t->basic);
    buf_release(&t->url);
}

/* Whether who gives tokens says that it does not believe who we are: 400 is OAuth's. */
static bool is_disbelief(const struct http_request *q, long code)
{
    return code == 401 || code == 403 || (q->body && code == 400);
}

static int get_token(struct login *l, struct http *h, const struct challenge *c,
                     struct error *err)
{
    struct token_request t = { 0 };
    struct sink_text text = { .max = TOKEN_MAX };
    const struct remote_sink to = sink_to_text(&text);
    struct http_answer a = { 0 };
    int rc = check_realm(l, buf_str(&c->realm), err);

    (l->own.token.len ? by_identity : by_password)(l, c, &t);
    t.q.to = &to;
    if (rc == 0)
        rc = http_send(h, &t.q, &a, err);
    if (rc == 0 && is_disbelief(&t.q, a.code))
        rc = refused(l, &t.q, &a, c, err);
    else if (rc == 0 && (a.code < 200 || a.code >= 300))
        rc = http_refused(&t.q, &a, err);
    if (rc == 0)
        rc = read_token(l, t.q.url, &text.text, err);
    else if (text.too_long)
        rc = error_set(err, E_REMOTE, "%s: no token is so long", buf_str(&c->realm));
    http_answer_release(&a);
    buf_release(&text.text);
    token_request_release(&t);
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
    if (l->own.basic.len)
        set_header(l, "Basic", l->own.basic.s);
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
