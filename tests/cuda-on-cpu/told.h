/*
 * told - what the double says: one line, beginning with "cuda-on-cpu: ".
 */
#ifndef CUDA_ON_CPU_TOLD_H
#define CUDA_ON_CPU_TOLD_H

enum { MOST_DEVICES = 8 };

/* Says what the program did wrong, and ends it as a crash would. */
_Noreturn void told_stop(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
