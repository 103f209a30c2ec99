#include "envelope.h"

#include <string.h>

#include "larder/formats.h"

#include "scan.h"

#include "larder/banned.h"

void envelope_write(const struct envelope *e, struct buf *to)
{
    buf_printf(to, FORMAT_SIGNED "\ntype %s\nsigner ", e->type);
    public_key_write(&e->signer, to);
    buf_adds(to, "\nsignature ");
    hex_write(e->signature.byte, sizeof e->signature.byte, to);
    buf_printf(to, "\nsize %zu\n", e->size);
    buf_add(to, e->record, e->size);
}

/* The next n characters as a string, in word, which has room for them. */
static bool read_word(struct scan *s, char *word, size_t n)
{
    if ((size_t)(s->end - s->at) < n)
        return false;
    memcpy(word, s->at, n);
    word[n] = '\0';
    s->at += n;
    return true;
}

/* The name of the first field that is not as it should be, or NULL. */
static const char *read_fields(struct scan *s, struct envelope *e)
{
    char key[sizeof "ed25519:" + 2 * PUBLIC_KEY_SIZE], sig[2 * SIGNATURE_SIZE + 1];
    long long size;

    if (!scan_text(s, FORMAT_SIGNED) || !scan_newline(s))
        return "first line";
    if (!scan_text(s, "type ") || !scan_text(s, e->type) || !scan_newline(s))
        return "type";
    if (!scan_text(s, "signer ") || !read_word(s, key, sizeof key - 1) ||
        !public_key_parse(&e->signer, key) || !scan_newline(s))
        return "signer";
    if (!scan_text(s, "signature ") || !read_word(s, sig, sizeof sig - 1) ||
        !hex_parse(e->signature.byte, sizeof e->signature.byte, sig) || !scan_newline(s))
        return "signature";
    if (!scan_text(s, "size ") || !scan_number(s, &size) || !scan_newline(s) ||
        size != s->end - s->at)
        return "size";
    e->record = s->at;
    e->size = (size_t)size;
    return NULL;
}

int envelope_read(struct envelope *e, const char *type, const char *text, size_t n,
                  struct error *err)
{
    const char *wrong;
    struct scan s;

    *e = (struct envelope){ .type = type };
    scan_start(&s, text, n);
    wrong = read_fields(&s, e);
    if (wrong)
        return error_set(err, E_CORRUPT, "line %d of a signed text: no valid %s", s.line,
                         wrong);
    return 0;
}

int envelope_sign(struct envelope *e, const char *type, const struct signer *s,
                  const char *text, size_t size, struct error *err)
{
    *e = (struct envelope){
        .type = type, .signer = *signer_key(s), .record = text, .size = size
    };
    return sign_bytes(s, type, text, size, &e->signature, err);
}

bool envelope_is_true(const struct envelope *e)
{
    return signature_fits(&e->signature, &e->signer, e->type, e->record, e->size);
}
