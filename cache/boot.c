#include "larder/boot.h"

#include <fcntl.h>
#include <string.h>

#include "larder/io.h"

#include "larder/banned.h"

static const char unknown[] = "unknown";

const char *boot_id(void)
{
    static char text[BOOT_TEXT + 1];
    int fd;

    if (text[0])
        return text;
    fd = io_open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return unknown;
    if (io_read(fd, text, BOOT_TEXT) != BOOT_TEXT)
        text[0] = '\0';
    io_close(fd);
    return text[0] ? text : unknown;
}

bool boot_is_past(const struct record *r)
{
    const char *now = boot_id();

    return r->boot && (now == unknown || strcmp(r->boot, now) != 0);
}
