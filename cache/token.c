#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/io.h"

#include "larder/banned.h"

enum { TOKEN_MIN = 16, TOKEN_MAX = 4096 };

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Of a token, by RFC 6750. */
static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-._~=";

/* What base64 says, up to its end or the first other character. */
static void decode(const char *text, struct buf *to)
{
    unsigned bits = 0;
    int n = 0;

    for (const char *at; *text && (at = strchr(base64, *text)) != NULL; text++) {
        bits = (bits << 6 | (unsigned)(at - base64)) & 0xffff;
        n += 6;
        if (n >= 8) {
            n -= 8;
            buf_addc(to, (char)(bits >> n & 0xff));
        }
    }
}

static bool is_same(const struct token *t, const char *word, size_t n)
{
    struct digest d;
    unsigned differs = 0;

    digest_bytes(&d, word, n);
    for (int i = 0; i < DIGEST_SIZE; i++)
        differs |= d.byte[i] ^ t->digest.byte[i];
    return differs == 0;
}

/* The value behind a word of the header, or NULL. */
static const char *behind(const char *authorization, const char *word)
{
    size_t n = strlen(word);

    if (strncasecmp(authorization, word, n) != 0 || authorization[n] != ' ')
        return NULL;
    return authorization + n + strspn(authorization + n, " ");
}

bool token_admits(const struct token *t, const char *authorization)
{
    const char *value = authorization ? behind(authorization, "Bearer") : NULL, *colon;
    struct buf pair = { 0 };
    bool yes = false;

    if (value)
        return is_same(t, value, strlen(value));
    value = authorization ? behind(authorization, "Basic") : NULL;
    if (!value)
        return false;
    decode(value, &pair);
    colon = memchr(buf_str(&pair), ':', pair.len);
    if (colon)
        yes = is_same(t, colon + 1, pair.len - (size_t)(colon + 1 - pair.s));
    buf_release(&pair);
    return yes;
}

static int judge(struct token *t, const char *path, const char *text, struct error *err)
{
    size_t n = strcspn(text, "\r\n");

    if (n < TOKEN_MIN || strspn(text, letters) < n)
        return error_set(err, E_INPUT,
                         "%s: a token is its first line, at least %d letters and digits; "
                         "make one: (umask 077; openssl rand -hex 24 > %s)",
                         path, TOKEN_MIN, path);
    digest_bytes(&t->digest, text, n);
    return 0;
}

int token_read(struct token *t, const char *path, struct error *err)
{
    struct buf text = { 0 };
    struct stat s;
    int rc = 0, fd = io_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

    if (fd < 0 || io_fstat(fd, &s) < 0)
        rc = error_set(err, E_SYSTEM,
                       "%s: %s; make a token: (umask 077; openssl rand -hex 24 > %s)",
                       path, strerror(errno), path);
    else if (!S_ISREG(s.st_mode) || s.st_size > TOKEN_MAX)
        rc = error_set(err, E_INPUT, "%s is no token: name a file with one line", path);
    else if (s.st_mode & 077)
        rc = error_set(
            err, E_TRUST,
            "%s: others may read this token: chmod 600 %s, and make a new one if "
            "they may have",
            path, path);
    else if (fs_read_fd(fd, &text) < 0)
        rc = error_system(err, "%s: cannot read this token", path);
    if (rc == 0)
        rc = judge(t, path, buf_str(&text), err);
    if (fd >= 0)
        io_close(fd);
    buf_release(&text);
    return rc;
}
