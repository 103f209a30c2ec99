#include "larder/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/fs.h"
#include "larder/io.h"
#include "layout.h"

#include "larder/banned.h"
#include "larder/crypto.h"

static const char first_line[] = "larder-private-key 1\nseed ";
enum { FILE_SIZE = sizeof first_line - 1 + 2 * SEED_SIZE + 1, NAME_MAX_LENGTH = 64 };

bool key_name_is_valid(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-";

    return *name && *name != '.' && *name != '-' && strlen(name) <= NAME_MAX_LENGTH &&
           name[strspn(name, good)] == '\0';
}

static int write_private(const char *path, const unsigned char seed[SEED_SIZE],
                         struct error *err)
{
    struct buf text = { 0 };
    int rc = 0, fd = io_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    buf_reserve(&text, FILE_SIZE + 1); /* so that no copy is left behind by growing */
    buf_adds(&text, first_line);
    hex_write(seed, SEED_SIZE, &text);
    buf_addc(&text, '\n');
    if (fd < 0 || fs_write_all(fd, text.s, text.len) < 0 || io_fsync(fd) < 0)
        rc = error_system(err, "cannot write %s", path);
    explicit_bzero(text.s, text.len);
    buf_release(&text);
    if (fd >= 0)
        io_close(fd);
    return rc;
}

/* Written beside under another name and linked, so that of two that make it at once one
 * wins, and nobody sees half of it. */
static int write_key(const char *folder, const char *name,
                     const unsigned char seed[SEED_SIZE], struct error *err)
{
    struct buf path = { 0 }, part = { 0 };
    int rc;

    fs_join(&path, folder, name);
    buf_printf(&part, "%s/.%s.", folder, name);
    layout_random(&part, 8);
    rc = write_private(part.s, seed, err);
    if (rc == 0) {
        rc = fs_link(part.s, path.s, err);
        if (rc < 0 && errno == EEXIST)
            rc = error_set(err, E_USAGE,
                           "there is a key named %s already: %s; name another", name,
                           path.s);
    }
    io_unlink(part.s);
    buf_release(&part);
    buf_release(&path);
    return rc;
}

int keyring_make(const char *folder, const char *name, struct signer **s,
                 struct error *err)
{
    unsigned char seed[SEED_SIZE];
    struct stat st;
    int rc;

    *s = NULL;
    if (!key_name_is_valid(name))
        return error_set(err, E_USAGE,
                         "'%s' cannot name a key: letters, digits, '.', '_' and '-'",
                         name);
    rc = fs_mkdirs(folder, err);
    if (rc < 0)
        return rc;
    if (io_stat(folder, &st) < 0)
        rc = error_system(err, "cannot look at %s", folder);
    else if ((st.st_mode & 077) != 0)
        rc = fs_chmod(folder, 0700, err);
    if (rc == 0 && RAND_priv_bytes(seed, sizeof seed) != 1)
        rc = error_set(err, E_SYSTEM, "libcrypto gives no random bytes");
    if (rc == 0)
        rc = write_key(folder, name, seed, err);
    if (rc == 0)
        rc = signer_new(s, seed, err);
    explicit_bzero(seed, sizeof seed);
    return rc;
}

/* At most so many bytes; fewer only at the end of the file. -1 with errno. */
static ssize_t read_up_to(int fd, char *to, size_t max)
{
    size_t got = 0;
    ssize_t n = 1;

    while (got < max && n > 0) {
        n = io_read(fd, to + got, max - got);
        got += n > 0 ? (size_t)n : 0;
    }
    return n < 0 ? -1 : (ssize_t)got;
}

/* The bytes of the file, when nobody else may read it. */
static int read_private(const char *path, char text[FILE_SIZE + 1], struct error *err)
{
    int rc = 0, fd = io_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    struct stat s;
    ssize_t n = -1;

    if (fd < 0 || io_fstat(fd, &s) < 0)
        rc = error_system(err, "the key %s", path);
    else if (!S_ISREG(s.st_mode) || (s.st_mode & 077) != 0)
        rc = error_set(err, E_TRUST,
                       "the key %s can be read by others: `chmod 600` it, or make "
                       "another, since they may have it",
                       path);
    else if ((n = read_up_to(fd, text, FILE_SIZE + 1)) < 0)
        rc = error_system(err, "the key %s", path);
    else if (n != FILE_SIZE || memcmp(text, first_line, sizeof first_line - 1) != 0 ||
             text[FILE_SIZE - 1] != '\n')
        rc = error_set(err, E_INPUT, "%s is no private key of Larder", path);
    if (fd >= 0)
        io_close(fd);
    return rc;
}

static int open_key(const char *folder, const char *name, struct signer **s,
                    struct error *err)
{
    char text[FILE_SIZE + 1];
    unsigned char seed[SEED_SIZE];
    struct buf path = { 0 };
    int rc;

    fs_join(&path, folder, name);
    rc = read_private(path.s, text, err);
    if (rc == 0) {
        text[FILE_SIZE - 1] = '\0';
        rc = hex_parse(seed, sizeof seed, text + sizeof first_line - 1)
                 ? signer_new(s, seed, err)
                 : error_set(err, E_INPUT, "%s is no private key of Larder", path.s);
    }
    explicit_bzero(text, sizeof text);
    explicit_bzero(seed, sizeof seed);
    buf_release(&path);
    return rc;
}

int keyring_list(const char *folder, char ***names, size_t *n, struct error *err)
{
    struct fs_state state;
    size_t kept = 0;
    int rc;

    *names = NULL;
    *n = 0;
    rc = fs_stat(folder, &state, err);
    if (rc == FS_ABSENT || (rc < 0 && errno == EACCES))
        return 0;
    if (rc == FS_FOUND)
        rc = fs_list(folder, names, n, err);
    for (size_t i = 0; i < *n; i++)
        if (key_name_is_valid((*names)[i]))
            (*names)[kept++] = (*names)[i];
    *n = kept;
    return rc;
}

static int which_one(char **name, size_t n, struct error *err)
{
    struct buf all = { 0 };
    int rc;

    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", name[i]);
    rc = error_set(err, E_USAGE,
                   "which of the keys %s? name one: LARDER_KEY, or the setting `key`",
                   buf_str(&all));
    buf_release(&all);
    return rc;
}

int keyring_open(const char *folder, const char *name, struct signer **s, char **used,
                 struct error *err)
{
    char **names = NULL;
    size_t n = 0;
    int rc = 0;

    *s = NULL;
    if (!name) {
        rc = keyring_list(folder, &names, &n, err);
        if (rc == 0 && n != 1)
            rc = n ? which_one(names, n, err) : KEYRING_EMPTY;
    }
    if (rc == 0)
        rc = open_key(folder, name ? name : names[0], s, err);
    if (rc == 0 && used)
        *used = xstrdup(name ? name : names[0]);
    free(names);
    return rc;
}
