#include "kept.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/checksum.h"
#include "larder/fs.h"

enum { NEWEST = 32 };

struct kept {
    const char *path;
    int64_t mtime_ns;
};

const char *kept_folder(struct arena *arena, const char *own)
{
    return arena_printf(arena, "%s/kept", own);
}

const char *kept_path(struct arena *arena, const char *own, const char *question,
                      const char *kind)
{
    return arena_printf(arena, "%s/%016llx.%s", kept_folder(arena, own),
                        (unsigned long long)checksum(question, strlen(question)), kind);
}

static int compare_ages(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;

    return (x->mtime_ns < y->mtime_ns) - (x->mtime_ns > y->mtime_ns);
}

void kept_sweep(const char *own)
{
    struct arena arena = { 0 };
    const char *folder = kept_folder(&arena, own);
    struct kept *kept;
    char **name = NULL;
    size_t n = 0;

    if (fs_list(folder, &name, &n, NULL) < 0 || n <= NEWEST)
        goto out;
    kept = arena_alloc(&arena, n * sizeof *kept);
    for (size_t i = 0; i < n; i++) {
        struct fs_state st = { 0 };

        kept[i].path = arena_printf(&arena, "%s/%s", folder, name[i]);
        fs_stat(kept[i].path, &st, NULL);
        kept[i].mtime_ns = st.mtime_ns;
    }
    qsort(kept, n, sizeof *kept, compare_ages);
    for (size_t i = NEWEST; i < n; i++)
        fs_remove(kept[i].path, NULL);
out:
    free(name);
    arena_release(&arena);
}
