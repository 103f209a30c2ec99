/* banned - functions that do not compile in this project: each has a safer neighbour. */
#ifndef LARDER_BANNED_H
#define LARDER_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gets

/* Where LARDER_IO_ONLY is defined, as in cache/ and src/base/, files are touched through
 * larder/io.h alone: a call of the system would be one that no test can make fail. */
#ifdef LARDER_IO_ONLY
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifdef __clang__ /* which wants "error" at the first declaration */
#define LARDER_REFUSED(why) __attribute__((unavailable(why)))
#else
#define LARDER_REFUSED(why) __attribute__((error(why)))
#endif
#define LARDER_ONLY_BY_IO(call) \
    extern __typeof__(call) call LARDER_REFUSED("use io_" #call "() of larder/io.h")

LARDER_ONLY_BY_IO(open);
LARDER_ONLY_BY_IO(openat);
LARDER_ONLY_BY_IO(creat);
LARDER_ONLY_BY_IO(mkstemp);
LARDER_ONLY_BY_IO(mkostemp);
LARDER_ONLY_BY_IO(mkdtemp);
LARDER_ONLY_BY_IO(tmpfile);
LARDER_ONLY_BY_IO(fopen);
LARDER_ONLY_BY_IO(fdopen);
LARDER_ONLY_BY_IO(freopen);
LARDER_ONLY_BY_IO(close);
LARDER_ONLY_BY_IO(close_range);
LARDER_ONLY_BY_IO(read);
LARDER_ONLY_BY_IO(pread);
LARDER_ONLY_BY_IO(readv);
LARDER_ONLY_BY_IO(preadv);
LARDER_ONLY_BY_IO(write);
LARDER_ONLY_BY_IO(pwrite);
LARDER_ONLY_BY_IO(writev);
LARDER_ONLY_BY_IO(pwritev);
LARDER_ONLY_BY_IO(lseek);
LARDER_ONLY_BY_IO(sendfile);
LARDER_ONLY_BY_IO(copy_file_range);
LARDER_ONLY_BY_IO(splice);
LARDER_ONLY_BY_IO(truncate);
LARDER_ONLY_BY_IO(ftruncate);
LARDER_ONLY_BY_IO(fallocate);
LARDER_ONLY_BY_IO(posix_fallocate);
LARDER_ONLY_BY_IO(fsync);
LARDER_ONLY_BY_IO(fdatasync);
LARDER_ONLY_BY_IO(syncfs);
LARDER_ONLY_BY_IO(sync);
LARDER_ONLY_BY_IO(sync_file_range);
LARDER_ONLY_BY_IO(ioctl);
LARDER_ONLY_BY_IO(fcntl);
LARDER_ONLY_BY_IO(flock);
LARDER_ONLY_BY_IO(lockf);
LARDER_ONLY_BY_IO(dup);
LARDER_ONLY_BY_IO(dup2);
LARDER_ONLY_BY_IO(dup3);
LARDER_ONLY_BY_IO(mmap);
LARDER_ONLY_BY_IO(msync);
LARDER_ONLY_BY_IO(stat);
LARDER_ONLY_BY_IO(lstat);
LARDER_ONLY_BY_IO(fstat);
LARDER_ONLY_BY_IO(fstatat);
LARDER_ONLY_BY_IO(statx);
LARDER_ONLY_BY_IO(statfs);
LARDER_ONLY_BY_IO(fstatfs);
LARDER_ONLY_BY_IO(statvfs);
LARDER_ONLY_BY_IO(fstatvfs);
LARDER_ONLY_BY_IO(access);
LARDER_ONLY_BY_IO(faccessat);
LARDER_ONLY_BY_IO(chmod);
LARDER_ONLY_BY_IO(fchmod);
LARDER_ONLY_BY_IO(fchmodat);
LARDER_ONLY_BY_IO(chown);
LARDER_ONLY_BY_IO(fchown);
LARDER_ONLY_BY_IO(lchown);
LARDER_ONLY_BY_IO(fchownat);
LARDER_ONLY_BY_IO(utimensat);
LARDER_ONLY_BY_IO(futimens);
LARDER_ONLY_BY_IO(readlink);
LARDER_ONLY_BY_IO(readlinkat);
LARDER_ONLY_BY_IO(realpath);
LARDER_ONLY_BY_IO(mkdir);
LARDER_ONLY_BY_IO(mkdirat);
LARDER_ONLY_BY_IO(mkfifo);
LARDER_ONLY_BY_IO(link);
LARDER_ONLY_BY_IO(linkat);
LARDER_ONLY_BY_IO(symlink);
LARDER_ONLY_BY_IO(symlinkat);
LARDER_ONLY_BY_IO(rename);
LARDER_ONLY_BY_IO(renameat);
LARDER_ONLY_BY_IO(renameat2);
LARDER_ONLY_BY_IO(unlink);
LARDER_ONLY_BY_IO(unlinkat);
LARDER_ONLY_BY_IO(remove);
LARDER_ONLY_BY_IO(rmdir);
LARDER_ONLY_BY_IO(opendir);
LARDER_ONLY_BY_IO(fdopendir);
LARDER_ONLY_BY_IO(readdir);
LARDER_ONLY_BY_IO(closedir);
LARDER_ONLY_BY_IO(scandir);
#undef LARDER_ONLY_BY_IO
#undef LARDER_REFUSED
#endif

#endif
