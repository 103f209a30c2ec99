#include "aside.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/fs.h"

bool aside_is_at(const struct aside *a, const char *path)
{
    size_t n = (size_t)(fs_basename(path) - path);

    return n && a->place.len == n && !memcmp(a->place.s, path, n);
}

void aside_turn(struct aside *a, const char *path)
{
    struct fs_state st;

    buf_reset(&a->place);
    buf_add(&a->place, path, (size_t)(fs_basename(path) - path));
    if (!a->place.len || fs_stat(a->place.s, &st, NULL) != FS_ABSENT)
        return;
    buf_printf(&a->folder, "%s/placing-%ld-%u", a->own, (long)getpid(), ++a->n_folders);
    if (mkdir(a->folder.s, 0777) < 0)
        buf_reset(&a->folder); /* then each file is made whole by itself */
    else
        buf_addc(&a->folder, '/');
}

const char *aside_path(const struct aside *a, const char *path, struct buf *b)
{
    if (!a->folder.len || !aside_is_at(a, path))
        return path;
    buf_add(b, a->folder.s, a->folder.len);
    buf_adds(b, fs_basename(path));
    return buf_str(b);
}

/* Without the slash at its end. */
static const char *bare(struct buf *folder)
{
    buf_cut(folder, folder->len - 1);
    return buf_str(folder);
}

bool aside_name(struct aside *a)
{
    bool named;

    if (!a->folder.len)
        return true;
    bare(&a->folder);
    named = fs_make_parent(bare(&a->place), NULL) == 0 &&
            fs_rename_new(a->folder.s, AT_FDCWD, a->place.s) == 0;
    if (!named)
        fs_remove_tree(a->folder.s, NULL);
    buf_reset(&a->folder);
    buf_reset(&a->place);
    return named;
}

void aside_release(struct aside *a)
{
    if (a->folder.len)
        fs_remove_tree(bare(&a->folder), NULL);
    buf_release(&a->folder);
    buf_release(&a->place);
}
