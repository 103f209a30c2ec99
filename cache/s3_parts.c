#include <stdlib.h>
#include <string.h>

#include "larder/map.h"
#include "larder/md5.h"
#include "larder/mem.h"
#include "s3.h"

#include "larder/banned.h"

enum {
    PART = 16 << 20,  /* bytes of a part, or more where there were too many, */
    PARTS_MAX = 10000 /* which is what a store takes */
};

/* An upload under way. */
struct upload {
    struct s3 *s;
    const char *name;
    const struct remote_body *body;
    struct buf id;   /* as it stands in a query; "" where none was begun */
    struct map have; /* number of a part → its ETag, of a run that was cut short */
    struct arena arena;
    long long part;   /* bytes of one */
    char *bytes;      /* of the one at hand */
    struct buf parts; /* all of them, as the end names them */
};

/* ---- what a store writes ----------------------------------------------------------- */

/* The text of the next element of that name behind *at, in `to`; *at moves behind it. */
static bool next_element(const char **at, const char *name, struct buf *to)
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

/* An ETag without its quotes, which XML may write as &quot; */
static void strip_quotes(struct buf *etag)
{
    struct buf bare = { 0 };

    for (const char *s = buf_str(etag); *s; s++)
        if (!strncmp(s, "&quot;", 6))
            s += 5;
        else if (*s != '"')
            buf_addc(&bare, *s);
    buf_release(etag);
    *etag = bare;
}

static void add_to_query(struct buf *to, const char *s)
{
    for (; *s; s++)
        if (strchr("-._~", *s) || (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
            (*s >= 'A' && *s <= 'Z'))
            buf_addc(to, *s);
        else
            buf_printf(to, "%%%02X", (unsigned char)*s);
}

/* ---- before ------------------------------------------------------------------------ */

/* The latest upload of this name that was begun and not ended; none is no error. */
static void find_upload(struct upload *u)
{
    struct buf query = { 0 }, key = { 0 }, found = { 0 }, id = { 0 };
    struct s3_ask k;
    const char *at;

    buf_printf(&key, "%s%s", u->s->aws.prefix, u->name);
    buf_adds(&query, "?prefix=");
    add_to_query(&query, key.s);
    buf_adds(&query, "&uploads=");
    s3_ask(&k, u->s, "GET", NULL, query.s);
    s3_want_text(&k);
    if (s3_send(&k, u->s, NULL, NULL) == 0 && s3_is_done(&k)) {
        at = buf_str(&k.text.text);
        while (next_element(&at, "Key", &found) && next_element(&at, "UploadId", &id))
            if (!strcmp(buf_str(&found), key.s)) {
                buf_reset(&u->id);
                add_to_query(&u->id, buf_str(&id));
            }
    }
    s3_ask_release(&k);
    buf_release(&query);
    buf_release(&key);
    buf_release(&found);
    buf_release(&id);
}

/* Its parts; a page of a thousand at a time. What cannot be learnt is given again. */
static void find_parts(struct upload *u)
{
    struct buf query = { 0 }, after = { 0 }, number = { 0 }, etag = { 0 };
    bool more = u->id.len > 0;

    while (more) {
        const char *at;
        struct s3_ask k;

        buf_reset(&query);
        buf_printf(&query, "?part-number-marker=%s&uploadId=%s",
                   after.len ? after.s : "0", u->id.s);
        s3_ask(&k, u->s, "GET", u->name, query.s);
        s3_want_text(&k);
        more = s3_send(&k, u->s, NULL, NULL) == 0 && s3_is_done(&k);
        at = buf_str(&k.text.text);
        while (more && next_element(&at, "PartNumber", &number) &&
               next_element(&at, "ETag", &etag)) {
            strip_quotes(&etag);
            map_set(&u->have, number.s, arena_strdup(&u->arena, buf_str(&etag)));
        }
        at = buf_str(&k.text.text);
        more = more && strstr(at, "<IsTruncated>true") &&
               next_element(&at, "NextPartNumberMarker", &after) && after.len;
        s3_ask_release(&k);
    }
    buf_release(&query);
    buf_release(&after);
    buf_release(&number);
    buf_release(&etag);
}

static int begin(struct upload *u, struct error *err)
{
    struct body_text nothing = { "", 0, 0 };
    struct remote_body body = body_of_text(&nothing);
    struct buf id = { 0 };
    const char *at;
    struct s3_ask k;
    int rc;

    s3_ask(&k, u->s, "POST", u->name, "?uploads=");
    s3_add_header(&k, "Content-Type: application/octet-stream");
    s3_want_text(&k);
    k.q.body = &body;
    rc = s3_send(&k, u->s, NULL, err);
    at = buf_str(&k.text.text);
    if (rc == 0 && !s3_is_done(&k))
        rc = s3_refused(&k, u->s, err);
    else if (rc == 0 && !next_element(&at, "UploadId", &id))
        rc = error_set(err, E_REMOTE, "%s: it begins an upload and gives it no name",
                       k.q.url);
    if (rc == 0)
        add_to_query(&u->id, id.s);
    s3_ask_release(&k);
    buf_release(&id);
    return rc;
}

/* ---- the parts --------------------------------------------------------------------- */

static int read_part(struct upload *u, size_t *n, struct error *err)
{
    size_t got = 1;
    int rc = 0;

    for (*n = 0; rc == 0 && got > 0 && (long long)*n < u->part; *n += got)
        rc = u->body->give(u->body->self, u->bytes + *n, (size_t)u->part - *n, &got, err);
    return rc;
}

/* Gives a part; its ETag in `etag`. */
static int put_part(struct upload *u, int number, size_t n, struct buf *etag,
                    struct error *err)
{
    struct body_text text = { u->bytes, n, 0 };
    struct remote_body body = body_of_text(&text);
    struct buf query = { 0 };
    struct digest hash;
    struct s3_ask k;
    int rc;

    digest_bytes(&hash, u->bytes, n);
    buf_printf(&query, "?partNumber=%d&uploadId=%s", number, u->id.s);
    s3_ask(&k, u->s, "PUT", u->name, query.s);
    k.q.body = &body;
    rc = s3_send(&k, u->s, &hash, err);
    if (rc == 0 && !s3_is_done(&k))
        rc = s3_refused(&k, u->s, err);
    else if (rc == 0 && !http_header(&k.a, "ETag", etag))
        rc =
            error_set(err, E_REMOTE, "%s: it takes a part and gives it no ETag", k.q.url);
    strip_quotes(etag);
    s3_ask_release(&k);
    buf_release(&query);
    return rc;
}

static int put_all(struct upload *u, struct error *err)
{
    struct buf etag = { 0 };
    int rc = 0;

    buf_adds(&u->parts, "<CompleteMultipartUpload>");
    for (int number = 1; rc == 0; number++) {
        char name[16], md5[MD5_HEX + 1];
        const char *have;
        size_t n;

        rc = read_part(u, &n, err);
        if (rc < 0 || n == 0)
            break;
        snprintf(name, sizeof name, "%d", number);
        have = map_get(&u->have, name);
        buf_reset(&etag);
        if (have && md5_bytes(md5, u->bytes, n, NULL) == 0 && !strcmp(have, md5))
            buf_adds(&etag, have);
        else
            rc = put_part(u, number, n, &etag, err);
        buf_printf(&u->parts,
                   "<Part><PartNumber>%d</PartNumber><ETag>\"%s\"</ETag></Part>", number,
                   buf_str(&etag));
    }
    buf_adds(&u->parts, "</CompleteMultipartUpload>");
    buf_release(&etag);
    return rc;
}

/* REMOTE_ABSENT: there is no such upload; whoever else gave the same file has ended it.
 */
static int end(struct upload *u, enum remote_put how, struct error *err)
{
    struct body_text text = { u->parts.s, u->parts.len, 0 };
    struct remote_body body = body_of_text(&text);
    struct buf query = { 0 };
    struct digest hash;
    struct s3_ask k;
    int rc;

    digest_bytes(&hash, u->parts.s, u->parts.len);
    buf_printf(&query, "?uploadId=%s", u->id.s);
    s3_ask(&k, u->s, "POST", u->name, query.s);
    s3_add_header(&k, "Content-Type: application/xml");
    if (how == PUT_NEW && !u->s->no_conditions)
        s3_add_header(&k, "If-None-Match: *");
    k.q.body = &body;
    s3_want_text(&k);
    rc = s3_send(&k, u->s, &hash, err);
    if (rc == 0 && !s3_is_done(&k))
        rc = k.a.code == 404 ? REMOTE_ABSENT : s3_judge_put(&k, u->s, err);
    s3_ask_release(&k);
    buf_release(&query);
    return rc;
}

/* Parts that nobody will ask for. */
static void give_up(struct upload *u)
{
    struct buf query = { 0 };
    struct s3_ask k;

    buf_printf(&query, "?uploadId=%s", u->id.s);
    s3_ask(&k, u->s, "DELETE", u->name, query.s);
    s3_send(&k, u->s, NULL, NULL);
    s3_ask_release(&k);
    buf_release(&query);
}

int s3_put_parts(struct s3 *s, const char *name, const struct remote_body *body,
                 enum remote_put how, struct error *err)
{
    struct upload u = { .s = s, .name = name, .body = body, .part = PART };
    long long size;
    int rc = 0;

    while (u.part * PARTS_MAX < body->size)
        u.part *= 2;
    u.bytes = xmalloc((size_t)u.part);
    find_upload(&u);
    find_parts(&u);
    if (!u.id.len)
        rc = begin(&u, err);
    if (rc == 0)
        rc = put_all(&u, err);
    if (rc == 0)
        rc = end(&u, how, err);
    else if (rc == E_CORRUPT)
        give_up(&u);
    if (rc == REMOTE_THERE)
        give_up(&u);
    if (rc == REMOTE_ABSENT)
        rc = s->remote.kind->has(&s->remote, name, &size, err);
    if (rc == REMOTE_ABSENT)
        rc =
            error_set(err, E_REMOTE,
                      "%s: somebody else has put an end to its upload; push again", name);
    free(u.bytes);
    buf_release(&u.id);
    buf_release(&u.parts);
    map_release(&u.have);
    arena_release(&u.arena);
    return rc;
}
