#include "larder/md5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "larder/crypto.h"
#include "larder/mem.h"

#include "larder/banned.h"

static int read_all(EVP_MD_CTX *context, int fd, const char *path, struct error *err)
{
    enum { CHUNK = 1 << 20 };
    unsigned char *chunk = xmalloc(CHUNK);
    ssize_t n;
    int rc = 0;

    do {
        n = read(fd, chunk, CHUNK);
        if (n > 0)
            EVP_DigestUpdate(context, chunk, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        rc = error_system(err, "cannot read %s", path);
    free(chunk);
    return rc;
}

int md5_file(char hex[MD5_HEX + 1], const char *path, struct error *err)
{
    static const char digit[] = "0123456789abcdef";
    unsigned char md[MD5_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        rc = error_system(err, "cannot read %s", path);
    else if (!context || !EVP_DigestInit_ex(context, EVP_md5(), NULL))
        rc = error_set(err, E_SYSTEM, "libcrypto gives no MD5 here, so %s is not checked",
                       path);
    if (rc == 0)
        rc = read_all(context, fd, path, err);
    if (rc == 0 && !EVP_DigestFinal_ex(context, md, NULL))
        rc = error_set(err, E_SYSTEM, "the MD5 of %s", path);
    for (int i = 0; rc == 0 && i < MD5_SIZE; i++) {
        hex[2 * i] = digit[md[i] >> 4];
        hex[2 * i + 1] = digit[md[i] & 15];
    }
    hex[MD5_HEX] = '\0';
    EVP_MD_CTX_free(context);
    if (fd >= 0)
        close(fd);
    return rc;
}
