/*
 * stamp - the step of all generated plans: `stamp OUT LABEL IN...` copies its first input
 * and appends a line with LABEL and a checksum (Adler-32) of all inputs, so that every
 * output differs from every other. Lines that begin with # are comments and left out.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct text {
    char *s;
    size_t len;
};

static void must(int ok, const char *path)
{
    if (ok)
        return;
    perror(path);
    exit(1);
}

/* The file without its comments; t->s is new. */
static void read_text(struct text *t, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t n = 0, kept = 0;
    int start = 1, comment = 0;

    must(fd >= 0 && fstat(fd, &st) == 0, path);
    t->s = malloc((size_t)st.st_size + 1);
    must(t->s != NULL, path);
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, t->s + n, (size_t)st.st_size - n);

        must(got > 0, path);
        n += (size_t)got;
    }
    close(fd);
    for (size_t i = 0; i < n; i++) {
        char c = t->s[i];

        if (start)
            comment = c == '#';
        start = c == '\n';
        if (!comment)
            t->s[kept++] = c;
    }
    t->len = kept;
}

static void add_checksum(uint32_t *a, uint32_t *b, const struct text *t)
{
    for (size_t i = 0; i < t->len; i++) {
        *a = (*a + (unsigned char)t->s[i]) % 65521;
        *b = (*b + *a) % 65521;
    }
}

int main(int argc, char **argv)
{
    struct text first = { 0 };
    uint32_t a = 1, b = 0;
    FILE *out;

    if (argc < 4) {
        fputs("usage: stamp OUT LABEL IN...\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        struct text t;

        read_text(&t, argv[i]);
        add_checksum(&a, &b, &t);
        if (i == 3)
            first = t;
        else
            free(t.s);
    }
    out = fopen(argv[1], "w");
    must(out != NULL, argv[1]);
    fwrite(first.s, 1, first.len, out);
    fprintf(out, "%s %08x\n", argv[2], b << 16 | a);
    must(fclose(out) == 0, argv[1]);
    free(first.s);
    return 0;
}
