/*
 * checksum - 64 bits over bytes, against accidents and not against people.
 *
 * For files that only this machine writes and reads, and that cost time and no result to
 * lose. Fast: about as fast as memory can be read.
 */
#ifndef LARDER_CHECKSUM_H
#define LARDER_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum(const void *bytes, size_t n);

#endif
