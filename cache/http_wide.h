/*
 * http_wide - a large part of a file, brought over several connections at once.
 *
 * One connection over a long way brings less than the line has. So the part is cut into
 * pieces, eight of which are under way; they reach the sink in their order. Whatever goes
 * wrong with one of them ends that, and one connection brings the rest. To this
 * machine there is no way, and one connection is faster.
 */
#ifndef CACHE_HTTP_WIDE_H
#define CACHE_HTTP_WIDE_H

#include <stdbool.h>

#include "http.h"

enum { HTTP_REST = 1 };

bool http_is_wide(const struct http_request *q);
/* 0 when all is taken. HTTP_REST when only *taken bytes are, and the others are to be
 * brought in another way; or the error of the sink. */
int http_send_wide(struct http *h, const struct http_request *q, long long *taken,
                   struct error *err);

#endif
