/*
 * libmicrohttpd - its calls, opened when a server starts and not with the program
 * (docs/adr/0007).
 */
#ifndef CACHE_LIBMICROHTTPD_H
#define CACHE_LIBMICROHTTPD_H

#include <microhttpd.h>

#include "larder/error.h"

struct libmicrohttpd {
    __typeof__(MHD_start_daemon) *start;
    __typeof__(MHD_stop_daemon) *stop;
    __typeof__(MHD_quiesce_daemon) *quiesce;
    __typeof__(MHD_is_feature_supported) *can;
    __typeof__(MHD_lookup_connection_value) *header;
    __typeof__(MHD_create_response_from_buffer) *text;
    __typeof__(MHD_create_response_from_fd_at_offset64) *file;
    __typeof__(MHD_add_response_header) *add_header;
    __typeof__(MHD_queue_response) *answer;
    __typeof__(MHD_destroy_response) *destroy;
};

/* *lib is valid until the program ends. E_SYSTEM where there is no libmicrohttpd. */
int libmicrohttpd_open(const struct libmicrohttpd **lib, struct error *err);

#endif
