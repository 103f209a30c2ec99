#include "challenge.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "larder/banned.h"

/* A header's value on the way through it. */
struct cursor {
    const char *at, *end;
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip(struct cursor *s, const char *what)
{
    while (s->at < s->end && strchr(what, *s->at))
        s->at++;
}

static void take_word(struct cursor *s, struct buf *to)
{
    buf_reset(to);
    while (s->at < s->end && is_word(*s->at))
        buf_addc(to, *s->at++);
}

/* A word, or text in quotes. */
static void take_value(struct cursor *s, struct buf *to)
{
    if (s->at == s->end || *s->at != '"') {
        take_word(s, to);
        return;
    }
    buf_reset(to);
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
        if (*s->at == '\\' && s->at + 1 < s->end)
            s->at++;
        buf_addc(to, *s->at);
    }
    if (s->at < s->end)
        s->at++;
}

static void keep(struct buf *to, const struct buf *value)
{
    buf_reset(to);
    buf_add(to, buf_str(value), value->len);
}

/* "Bearer realm="…",service="…", Basic realm="…"": a word with `=` behind it belongs to
 * the scheme before it. */
static void read_value(struct challenge *c, struct cursor s)
{
    struct buf word = { 0 }, value = { 0 };
    bool bearer = false;

    for (;;) {
        const char *before;

        skip(&s, " \t,");
        before = s.at;
        take_word(&s, &word);
        skip(&s, " \t");
        if (s.at < s.end && *s.at == '=') {
            s.at++;
            skip(&s, " \t");
            take_value(&s, &value);
            if (bearer && !strcasecmp(buf_str(&word), "realm"))
                keep(&c->realm, &value);
            if (bearer && !strcasecmp(buf_str(&word), "service"))
                keep(&c->service, &value);
            if (bearer && !strcasecmp(buf_str(&word), "scope"))
                keep(&c->scope, &value);
        } else {
            bearer = !strcasecmp(buf_str(&word), "Bearer");
            c->bearer |= bearer;
            c->basic |= !strcasecmp(buf_str(&word), "Basic");
        }
        if (s.at == before) /* nothing that can be read */
            break;
    }
    buf_release(&word);
    buf_release(&value);
}

void challenge_read(struct challenge *c, const char *headers)
{
    static const char name[] = "WWW-Authenticate:";

    *c = (struct challenge){ 0 };
    for (const char *line = headers; *line;) {
        size_t len = strcspn(line, "\n");
        struct cursor s = { line + sizeof name - 1, line + len };

        while (s.end > line && isspace((unsigned char)s.end[-1]))
            s.end--;
        if (len >= sizeof name - 1 && !strncasecmp(line, name, sizeof name - 1) &&
            s.at < s.end)
            read_value(c, s);
        line += len + (line[len] == '\n');
    }
    c->bearer &= c->realm.len > 0;
}

void challenge_release(struct challenge *c)
{
    buf_release(&c->realm);
    buf_release(&c->service);
    buf_release(&c->scope);
    *c = (struct challenge){ 0 };
}

static void add_field(struct buf *to, char before, const char *name, const char *value)
{
    if (!*value)
        return;
    buf_printf(to, "%c%s=", before, name);
    for (const char *at = value; *at; at++) {
        unsigned char c = (unsigned char)*at;

        if (isalnum(c) ||
            strchr("-._~/:,", c)) /* those that stand for themselves there */
            buf_addc(to, (char)c);
        else
            buf_printf(to, "%%%02X", c);
    }
}

static void add_query(struct buf *url, const char *name, const struct buf *value)
{
    add_field(url, strchr(buf_str(url), '?') ? '&' : '?', name, buf_str(value));
}

void challenge_token_url(const struct challenge *c, struct buf *to)
{
    buf_adds(to, buf_str(&c->realm));
    add_query(to, "service", &c->service);
    add_query(to, "scope", &c->scope);
}

void challenge_token_form(const struct challenge *c, const char *identity, struct buf *to)
{
    buf_reserve(to, strlen(identity) * 3 + 4096); /* so that it is not copied about */
    buf_adds(to, "grant_type=refresh_token&client_id=larder");
    add_field(to, '&', "service", buf_str(&c->service));
    add_field(to, '&', "scope", buf_str(&c->scope));
    add_field(to, '&', "refresh_token", identity);
}
