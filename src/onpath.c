#include "onpath.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/fs.h"

bool on_path(const char *command, struct buf *path)
{
    const char *all = getenv("PATH");

    for (const char *p = all ? all : ""; *p;) {
        size_t n = strcspn(p, ":");

        buf_reset(path);
        buf_printf(path, "%.*s/%s", (int)n, p, command);
        if (n > 0 && access(path->s, X_OK) == 0 && !fs_is_dir(path->s))
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

void own_path(struct buf *path)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n > 0)
        buf_add(path, self, (size_t)n);
}
