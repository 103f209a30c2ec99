#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/fs.h"

static char folder[64];
static pid_t owner;

static void clear(void)
{
    if (getpid() == owner)
        fs_remove_tree(folder, NULL);
}

const char *place_folder(void)
{
    if (!*folder) {
        snprintf(folder, sizeof folder, "%s/larder-fuzz.XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(folder))
            abort();
        owner = getpid();
        atexit(clear);
    }
    return folder;
}

const char *place_file(const char *name, const void *bytes, size_t n)
{
    static struct buf path;
    FILE *f;

    buf_reset(&path);
    fs_join(&path, place_folder(), name);
    if (!(f = fopen(path.s, "we")) && fs_make_parent(path.s, NULL) == 0)
        f = fopen(path.s, "we");
    if (!f || (n > 0 && fwrite(bytes, 1, n, f) != n) || fclose(f) != 0)
        abort();
    return path.s;
}
