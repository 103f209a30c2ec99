#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "larder/io.h"
#include "larder/store.h"
#include "layout.h"

#include "larder/banned.h"

/* The files of one folder. One that is gone meanwhile does not count. */
static int add_folder(DIR *dir, size_t *objects, long long *bytes)
{
    struct dirent *e;
    struct stat s;

    while (errno = 0, (e = io_readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        if (io_fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                continue;
            return -1;
        }
        ++*objects;
        *bytes += s.st_size;
    }
    return errno ? -1 : 0;
}

int store_usage(struct store *st, size_t *objects, long long *bytes, struct error *err)
{
    struct buf path = { 0 };
    int rc = 0;

    *objects = 0;
    *bytes = 0;
    for (int i = 0; i < 256 && rc == 0; i++) {
        DIR *dir;

        buf_reset(&path);
        buf_printf(&path, "%s/cas/%02x", st->path, i);
        dir = io_opendir(path.s);
        if (dir == NULL && errno == ENOENT)
            continue;
        if (dir == NULL || add_folder(dir, objects, bytes) < 0)
            rc = error_system(err, "cannot read %s", path.s);
        if (dir != NULL)
            io_closedir(dir);
    }
    buf_release(&path);
    return rc;
}
