#include "libmicrohttpd.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "larder/banned.h"

static struct libmicrohttpd calls;

static const struct {
    const char *name;
    void *call; /* where its address goes */
} wanted[] = {
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
    void *library;

    *lib = &calls;
    if (opened)
        return 0;
    library = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; library && i < sizeof wanted / sizeof *wanted; i++) {
        void *call = dlsym(library, wanted[i].name);

        memcpy(wanted[i].call, &call, sizeof call);
        if (!call)
            library = NULL;
    }
    opened = library != NULL;
    if (opened)
        return 0;
    return error_set(err, E_SYSTEM,
                     "serving needs libmicrohttpd, and libmicrohttpd.so.12 cannot be "
                     "opened; install it (Debian: libmicrohttpd12)");
}
