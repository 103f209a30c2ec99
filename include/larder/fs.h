/*
 * fs - files and folders, with whole-or-nothing writes.
 *
 * The Nth change of the disk fails, or kills the process, when a test wants it so:
 * fs_fault() and the variable LARDER_FS_FAULT. Within one process a test has more: io.h.
 */
#ifndef LARDER_FS_H
#define LARDER_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "larder/buf.h"
#include "larder/error.h"

/* What tells, without reading it, that a file is the one seen before. */
struct fs_state {
    uint64_t dev, ino, size;
    int64_t mtime_ns, ctime_ns;
    uint32_t mode;
};

enum { FS_FOUND = 0, FS_ABSENT = 1 };

struct stat;
void fs_state_of(const struct stat *s, struct fs_state *st);
/* FS_FOUND, FS_ABSENT or an error. Follows symbolic links. */
int fs_stat(const char *path, struct fs_state *st, struct error *err);
bool fs_exists(const char *path);
bool fs_is_dir(const char *path);

/* Appends the whole file. */
int fs_read(const char *path, struct buf *to, struct error *err);
int fs_read_fd(int fd, struct buf *to); /* what is left of it: 0, or -1 with errno */
/* Replaces path by the bytes through a temporary file beside it and a rename, so that a
 * reader sees the old file or the new one. sync: fdatasync before the rename. */
int fs_write(const char *path, const void *bytes, size_t n, bool sync, struct error *err);
/* All of the bytes, or -1 with errno. */
int fs_write_all(int fd, const void *bytes, size_t n);
/* Like fs_write() for several pieces, one after the other. */
struct iovec;
int fs_write_parts(const char *path, const struct iovec *part, size_t n, bool sync,
                   struct error *err);
int fs_mkdirs(const char *path, struct error *err);      /* like mkdir -p */
int fs_make_parent(const char *path, struct error *err); /* the folder that path is in */
int fs_remove(const char *path, struct error *err);      /* a file; absent is fine */
/* A whole tree, also read-only folders in it; absent is fine. Follows no link. */
int fs_remove_tree(const char *path, struct error *err);
int fs_rename(const char *from, const char *to, struct error *err);
/* The same unless something has the name already: 0, or -1 with errno, EEXIST then. to is
 * below dir, a descriptor or AT_FDCWD. */
int fs_rename_new(const char *from, int dir, const char *to);
int fs_link(const char *from, const char *to, struct error *err);
int fs_symlink(const char *target, const char *path, struct error *err);
int fs_chmod(const char *path, unsigned mode, struct error *err);
int fs_sync(const char *path, struct error *err); /* fdatasync of a file or folder */
/* Copies the bytes of a file: reflink where the file system can, else a copy. The new
 * file must not exist; it has the given mode. */
int fs_copy(const char *from, const char *to, unsigned mode, struct error *err);

/* The names in a folder, sorted by bytes, without . and ..; *names is new, one block:
 * free() it. */
int fs_list(const char *path, char ***names, size_t *n, struct error *err);

/* Path text. The results are appended to b. */
void fs_join(struct buf *b, const char *dir, const char *name); /* name absolute: name */
const char *fs_basename(const char *path);                      /* borrowed from path */
void fs_dirname(struct buf *b, const char *path);
/* The path in one spelling: without `.`, doubled slashes and one at the end. */
void fs_tidy(struct buf *b, const char *path);
/* Whether path is the folder, or below it. */
bool fs_is_below(const char *path, const char *folder);

/* Test seam. LARDER_FS_FAULT=N:ACTION makes the Nth changing call of the process fail
 * with EIO (action "eio"), ENOSPC ("enospc") or end it at once ("kill"). Returns the
 * errno to report, or 0. Asked by what larder/io.h calls of the system, and in src/ by
 * code that changes the disk without it, right before it does. */
int fs_fault(void);

#endif
