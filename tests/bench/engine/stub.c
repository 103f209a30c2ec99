/*
 * stub - every program of the made-up paper. With --describe it prints the file NAME.json
 * beside itself; else each output gets its arguments, and what it was given of its
 * inputs, as its content: `set` as a folder with data.mdb, any other as a file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void copy(FILE *to, const char *path)
{
    char block[4096];
    FILE *from = fopen(path, "r");
    size_t n;

    must(from != NULL, path);
    while ((n = fread(block, 1, sizeof block, from)) > 0)
        fwrite(block, 1, n, to);
    fclose(from);
}

static int describe(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof ".json");

    must(n > 0, "/proc/self/exe");
    memcpy(path + n, ".json", sizeof ".json");
    copy(stdout, path);
    return 0;
}

/* Inputs: a file's bytes, the size of a set's; a list's text has paths, so only its name.
 */
static void add_input(FILE *out, const char *path)
{
    char data[4096];
    struct stat st;

    snprintf(data, sizeof data, "%s/data.mdb", path);
    if (stat(data, &st) == 0)
        copy(out, data);
    else
        copy(out, path);
}

static void make(const char *path, char **argv)
{
    char data[4096];
    FILE *f;

    snprintf(data, sizeof data, "%s", path);
    if (strcmp(strrchr(path, '/'), "/set") == 0) {
        must(mkdir(path, 0777) == 0, path);
        snprintf(data, sizeof data, "%s/data.mdb", path);
    }
    f = fopen(data, "w");
    must(f != NULL, data);
    for (char **a = argv + 1; *a; a++)
        fprintf(f, "%s\n", *a);
    for (char **a = argv + 1; *a; a++)
        if (strstr(*a, "=in/"))
            add_input(f, strchr(*a, '=') + 1);
    must(fclose(f) == 0, data);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--describe") == 0)
        return describe();
    for (int i = 1; i < argc; i++)
        if (strstr(argv[i], "=out/"))
            make(strchr(argv[i], '=') + 1, argv);
    return 0;
}
