/*
 * A repository of an OCI registry (docs/adr/0021). A file is the one layer of an image
 * manifest whose tag is made of its name, so that a registry that clears up keeps it. A
 * file whose name is the digest of its bytes is read without the manifest.
 */
#include "remote.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "http.h"
#include "larder/mem.h"
#include "login.h"
#include "oci.h"
#include "url.h"

#include "larder/banned.h"

enum { ACCEPTED = 202, UPLOADS_MAX = 3 };

struct registry {
    struct remote remote;
    struct http *http;
    struct login *login;
    struct oci_place place;
    bool has_config; /* we have seen it there */
};

/* ---- requests ---------------------------------------------------------------------- */

static int ask(struct registry *r, struct http_request *q, struct http_answer *a,
               struct error *err)
{
    return login_send(r->login, r->http, q, a, err);
}

/* The same of something that is to be kept there. */
static int judge_put(const struct http_request *q, const struct http_answer *a,
                     struct error *err)
{
    int rc = http_judge(q, a, err);

    if (rc == REMOTE_ABSENT)
        rc = http_refused(q, a, err);
    if (rc == E_REMOTE && a->code == 405)
        error_set(err, E_REMOTE,
                  "%s: HTTP 405: it is there to be read only, so nothing can be pushed "
                  "there",
                  q->url);
    return rc;
}

static const char *blob_url(const struct registry *r, const struct digest *id,
                            struct buf *url)
{
    char hex[DIGEST_HEX + 1];

    buf_reset(url);
    buf_printf(url, "%s/blobs/sha256:%s", r->place.base, digest_hex(id, hex));
    return url->s;
}

static int manifest_url(const struct registry *r, const char *name, struct buf *url,
                        struct error *err)
{
    buf_reset(url);
    buf_printf(url, "%s/manifests/", r->place.base);
    return oci_tag(name, url)
               ? 0
               : error_set(err, E_REMOTE, "%s: %s is longer than a tag may be",
                           r->place.base, name);
}

static int get_blob(struct registry *r, const struct digest *id,
                    const struct remote_part *part, const struct remote_sink *to,
                    struct error *err)
{
    struct buf url = { 0 };
    struct http_request q = {
        .method = "GET", .url = blob_url(r, id, &url), .part = part, .to = to
    };
    struct http_answer a = { 0 };
    int rc = ask(r, &q, &a, err);

    if (rc == 0)
        rc = http_judge(&q, &a, err);
    http_answer_release(&a);
    buf_release(&url);
    return rc;
}

/* REMOTE_THERE with its size, or -1; REMOTE_ABSENT; or an error. */
static int has_blob(struct registry *r, const struct digest *id, long long *size,
                    struct error *err)
{
    struct buf url = { 0 };
    struct http_request q = { .method = "HEAD", .url = blob_url(r, id, &url) };
    struct http_answer a = { 0 };
    int rc = ask(r, &q, &a, err);

    if (rc == 0)
        rc = http_judge(&q, &a, err);
    *size = rc == REMOTE_DONE ? a.size : -1;
    http_answer_release(&a);
    buf_release(&url);
    return rc == REMOTE_DONE ? REMOTE_THERE : rc;
}

/* What the tag of a name stands for: REMOTE_DONE, REMOTE_ABSENT or an error. */
static int get_manifest(struct registry *r, const char *name, struct digest *id,
                        struct error *err)
{
    struct buf url = { 0 };
    struct sink_text text = { .max = OCI_MANIFEST_MAX };
    const struct remote_sink to = sink_to_text(&text);
    struct http_request q = { .method = "GET",
                              .header = { "Accept: " OCI_MANIFEST_TYPE },
                              .to = &to };
    struct http_answer a = { 0 };
    long long size;
    int rc = manifest_url(r, name, &url, err);

    q.url = url.s;
    if (rc == 0)
        rc = ask(r, &q, &a, err);
    if (rc == 0)
        rc = http_judge(&q, &a, err);
    if ((rc == REMOTE_DONE || text.too_long) &&
        (rc = oci_manifest_read(buf_str(&text.text), text.text.len, id, &size, err)) < 0)
        error_context(err, "%s", url.s);
    http_answer_release(&a);
    buf_release(&text.text);
    buf_release(&url);
    return rc;
}

/* ---- what is asked ----------------------------------------------------------------- */

static int get(struct remote *remote, const char *name, const struct remote_part *part,
               const struct remote_sink *to, struct error *err)
{
    struct registry *r = (struct registry *)remote;
    struct digest id;
    int rc =
        oci_name_is_digest(name, &id) ? REMOTE_DONE : get_manifest(r, name, &id, err);

    return rc == REMOTE_DONE ? get_blob(r, &id, part, to, err) : rc;
}

/* Bytes without the manifest do not count: they may go at any time. */
static int has(struct remote *remote, const char *name, long long *size,
               struct error *err)
{
    struct registry *r = (struct registry *)remote;
    struct digest id;
    int rc = get_manifest(r, name, &id, err);

    *size = -1;
    return rc == REMOTE_DONE ? has_blob(r, &id, size, err) : rc;
}

/* ---- what is given ----------------------------------------------------------------- */

/* *to: where the bytes are to go. */
static int begin_upload(struct registry *r, const struct digest *id, struct buf *to,
                        struct error *err)
{
    struct buf url = { 0 }, location = { 0 };
    struct http_request q = { .method = "POST", .header = { "Content-Length: 0" } };
    struct http_answer a = { 0 };
    int rc;

    buf_printf(&url, "%s/blobs/uploads/", r->place.base);
    q.url = url.s;
    rc = ask(r, &q, &a, err);
    if (rc == 0)
        rc = judge_put(&q, &a, err);
    if (rc == 0 && (a.code != ACCEPTED || !http_header(&a, "Location", &location)))
        rc = error_set(err, E_REMOTE,
                       "%s: HTTP %ld: it does not say where bytes are to go, so it is no "
                       "registry of OCI; see whether the place is right",
                       url.s, a.code);
    buf_reset(to);
    if (rc == 0)
        oci_upload_url(url.s, buf_str(&location), id, to);
    http_answer_release(&a);
    buf_release(&location);
    buf_release(&url);
    return rc;
}

/* Who we are is told to the registry alone, not to another host that takes bytes for it.
 */
static int send_bytes(struct registry *r, struct http_request *q, struct http_answer *a,
                      struct error *err)
{
    size_t n = url_origin(r->place.base);

    if (url_origin(q->url) == n && !strncmp(q->url, r->place.base, n))
        return ask(r, q, a, err);
    if (!r->place.local && strncmp(q->url, "https:", 6) != 0)
        return error_set(err, E_REMOTE,
                         "%s: it wants bytes to be sent to %.*s, which is no https; its "
                         "administrator can change the address that it gives",
                         r->place.base, url_shown(q->url), q->url);
    q->authorization = "";
    return http_send(r->http, q, a, err);
}

/* Whether an upload that a server refuses so may begin anew: the server was started anew
 * meanwhile, or had got a part of it before it broke off. */
static bool is_stale(long code)
{
    return code == 400 || code == 404 || code == 416;
}

static int upload(struct registry *r, const struct digest *id,
                  const struct remote_body *body, struct error *err)
{
    struct buf url = { 0 };
    int rc = E_REMOTE;

    for (int tries = 1; tries <= UPLOADS_MAX; tries++) {
        struct http_request q = { .method = "PUT",
                                  .header = { "Content-Type: application/octet-stream" },
                                  .body = body };
        struct http_answer a = { 0 };
        bool stale;

        rc = begin_upload(r, id, &url, err);
        q.url = url.s;
        if (rc == 0)
            rc = send_bytes(r, &q, &a, err);
        if (rc == 0)
            rc = judge_put(&q, &a, err);
        stale = rc == E_REMOTE && is_stale(a.code) && url.len;
        http_answer_release(&a);
        if (!stale)
            break;
        body->again(body->self);
    }
    buf_release(&url);
    return rc;
}

static int hash_bytes(void *self, const void *bytes, size_t n, struct error *err)
{
    (void)err;
    hasher_add(self, bytes, n);
    return 0;
}

/* A registry that has bytes of that digest need not take others, and most do not. */
static int check_replaced(struct registry *r, const struct digest *id, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct hasher *hasher = hasher_new();
    const struct remote_sink to = { hash_bytes, hasher };
    struct digest theirs;
    int rc = get_blob(r, id, NULL, &to, err);

    hasher_finish(hasher, &theirs);
    hasher_free(hasher);
    if (rc < 0 || (rc == REMOTE_DONE && digest_equal(&theirs, id)))
        return rc;
    return error_set(err, E_REMOTE,
                     "%s: it keeps the damaged sha256:%s and takes no other; who runs it "
                     "can remove it there, then push again",
                     r->place.base, digest_hex(id, hex));
}

/* Bytes that are there are not sent again, unless they are damaged. */
static int put_blob(struct registry *r, const struct digest *id,
                    const struct remote_body *body, enum remote_put how,
                    struct error *err)
{
    long long size;
    int rc = has_blob(r, id, &size, err);

    if (rc < 0 || (rc == REMOTE_THERE && how == PUT_NEW))
        return rc < 0 ? rc : 0;
    how = rc == REMOTE_THERE ? PUT_OVER : PUT_NEW;
    rc = upload(r, id, body, err);
    return rc == 0 && how == PUT_OVER ? check_replaced(r, id, err) : rc;
}

static int put_config(struct registry *r, struct error *err)
{
    struct body_text text = { oci_config, strlen(oci_config), 0 };
    const struct remote_body body = body_of_text(&text);
    struct digest id;
    int rc = 0;

    digest_bytes(&id, oci_config, strlen(oci_config));
    if (!r->has_config)
        rc = put_blob(r, &id, &body, PUT_NEW, err);
    r->has_config = rc == 0;
    return rc;
}

/* REMOTE_ABSENT: it lacks what the manifest names. */
static int put_manifest(struct registry *r, const char *name, const struct digest *id,
                        long long size, struct error *err)
{
    struct buf url = { 0 }, json = { 0 };
    struct body_text text;
    struct remote_body body;
    struct http_request q = { .method = "PUT",
                              .header = { "Content-Type: " OCI_MANIFEST_TYPE },
                              .body = &body };
    struct http_answer a = { 0 };
    int rc = manifest_url(r, name, &url, err);

    oci_manifest_write(name, id, size, &json);
    text = (struct body_text){ json.s, json.len, 0 };
    body = body_of_text(&text);
    q.url = url.s;
    if (rc == 0)
        rc = ask(r, &q, &a, err);
    if (rc == 0)
        rc = judge_put(&q, &a, err);
    if (rc == E_REMOTE && strstr(buf_str(&a.text), "BLOB_UNKNOWN"))
        rc = REMOTE_ABSENT;
    http_answer_release(&a);
    buf_release(&json);
    buf_release(&url);
    return rc;
}

static int put_all(struct registry *r, const char *name, const struct digest *id,
                   const struct remote_body *body, enum remote_put how, struct error *err)
{
    int rc = put_blob(r, id, body, how, err);

    if (rc == 0)
        rc = put_config(r, err);
    return rc == 0 ? put_manifest(r, name, id, body->size, err) : rc;
}

static int put(struct remote *remote, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err)
{
    struct registry *r = (struct registry *)remote;
    struct digest id, theirs;
    int rc = 0;

    if (!oci_name_is_digest(name, &id)) {
        rc = how == PUT_NEW ? get_manifest(r, name, &theirs, err) : REMOTE_ABSENT;
        if (rc != REMOTE_ABSENT)
            return rc < 0 ? rc : REMOTE_THERE;
        rc = body_hash(body, &id, err);
    }
    if (rc == 0)
        rc = put_all(r, name, &id, body, how, err);
    if (rc == REMOTE_ABSENT) { /* it was cleared up while we gave */
        r->has_config = false;
        body->again(body->self);
        rc = put_all(r, name, &id, body, how, err);
    }
    if (rc == REMOTE_ABSENT)
        rc = error_set(err, E_REMOTE,
                       "%s: it does not keep what it was given for %s; push again when "
                       "it is not being cleared up",
                       r->place.base, name);
    return rc;
}

/* ---- one in use -------------------------------------------------------------------- */

static void close_registry(struct remote *remote)
{
    struct registry *r = (struct registry *)remote;

    login_free(r->login);
    http_close(r->http);
    oci_place_release(&r->place);
    free(r);
}

static int check_place(const char *place, struct error *err)
{
    struct oci_place p;
    int rc = oci_place_read(&p, place, err);

    oci_place_release(&p);
    return rc;
}

static int open_registry(struct remote **to, const char *place, struct error *err)
{
    struct registry *r = xcalloc(1, sizeof *r);
    int rc = oci_place_read(&r->place, place, err);

    r->remote.kind = &remote_oci;
    r->login = login_new(&r->place);
    if (rc == 0)
        rc = http_open(&r->http, err);
    *to = &r->remote;
    if (rc < 0) {
        close_registry(*to);
        *to = NULL;
    }
    return rc;
}

const struct remote_kind remote_oci = {
    .scheme = "oci:",
    .packs = true,
    .check = check_place,
    .open = open_registry,
    .close = close_registry,
    .get = get,
    .put = put,
    .has = has,
};
