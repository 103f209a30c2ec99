#include "image/namedfile.h"

#include <string.h>

#include "larder/fs.h"

#include "larder/banned.h"

int namedfile_path(struct buf *path, const char *folder, const char *name,
                   const char *suffix, struct error *err)
{
    char *slash;
    int rc;

    if (name[0] == '/' || strstr(name, "..") != NULL)
        return error_set(err, E_INPUT, "no file can be called %s", name);
    buf_reset(path);
    buf_printf(path, "%s/%s%s", folder, name, suffix);
    slash = strrchr(path->s, '/');
    *slash = '\0';
    rc = fs_mkdirs(path->s, err);
    *slash = '/';
    return rc;
}
