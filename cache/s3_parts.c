#include <stdlib.h>
#include <string.h>

#include "larder/map.h"
#include "larder/md5.h"
#include "larder/mem.h"
#include "s3.h"
#include "xml.h"

#include "larder/banned.h"

enum {
    PART = 16 << 20,   /* bytes of a part, or more where there were too many, */
    PARTS_MAX = 10000, /* which is what a store takes */
    STREAMS = 4,
    AT_ONCE = 64 << 20 /* bytes in memory, but for a part that is larger */
};

struct part {
    int number; /* from 1 on */
    char *bytes;
    size_t n;
    bool there; /* the store has it */
    struct buf etag;
};

/* An upload under way. */
struct upload {
    struct s3 *s;
    const char *name;
    const struct remote_body *body;
    struct buf id;   /* as it stands in a query; "" where none was begun */
    struct map have; /* number of a part → its ETag, of a run that was cut short */
    struct arena arena;
    long long part; /* bytes of one */
    struct part at_once[STREAMS];
    size_t streams;   /* so many of them are given at once */
    int number;       /* of the last that was read */
    struct buf parts; /* all of them, as the end names them */
};

/* ---- what a store writes ----------------------------------------------------------- */

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
        while (xml_next(&at, "Key", &found) && xml_next(&at, "UploadId", &id))
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
        while (more && xml_next(&at, "PartNumber", &number) &&
               xml_next(&at, "ETag", &etag)) {
            strip_quotes(&etag);
            map_set(&u->have, number.s, arena_strdup(&u->arena, buf_str(&etag)));
        }
        at = buf_str(&k.text.text);
        more = more && strstr(at, "<IsTruncated>true") &&
               xml_next(&at, "NextPartNumberMarker", &after) && after.len;
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
    else if (rc == 0 && !xml_next(&at, "UploadId", &id))
        rc = error_set(err, E_REMOTE, "%s: it begins an upload and gives it no name",
                       k.q.url);
    if (rc == 0)
        add_to_query(&u->id, id.s);
    s3_ask_release(&k);
    buf_release(&id);
    return rc;
}

/* ---- the parts --------------------------------------------------------------------- */

static int read_part(struct upload *u, struct part *p, struct error *err)
{
    size_t got = 1;
    int rc = 0;

    for (p->n = 0; rc == 0 && got > 0 && (long long)p->n < u->part; p->n += got)
        rc = u->body->give(u->body->self, p->bytes + p->n, (size_t)u->part - p->n, &got,
                           err);
    return rc;
}

/* True when the store has a part with these bytes. */
static bool is_there(struct upload *u, struct part *p)
{
    char name[16], md5[MD5_HEX + 1];
    const char *have;

    snprintf(name, sizeof name, "%d", p->number);
    have = map_get(&u->have, name);
    if (!have || md5_bytes(md5, p->bytes, p->n, NULL) < 0 || strcmp(have, md5) != 0)
        return false;
    buf_reset(&p->etag);
    buf_adds(&p->etag, have);
    return true;
}

/* Reads the next parts: as many as are given at once, or fewer at the end. */
static int read_parts(struct upload *u, size_t *n, struct error *err)
{
    int rc = 0;

    for (*n = 0; *n < u->streams && rc == 0; ++*n) {
        struct part *p = &u->at_once[*n];

        p->number = u->number + 1;
        rc = read_part(u, p, err);
        if (rc < 0 || p->n == 0)
            break;
        u->number++;
        p->there = is_there(u, p);
    }
    return rc;
}

/* What a store says of a part that it was given. */
static int take_etag(struct upload *u, struct part *p, const struct s3_ask *k,
                     struct error *err)
{
    if (!s3_is_done(k))
        return s3_refused(k, u->s, err);
    if (!http_header(&k->a, "ETag", &p->etag))
        return error_set(err, E_REMOTE, "%s: it takes a part and gives it no ETag",
                         k->q.url);
    strip_quotes(&p->etag);
    return 0;
}

/* Gives those of the n parts that are not there, all at once. */
static int put_parts(struct upload *u, size_t n, struct error *err)
{
    struct remote_body body[STREAMS];
    struct body_text text[STREAMS];
    struct digest hash[STREAMS];
    struct part *part[STREAMS];
    struct s3_ask k[STREAMS];
    struct buf query = { 0 };
    size_t m = 0;
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        struct part *p = &u->at_once[i];

        if (p->there)
            continue;
        part[m] = p;
        digest_bytes(&hash[m], p->bytes, p->n);
        buf_reset(&query);
        buf_printf(&query, "?partNumber=%d&uploadId=%s", p->number, u->id.s);
        s3_ask(&k[m], u->s, "PUT", u->name, query.s);
        text[m] = (struct body_text){ p->bytes, p->n, 0 };
        body[m] = body_of_text(&text[m]);
        k[m].q.body = &body[m];
        m++;
    }
    if (m > 0)
        rc = s3_send_many(k, m, u->s, hash, err);
    for (size_t i = 0; i < m; i++) {
        if (rc == 0)
            rc = take_etag(u, part[i], &k[i], err);
        s3_ask_release(&k[i]);
    }
    buf_release(&query);
    return rc;
}

static int put_all(struct upload *u, struct error *err)
{
    size_t n = u->streams;
    int rc = 0;

    buf_adds(&u->parts, "<CompleteMultipartUpload>");
    while (rc == 0 && n == u->streams) {
        rc = read_parts(u, &n, err);
        if (rc == 0)
            rc = put_parts(u, n, err);
        for (size_t i = 0; i < n && rc == 0; i++)
            buf_printf(&u->parts,
                       "<Part><PartNumber>%d</PartNumber><ETag>\"%s\"</ETag></Part>",
                       u->at_once[i].number, buf_str(&u->at_once[i].etag));
    }
    buf_adds(&u->parts, "</CompleteMultipartUpload>");
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
    bool unknown;
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
    unknown = rc == 0 && s3_knows_no_conditions(&k, u->s);
    if (rc == 0 && !unknown && !s3_is_done(&k))
        rc = k.a.code == 404 ? REMOTE_ABSENT : s3_judge_put(&k, u->s, err);
    s3_ask_release(&k);
    buf_release(&query);
    return unknown ? end(u, how, err) : rc;
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
    u.streams = u.part * STREAMS > AT_ONCE ? (size_t)(AT_ONCE / u.part) : STREAMS;
    u.streams += u.streams == 0;
    for (size_t i = 0; i < u.streams; i++)
        u.at_once[i].bytes = xmalloc((size_t)u.part);
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
    for (size_t i = 0; i < u.streams; i++) {
        free(u.at_once[i].bytes);
        buf_release(&u.at_once[i].etag);
    }
    buf_release(&u.id);
    buf_release(&u.parts);
    map_release(&u.have);
    arena_release(&u.arena);
    return rc;
}
