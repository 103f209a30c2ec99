/*
 * url - what the text of a web address says.
 */
#ifndef CACHE_URL_H
#define CACHE_URL_H

#include <stdbool.h>
#include <stddef.h>

/* The length of "https://host:port" in front. */
size_t url_origin(const char *url);
/* The host with its port, and all that follows; borrowed. */
const char *url_host(const char *url);
/* Whether a host, whatever stands behind it, is this machine. */
bool url_host_is_local(const char *host);
/* How much of it people are shown, for %.*s: what follows on `?` may be a secret. */
int url_shown(const char *url);

#endif
