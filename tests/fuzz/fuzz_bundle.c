/* A bundle, whole: it is refused, or everything in it is what it says. And its contents:
 * what is read must be written again alike. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "larder/contents.h"
#include "larder/trust.h"
#include "larder/unbundle.h"

static void read_contents(const uint8_t *bytes, size_t n)
{
    struct contents c = { 0 };
    struct buf text = { 0 };
    struct error err = { 0 };

    if (contents_read(&c, (const char *)bytes, n, &err) == 0) {
        contents_write(&c, &text);
        if (text.len != n || memcmp(text.s, bytes, n) != 0)
            abort();
    }
    contents_release(&c);
    buf_release(&text);
}

static void read_bundle(const char *path)
{
    struct unbundle_order order = { 0 };
    struct trust *trust = NULL;
    struct unbundle *u;
    struct unbundle_totals sum;
    struct error err = { 0 };

    if (trust_open(&trust, "/nowhere", "larder.trust", &err) < 0)
        abort();
    order.trust = trust;
    unbundle_open(&u, &order);
    if (unbundle_read(u, path, &err) == 0 && unbundle_finish(u, &err) == 0) {
        unbundle_count_up(u, &sum);
        if (sum.n_trusted || sum.n_refused != sum.n_records ||
            sum.n_ignored != sum.n_attestations)
            abort(); /* nobody is trusted here */
    }
    unbundle_close(u);
    trust_close(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[40];
    int fd;

    read_contents(bytes, n);
    fd = memfd_create("bundle", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_bundle(path);
    close(fd);
    return 0;
}
