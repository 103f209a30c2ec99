/*
 * md5 - the MD5 (RFC 1321), by libcrypto: for publishers and stores that tell nothing
 * better. It pins nothing against malice and names nothing of ours.
 */
#ifndef LARDER_MD5_H
#define LARDER_MD5_H

#include <stddef.h>

#include "larder/error.h"

enum { MD5_SIZE = 16, MD5_HEX = 32 };

/* Of a regular file, as 32 lower-case hex digits and a NUL. */
int md5_file(char hex[MD5_HEX + 1], const char *path, struct error *err);
int md5_bytes(char hex[MD5_HEX + 1], const void *bytes, size_t n, struct error *err);

#endif
