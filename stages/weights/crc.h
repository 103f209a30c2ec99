/*
 * crc - the CRC-32 of zip files (zlib's), fast enough to check every byte that is read.
 */
#ifndef WEIGHTS_CRC_H
#define WEIGHTS_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of what crc stands for (0: of nothing) followed by n bytes. */
uint32_t crc_add(uint32_t crc, const void *bytes, size_t n);

#endif
