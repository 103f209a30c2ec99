/*
 * An object store: Amazon's S3 and what speaks its protocol (Ceph, MinIO, Garage, ...).
 */
#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"
#include "s3.h"

#include "larder/banned.h"

enum {
    WHOLE_MAX = 64 << 20, /* up to here a file is one request */
    RACES_MAX = 5
};

/* A store that may not be listed says 403 of what is not there. */
static bool is_absent(const struct s3_ask *k, const char *name)
{
    const char *text = buf_str(&k->a.text);

    if (k->a.code == 404)
        return !strstr(text, "NoSuchBucket");
    return k->a.code == 403 && strchr(name, '/') &&
           (!*text || strstr(text, "AccessDenied"));
}

static int get(struct remote *r, const char *name, const struct remote_part *part,
               const struct remote_sink *to, struct error *err)
{
    struct s3 *s = (struct s3 *)r;
    struct s3_ask k;
    int rc;

    s3_ask(&k, s, "GET", name, "");
    k.q.part = part;
    k.q.to = to;
    rc = s3_send(&k, s, NULL, err);
    if (rc == 0 && !s3_is_done(&k))
        rc = is_absent(&k, name) ? REMOTE_ABSENT : s3_refused(&k, s, err);
    s3_ask_release(&k);
    return rc;
}

static int has(struct remote *r, const char *name, long long *size, struct error *err)
{
    struct s3 *s = (struct s3 *)r;
    struct s3_ask k;
    int rc;

    s3_ask(&k, s, "HEAD", name, "");
    rc = s3_send(&k, s, NULL, err);
    *size = rc == 0 && s3_is_done(&k) ? k.a.size : -1;
    if (rc == 0 && s3_is_done(&k))
        rc = REMOTE_THERE;
    else if (rc == 0)
        rc = is_absent(&k, name) ? REMOTE_ABSENT : s3_refused(&k, s, err);
    s3_ask_release(&k);
    return rc;
}

/* cas/9f/9f86… is named by what is in it. */
static bool is_named_by_bytes(const char *name, struct digest *d)
{
    const char *slash = strrchr(name, '/');

    return slash && strncmp(name, "ac/", 3) != 0 && digest_parse(d, slash + 1);
}

static int hash_body(const struct remote_body *body, struct digest *d, struct error *err)
{
    enum { STEP = 64 << 10 };
    struct hasher *hasher = hasher_new();
    char *bytes = xmalloc(STEP);
    size_t got = 1;
    int rc = 0;

    while (rc == 0 && got > 0) {
        rc = body->give(body->self, bytes, STEP, &got, err);
        if (rc == 0)
            hasher_add(hasher, bytes, got);
    }
    hasher_finish(hasher, d);
    hasher_free(hasher);
    free(bytes);
    body->again(body->self);
    return rc;
}

/* REMOTE_ABSENT: it is to be tried again. */
static int put_once(struct s3 *s, const char *name, const struct remote_body *body,
                    const struct digest *hash, enum remote_put how, struct error *err)
{
    struct s3_ask k;
    int rc;

    s3_ask(&k, s, "PUT", name, "");
    k.q.body = body;
    s3_add_header(&k, "Content-Type: application/octet-stream");
    if (how == PUT_NEW && !s->no_conditions)
        s3_add_header(&k, "If-None-Match: *");
    rc = s3_send(&k, s, hash, err);
    if (rc == 0 && s3_knows_no_conditions(&k, s))
        rc = REMOTE_ABSENT;
    else if (rc == 0 && !s3_is_done(&k))
        rc = s3_judge_put(&k, s, err);
    s3_ask_release(&k);
    return rc;
}

static int put_whole(struct s3 *s, const char *name, const struct remote_body *body,
                     enum remote_put how, struct error *err)
{
    struct digest hash;
    int rc = is_named_by_bytes(name, &hash) ? 0 : hash_body(body, &hash, err);

    if (rc == 0)
        rc = put_once(s, name, body, &hash, how, err);
    for (int races = 0; rc == REMOTE_ABSENT && races < RACES_MAX; races++) {
        body->again(body->self);
        rc = put_once(s, name, body, &hash, how, err);
    }
    return rc == REMOTE_ABSENT
               ? error_set(err, E_REMOTE, "%s: others put it again and again", name)
               : rc;
}

static int put(struct remote *r, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err)
{
    struct s3 *s = (struct s3 *)r;

    return body->size > WHOLE_MAX ? s3_put_parts(s, name, body, how, err)
                                  : put_whole(s, name, body, how, err);
}

static void close_s3(struct remote *r)
{
    struct s3 *s = (struct s3 *)r;

    http_close(s->http);
    aws_release(&s->aws);
    free(s->root);
    free(s);
}

static int open_s3(struct remote **r, const char *place, struct error *err)
{
    struct s3 *s = xcalloc(1, sizeof *s);
    struct buf root = { 0 };
    int rc;

    s->remote.kind = &remote_s3;
    *r = &s->remote;
    rc = aws_find(&s->aws, place, err);
    if (rc == 0)
        rc = http_open(&s->http, err);
    if (rc < 0) {
        close_s3(*r);
        *r = NULL;
        return rc;
    }
    aws_url(&s->aws, &root);
    s->root = buf_take(&root);
    return 0;
}

const struct remote_kind remote_s3 = {
    .scheme = "s3:",
    .packs = true,
    .open = open_s3,
    .close = close_s3,
    .get = get,
    .put = put,
    .has = has,
};
