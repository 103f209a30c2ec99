/* The index of a tar: each file it tells of lies inside, and can be read. */
#include "fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/tarindex.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);
    struct error err = { 0 };
    struct tarindex t;

    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        abort();
    if (tarindex_read(&t, fd, 0, -1, &err) == 0) {
        for (size_t i = 0; i < t.n; i++) {
            struct buf file = { 0 };
            if (t.file[i].at < 0 || (size_t)t.file[i].at + t.file[i].size > n ||
                tarfile_read(&t.file[i], fd, &file, &err) < 0 ||
                file.len != t.file[i].size)
                abort();
            buf_release(&file);
        }
        tarindex_release(&t);
    }
    close(fd);
    return 0;
}
