/*
 * replay - FUZZ FOLDER: the target on every file of a corpus, without libFuzzer; and on
 * each file cut at every byte.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"

/* A copy in a block of its own, so that a sanitizer sees where it ends. */
static void run(const struct buf *b, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));

    if (n > 0)
        memcpy(copy, b->s, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    char **name;
    size_t n;

    if (argc != 2 || fs_list(argv[1], &name, &n, &err) < 0 || n == 0) {
        fprintf(stderr, "usage: %s FOLDER: %s\n", argv[0], err.text);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        struct buf path = { 0 }, b = { 0 };

        fs_join(&path, argv[1], name[i]);
        if (fs_read(path.s, &b, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        for (size_t cut = 0; cut <= b.len; cut++)
            run(&b, cut);
        buf_release(&b);
        buf_release(&path);
    }
    printf("%zu files, each cut at every byte\n", n);
    free(name);
    return 0;
}
