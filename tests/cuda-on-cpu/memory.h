/*
 * memory - device memory and pinned host memory, and what pointers point to.
 *
 * Each device has addresses of its own. Its blocks can be touched only between
 * memory_open() and memory_close(), so that a host program that reads or writes device
 * memory stops at once; what is freed is never used again and can never be touched.
 * Fresh memory is full of what is no number.
 */
#ifndef CUDA_ON_CPU_MEMORY_H
#define CUDA_ON_CPU_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words that are no number as float and as double, and no index as int. */
#define MEMORY_POISON 0xFFFFCDCDu

/* A block of n bytes on 256, new: give it to memory_free(). NULL: the device is full. */
void *memory_take(int device, size_t n);
/* False: p is no block that lives (which is told unless it was freed: that stops). */
void memory_free(void *p);
size_t memory_left(int device);
size_t memory_total(void);

/* Pinned host memory; registered: of the caller's own. */
void memory_pin(void *p, size_t n, bool registered);
/* Stops unless p was pinned so. The size. */
size_t memory_unpin(void *p, bool registered);
bool memory_is_pinned(const void *p, size_t n);

/* The device whose addresses p is among; -1: host memory. */
int memory_device(const void *p);
/* Whether n bytes at p are in one block of the device that lives. */
bool memory_has(int device, const void *p, size_t n);
/* The block that lives at p: its size, and where it begins; 0: there is none. */
size_t memory_block(int device, const void *p, const unsigned char **at);
/* Stops the program unless they are (device) or unless they are host memory. */
void memory_check_device(int device, const void *p, size_t n, const char *what);
void memory_check_host(const void *p, const char *what);
/* What p is, in words. */
const char *memory_words(const void *p);

void memory_open(void);
void memory_close(void);
void memory_poison(void *p, size_t n);

#endif
