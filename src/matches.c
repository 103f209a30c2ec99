#include "matches.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"

bool matches_is_pattern(const char *path)
{
    return strpbrk(path, "*?") != NULL;
}

/* For glob(): what of these signs is none here is escaped. */
static void add_escaped(struct buf *to, const char *path, const char *signs)
{
    for (; *path; path++) {
        if (strchr(signs, *path))
            buf_addc(to, '\\');
        buf_addc(to, *path);
    }
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those of the right kind; folders end in /. below: where the part below the folder
 * begins. */
static void take(struct matches *m, const glob_t *found, size_t below, bool folders,
                 struct arena *arena)
{
    m->path = arena_alloc(arena, (found->gl_pathc + 1) * sizeof *m->path);
    for (size_t i = 0; i < found->gl_pathc; i++) {
        const char *path = found->gl_pathv[i];

        if ((path[strlen(path) - 1] == '/') == folders)
            m->path[m->n++] = arena_printf(arena, "./%s", path + below);
    }
    qsort(m->path, m->n, sizeof *m->path, compare_paths);
}

void matches_find(struct matches *m, const char *folder, const char *pattern,
                  struct arena *arena)
{
    struct buf full = { 0 };
    glob_t found = { 0 };

    *m = (struct matches){ 0 };
    pattern += !strncmp(pattern, "./", 2) ? 2 : 0;
    add_escaped(&full, folder, "*?[]\\");
    buf_addc(&full, '/');
    add_escaped(&full, pattern, "[]\\");
    if (glob(buf_str(&full), GLOB_MARK | GLOB_NOSORT, NULL, &found) == 0)
        take(m, &found, strlen(folder) + 1, pattern[strlen(pattern) - 1] == '/', arena);
    globfree(&found);
    buf_release(&full);
}

void matches_digest(const struct matches *m, struct digest *d)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < m->n; i++)
        buf_add(&text, m->path[i], strlen(m->path[i]) + 1);
    digest_bytes(d, buf_str(&text), text.len);
    buf_release(&text);
}
