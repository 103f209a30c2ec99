#include "s3.h"

#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"
#include "xml.h"

#include "larder/banned.h"

enum { TEXT_MAX = 4 << 20 };

void s3_ask(struct s3_ask *k, struct s3 *s, const char *method, const char *name,
            const char *query)
{
    *k = (struct s3_ask){ .q.method = method };
    buf_printf(&k->url, "%s%s%s%s", s->root, name ? s->aws.prefix : "", name ? name : "",
               query);
    k->q.url = k->url.s;
    if (aws_signer(&s->aws, &k->signer))
        k->q.signer = &k->signer;
}

void s3_ask_release(struct s3_ask *k)
{
    http_answer_release(&k->a);
    buf_release(&k->url);
    buf_release(&k->hash);
    buf_release(&k->text.text);
}

void s3_add_header(struct s3_ask *k, const char *line)
{
    size_t n = 0;

    while (k->q.header[n])
        n++;
    k->q.header[n] = line;
}

void s3_want_text(struct s3_ask *k)
{
    k->text.max = TEXT_MAX;
    k->sink = sink_to_text(&k->text);
    k->q.to = &k->sink;
}

static void sign_body(struct s3_ask *k, const struct digest *hash)
{
    char hex[DIGEST_HEX + 1];
    struct digest none;

    digest_bytes(&none, "", 0);
    buf_printf(&k->hash, "x-amz-content-sha256: %s",
               digest_hex(hash ? hash : &none, hex));
    if (k->q.signer)
        s3_add_header(k, k->hash.s);
}

int s3_send(struct s3_ask *k, struct s3 *s, const struct digest *hash, struct error *err)
{
    sign_body(k, hash);
    return http_send(s->http, &k->q, &k->a, err);
}

int s3_send_many(struct s3_ask *k, size_t n, struct s3 *s, const struct digest *hash,
                 struct error *err)
{
    struct http_exchange *x = xcalloc(n + 1, sizeof *x);
    int rc;

    for (size_t i = 0; i < n; i++) {
        sign_body(&k[i], &hash[i]);
        x[i] = (struct http_exchange){ &k[i].q, &k[i].a };
    }
    rc = http_send_many(s->http, x, n, err);
    free(x);
    return rc;
}

/* An end of parts may fail with 200 and an error in its text. */
bool s3_is_done(const struct s3_ask *k)
{
    return k->a.code >= 200 && k->a.code < 300 &&
           !strstr(buf_str(&k->text.text), "<Error>");
}

bool s3_knows_no_conditions(const struct s3_ask *k, struct s3 *s)
{
    bool first = k->a.code == 501 && !s->no_conditions;

    s->no_conditions |= first;
    return first;
}

/* The one that the bucket is in: Amazon has it in a header, others in the text alone. */
static bool find_region(const struct http_answer *a, struct buf *region)
{
    const char *text = buf_str(&a->text);
    bool said = http_header(a, "x-amz-bucket-region", region) ||
                (strstr(text, "<Code>AuthorizationHeaderMalformed<") &&
                 xml_next(&text, "Region", region));

    return said && region->len &&
           strspn(region->s, "abcdefghijklmnopqrstuvwxyz0123456789-") == region->len;
}

int s3_refused(const struct s3_ask *k, const struct s3 *s, struct error *err)
{
    struct http_answer a = k->a;
    struct error said = { 0 };
    struct buf region = { 0 };
    int rc;

    if (!a.text.len)
        a.text = k->text.text;
    http_refused(&k->q, &a, &said);
    if (find_region(&a, &region) && strcmp(region.s, s->aws.region) != 0)
        rc = error_set(err, E_REMOTE,
                       "%s: the bucket is in the region %s, and %s was asked; set "
                       "AWS_REGION=%s",
                       k->q.url, region.s, s->aws.region, region.s);
    else if (k->a.code == 403 && !k->q.signer)
        rc = error_set(err, E_REMOTE,
                       "%s; nothing was signed: set AWS_ACCESS_KEY_ID and "
                       "AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials",
                       said.text);
    else
        rc = error_set(err, E_REMOTE, "%s", said.text);
    buf_release(&region);
    return rc;
}

int s3_judge_put(const struct s3_ask *k, const struct s3 *s, struct error *err)
{
    if (k->a.code == 412)
        return REMOTE_THERE;
    if (k->a.code == 409) /* somebody else puts it at this moment */
        return REMOTE_ABSENT;
    return s3_refused(k, s, err);
}
