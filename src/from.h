/*
 * from - a place that the recipe takes a file from: a path, or a URL.
 */
#ifndef LARDER_FROM_H
#define LARDER_FROM_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "pos.h"

enum { FROM_PATH = 0, FROM_URL = 1 };

/* What a text at pos names: FROM_URL, the http: or https: URL of one file; FROM_PATH with
 * *path, that of a file: URL too, which begins with /, ./ or ../; or E_INPUT. what: "an
 * import", for messages. */
int from_read(struct arena *arena, const char *text, const struct pos *pos,
              const char *what, const char **path, struct error *err);
bool from_is_web(const char *text); /* it begins as a URL that is fetched does */
/* Appends a URL as it may be shown: without a query, which may hold a secret. */
void from_show(const char *url, struct buf *to);

#endif
