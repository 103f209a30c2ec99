#include "larder/holder.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"
#include "larder/mem.h"
#include "layout.h"
#include "lockfile.h"

#include "larder/banned.h"

struct search {
    ino_t file; /* of locks */
    off_t key;
    off_t scratch; /* the place that goes with it, or 0 */
};

/* A line of fdinfo, "lock: 1: OFDLCK ADVISORY WRITE -1 fe:00:INODE START END". */
static bool read_lock(const char *line, ino_t file, char *how, off_t *place)
{
    char mode[8];
    uintmax_t inode;
    intmax_t start;

    if (sscanf(line, "lock: %*d: OFDLCK ADVISORY %7s %*d %*x:%*x:%ju %jd", mode, &inode,
               &start) != 3 ||
        inode != (uintmax_t)file)
        return false;
    *how = mode[0];
    *place = (off_t)start;
    return true;
}

/* What one description holds: the key alone, and then the scratch folder with others. */
static bool look_at_locks(const char *text, struct search *s)
{
    bool has_key = false;

    s->scratch = 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        char how;
        off_t place;

        line += *line == '\n';
        if (!read_lock(line, s->file, &how, &place))
            continue;
        has_key |= how == 'W' && place == s->key;
        if (how == 'R')
            s->scratch = place;
    }
    return has_key && s->scratch;
}

static bool is_number(const char *name)
{
    return isdigit((unsigned char)name[0]);
}

/* Through all descriptors of a process, those of other users being closed to us. */
static bool look_at_process(const char *pid, struct search *s)
{
    struct buf folder = { 0 }, text = { 0 };
    char **name = NULL;
    size_t n = 0;
    bool found = false;

    buf_printf(&folder, "/proc/%s/fdinfo/", pid);
    if (fs_list(folder.s, &name, &n, NULL) < 0)
        n = 0;
    for (size_t i = 0; i < n && !found; i++) {
        size_t end = folder.len;

        buf_adds(&folder, name[i]);
        buf_reset(&text);
        found = fs_read(folder.s, &text, NULL) == 0 && look_at_locks(buf_str(&text), s);
        buf_cut(&folder, end);
    }
    free(name);
    buf_release(&text);
    buf_release(&folder);
    return found;
}

static bool look_at_all(struct search *s)
{
    char **name = NULL;
    size_t n = 0;
    bool found = false;

    if (fs_list("/proc", &name, &n, NULL) < 0)
        return false;
    for (size_t i = 0; i < n && !found; i++)
        found = is_number(name[i]) && look_at_process(name[i], s);
    free(name);
    return found;
}

/* The folder whose place it is. */
static bool find_folder(const struct store *st, off_t place, struct buf *path)
{
    char **name = NULL;
    size_t n = 0;
    bool found = false;

    if (fs_list(st->scratch, &name, &n, NULL) < 0)
        n = 0;
    for (size_t i = 0; i < n && !found; i++) {
        found = lockfile_scratch(name[i]) == place;
        if (found)
            fs_join(path, st->scratch, name[i]);
    }
    free(name);
    return found;
}

bool holder_scratch(const struct store *st, const struct digest *key, struct buf *path)
{
    struct search s = { .key = lockfile_key(key) };
    struct buf locks = { 0 };
    struct fs_state state;
    bool found;

    fs_join(&locks, st->path, "locks");
    found = fs_stat(locks.s, &state, NULL) == FS_FOUND;
    s.file = (ino_t)state.ino;
    found = found && look_at_all(&s) && find_folder(st, s.scratch, path);
    buf_release(&locks);
    return found;
}
