/*
 * bench_weights - megabytes a second of CPU time for reading a file of weights.
 *
 *     bench_weights weights|read|blocks FILE
 *
 * weights: every tensor as float32 (the zip file's checksums are checked); read: the file
 * into one block of fresh memory; blocks: the file into the same 256 KiB again and again,
 * which is as fast as the system gives bytes and leaves nothing behind. Prints one
 * number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weights/take.h"

enum { BLOCK = 256 * 1024 };

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_weights: %s\n", err->text);
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void read_weights(const char *path)
{
    const struct named_options o = { .key = "" };
    const struct take_options how = { .prefix = "auto" };
    struct tensors to = { 0 };
    struct error err = { 0 };
    struct take t;
    struct named f;

    must(named_open(&f, path, &o, &err), &err);
    must(take_names(&t, &f, &how, &err), &err);
    must(take_read(&t, &f, &to, &err), &err);
    tensors_release(&to);
    take_release(&t);
    named_close(&f);
}

static void read_file(const char *path, bool fresh)
{
    struct error err = { 0 };
    struct source f;
    size_t at = 0, n;
    char *to;

    must(source_open(&f, path, &err), &err);
    to = malloc(fresh ? f.n : BLOCK);
    for (; at < f.n; at += n) {
        n = f.n - at < BLOCK ? f.n - at : BLOCK;
        must(source_copy(&f, at, n, fresh ? to + at : to, &err), &err);
    }
    free(to);
    source_close(&f);
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct source f;
    double begin;
    size_t size;

    if (argc != 3) {
        fprintf(stderr, "usage: bench_weights weights|read|blocks FILE\n");
        return 2;
    }
    must(source_open(&f, argv[2], &err), &err);
    size = f.n;
    source_close(&f);
    begin = cpu_seconds();
    if (strcmp(argv[1], "weights") == 0)
        read_weights(argv[2]);
    else
        read_file(argv[2], strcmp(argv[1], "read") == 0);
    printf("%.1f\n", (double)size * 1e-6 / (cpu_seconds() - begin));
    return 0;
}
