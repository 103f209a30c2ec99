#include "learn/epochs.h"

#include "larder/fs.h"

#include "larder/banned.h"

const char *epoch_file(struct buf *name, const char *what, long epoch, const char *suffix)
{
    buf_reset(name);
    buf_printf(name, "%s-%02ld%s", what, epoch, suffix);
    return buf_str(name);
}

const char *epoch_path(struct buf *path, const char *dir, const char *what, long epoch,
                       const char *suffix)
{
    struct buf name = { 0 };

    epoch_file(&name, what, epoch, suffix);
    buf_reset(path);
    fs_join(path, dir, buf_str(&name));
    buf_release(&name);
    return buf_str(path);
}
