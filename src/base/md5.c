#include "larder/md5.h"

#include <fcntl.h>
#include <stdlib.h>

#include "larder/crypto.h"
#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

static int read_all(EVP_MD_CTX *context, int fd, const char *path, struct error *err)
{
    enum { CHUNK = 1 << 20 };
    unsigned char *chunk = xmalloc(CHUNK);
    ssize_t n;
    int rc = 0;

    do {
        n = io_read(fd, chunk, CHUNK);
        if (n > 0)
            EVP_DigestUpdate(context, chunk, (size_t)n);
    } while (n > 0);
    if (n < 0)
        rc = error_system(err, "cannot read %s", path);
    free(chunk);
    return rc;
}

/* Of what is given by one or the other. */
static int finish(char hex[MD5_HEX + 1], EVP_MD_CTX *context, const char *what,
                  struct error *err)
{
    static const char digit[] = "0123456789abcdef";
    unsigned char md[MD5_SIZE];

    if (!EVP_DigestFinal_ex(context, md, NULL))
        return error_set(err, E_SYSTEM, "the MD5 of %s", what);
    for (int i = 0; i < MD5_SIZE; i++) {
        hex[2 * i] = digit[md[i] >> 4];
        hex[2 * i + 1] = digit[md[i] & 15];
    }
    return 0;
}

static int begin(EVP_MD_CTX **context, const char *what, struct error *err)
{
    *context = EVP_MD_CTX_new();
    if (*context && EVP_DigestInit_ex(*context, EVP_md5(), NULL))
        return 0;
    return error_set(err, E_SYSTEM, "libcrypto gives no MD5 here, so %s is not checked",
                     what);
}

int md5_file(char hex[MD5_HEX + 1], const char *path, struct error *err)
{
    EVP_MD_CTX *context = NULL;
    int rc = 0, fd = io_open(path, O_RDONLY | O_CLOEXEC, 0);

    hex[MD5_HEX] = '\0';
    if (fd < 0)
        rc = error_system(err, "cannot read %s", path);
    else
        rc = begin(&context, path, err);
    if (rc == 0)
        rc = read_all(context, fd, path, err);
    if (rc == 0)
        rc = finish(hex, context, path, err);
    EVP_MD_CTX_free(context);
    if (fd >= 0)
        io_close(fd);
    return rc;
}

int md5_bytes(char hex[MD5_HEX + 1], const void *bytes, size_t n, struct error *err)
{
    static const char what[] = "a part of a file";
    EVP_MD_CTX *context;
    int rc = begin(&context, what, err);

    hex[MD5_HEX] = '\0';
    if (rc == 0 && !EVP_DigestUpdate(context, bytes, n))
        rc = error_set(err, E_SYSTEM, "the MD5 of %s", what);
    if (rc == 0)
        rc = finish(hex, context, what, err);
    EVP_MD_CTX_free(context);
    return rc;
}
