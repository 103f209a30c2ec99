/*
 * fuzz - what libFuzzer calls, and replay.c: one input, in memory that ends where it
 * ends.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
