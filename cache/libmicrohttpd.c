#include "libmicrohttpd.h"

#include <stdbool.h>

#include "library.h"

#include "larder/banned.h"

static struct libmicrohttpd calls;

static const struct library_call wanted[] = {
    { "MHD_start_daemon", &calls.start },
    { "MHD_stop_daemon", &calls.stop },
    { "MHD_quiesce_daemon", &calls.quiesce },
    { "MHD_is_feature_supported", &calls.can },
    { "MHD_lookup_connection_value", &calls.header },
    { "MHD_create_response_from_buffer", &calls.text },
    { "MHD_create_response_from_fd_at_offset64", &calls.file },
    { "MHD_add_response_header", &calls.add_header },
    { "MHD_queue_response", &calls.answer },
    { "MHD_destroy_response", &calls.destroy },
};

int libmicrohttpd_open(const struct libmicrohttpd **lib, struct error *err)
{
    static bool opened;

    *lib = &calls;
    if (opened)
        return 0;
    opened = library_open("libmicrohttpd.so.12", wanted, sizeof wanted / sizeof *wanted);
    if (opened)
        return 0;
    return error_set(err, E_SYSTEM,
                     "serving needs libmicrohttpd, and libmicrohttpd.so.12 cannot be "
                     "opened; install it (Debian: libmicrohttpd12)");
}
