/*
 * libcurl - its calls, opened when the first of them is needed and not with the program
 * (docs/adr/0007).
 */
#ifndef CACHE_LIBCURL_H
#define CACHE_LIBCURL_H

#include <curl/curl.h>

#include "larder/error.h"

struct libcurl {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_setopt) *setopt;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_getinfo) *getinfo;
    __typeof__(curl_easy_cleanup) *cleanup;
    __typeof__(curl_easy_strerror) *strerror;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_perform) *multi_perform;
    __typeof__(curl_multi_poll) *multi_poll;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
};

/* *lib is valid until the program ends. E_SYSTEM where there is no libcurl. */
/* It will be: it is read from the disk meanwhile, by a thread. */
void libcurl_expect(void);
int libcurl_open(const struct libcurl **lib, struct error *err);
/* Whose word on a server counts: the certificates in the file of CURL_CA_BUNDLE or
 * SSL_CERT_FILE, as with curl itself, else those of the system. */
void libcurl_set_authorities(const struct libcurl *lib, CURL *curl);

#endif
