#include "remote_name.h"

#include <limits.h>
#include <string.h>

#include "attested.h"
#include "envelope.h"
#include "larder/formats.h"
#include "larder/record.h"
#include "layout.h"
#include "packs.h"

#include "larder/banned.h"

enum { INFO_MAX = 1 << 16, DIGITS_MAX = 18 };

static const char info[] = "larder-cache-info";
static const struct {
    const char *folder;
    enum remote_name_kind kind;
} folder[] = {
    { "cas/", NAME_OBJECT }, { "pack/", NAME_PACK }, { "index/", NAME_INDEX },
    { "ac/", NAME_RECORD },  { "root/", NAME_ROOT },
};

/* Reads "9f/9f86…"; where it ends, or NULL. */
static const char *read_digest(struct digest *d, const char *s)
{
    char hex[DIGEST_HEX + 1], prefix[3];

    if (strnlen(s, 3 + DIGEST_HEX) < 3 + DIGEST_HEX || s[2] != '/')
        return NULL;
    memcpy(prefix, s, 2);
    prefix[2] = '\0';
    memcpy(hex, s + 3, DIGEST_HEX);
    hex[DIGEST_HEX] = '\0';
    return layout_is_digest(hex, d) && layout_is_prefix(prefix, d) ? s + 3 + DIGEST_HEX
                                                                   : NULL;
}

static const char *read_key_id(struct key_id *id, const char *s)
{
    char hex[KEY_ID_HEX + 1];

    if (strnlen(s, KEY_ID_HEX) < KEY_ID_HEX)
        return NULL;
    memcpy(hex, s, KEY_ID_HEX);
    hex[KEY_ID_HEX] = '\0';
    return key_id_parse(id, hex) ? s + KEY_ID_HEX : NULL;
}

/* From 1 on, without zeros in front. */
static const char *read_number(long long *number, const char *s)
{
    size_t n = strspn(s, "0123456789");

    *number = 0;
    if (n < 1 || n > DIGITS_MAX || *s == '0')
        return NULL;
    for (size_t i = 0; i < n; i++)
        *number = *number * 10 + (s[i] - '0');
    return s + n;
}

static const char *read_slash(const char *s)
{
    return s && *s == '/' ? s + 1 : NULL;
}

/* The digits of the record that an attestation is about. */
static const char *read_record(struct remote_name *n, const char *s)
{
    if (strspn(s, "0123456789abcdef") != ATTESTED_HEX)
        return NULL;
    n->kind = NAME_ATTESTATION;
    memcpy(n->record, s, ATTESTED_HEX);
    return s + ATTESTED_HEX;
}

static const char *read_rest(struct remote_name *n, const char *s)
{
    if (n->kind == NAME_ROOT) {
        s = read_slash(read_key_id(&n->by, s));
        return s ? read_number(&n->number, s) : NULL;
    }
    s = read_digest(&n->id, s);
    if (n->kind == NAME_RECORD) {
        s = read_slash(s);
        s = s ? read_key_id(&n->by, s) : NULL;
        return s && *s == '.' ? read_record(n, s + 1) : s;
    }
    return s;
}

bool remote_name_parse(struct remote_name *n, const char *text)
{
    *n = (struct remote_name){ .kind = NAME_INFO };
    if (!strcmp(text, info))
        return true;
    for (size_t i = 0; i < sizeof folder / sizeof folder[0]; i++) {
        size_t length = strlen(folder[i].folder);
        const char *end;

        if (strncmp(text, folder[i].folder, length) != 0)
            continue;
        n->kind = folder[i].kind;
        end = read_rest(n, text + length);
        return end && !*end;
    }
    return false;
}

bool remote_name_is_digest(const struct remote_name *n)
{
    return n->kind == NAME_OBJECT || n->kind == NAME_PACK || n->kind == NAME_INDEX;
}

long long remote_name_max(const struct remote_name *n)
{
    switch (n->kind) {
    case NAME_INFO:
        return INFO_MAX;
    case NAME_RECORD:
        return ENVELOPE_MAX;
    case NAME_ATTESTATION:
        return ATTESTATION_MAX;
    case NAME_ROOT:
        return ROOT_MAX;
    case NAME_INDEX:
        return INDEX_MAX;
    case NAME_OBJECT:
    case NAME_PACK:
        break;
    }
    return LLONG_MAX;
}

static bool is_record(const struct remote_name *n, const struct envelope *e)
{
    struct record *rec = NULL;
    bool fits = record_read(&rec, e->record, e->size, NULL) == 0 &&
                digest_equal(&rec->key, &n->id);

    record_free(rec);
    return fits;
}

static bool is_attestation(const struct remote_name *n, const struct buf *text)
{
    struct attestation *a = NULL;
    char hex[DIGEST_HEX + 1];
    bool fits = attested_open(&a, buf_str(text), text->len, NULL) == 0 &&
                digest_equal(&a->key, &n->id) && !strcmp(a->id.text, n->by.text) &&
                !memcmp(digest_hex(&a->record, hex), n->record, ATTESTED_HEX);

    attestation_free(a);
    return fits;
}

bool remote_name_fits(const struct remote_name *n, const struct buf *text)
{
    bool root = n->kind == NAME_ROOT;
    struct envelope e;
    struct key_id by;

    if (n->kind == NAME_INFO)
        return strncmp(buf_str(text), FORMAT_REMOTE "\n", sizeof FORMAT_REMOTE) == 0 &&
               strlen(text->s) == text->len && text->s[text->len - 1] == '\n';
    if (n->kind == NAME_ATTESTATION)
        return is_attestation(n, text);
    if (envelope_read(&e, root ? ENVELOPE_ROOT : ENVELOPE_RECORD, buf_str(text),
                      text->len, NULL) < 0)
        return false;
    by = key_id_of(&e.signer);
    return !strcmp(by.text, n->by.text) && envelope_is_true(&e) &&
           (root ? root_is(e.record, e.size, n->number) : is_record(n, &e));
}
