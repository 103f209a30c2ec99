/*
 * floor - the least that a tool must do, as bare loops over a list:
 *
 *   floor stat LIST    walk the list and stat each of its words
 *   floor spawn LIST   start a program with its arguments, wait for it, then the next
 *   floor link LIST    link the first word of each pair to the second
 *   floor copy LIST    copy the first word of each pair to the second; both make the
 *                      folders that are not there
 *
 * Words end with a NUL, the words of `spawn` for one program with an empty word. The list
 * may end in zeros, up to the size that the tool's own state has.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_WORDS = 64, BLOCK = 65536 };

static void must(int ok, const char *path)
{
    if (ok)
        return;
    fprintf(stderr, "floor: %s: %s\n", path, strerror(errno));
    exit(1);
}

static int do_stat(char **word)
{
    struct stat st;

    return stat(word[0], &st);
}

static int do_spawn(char **word)
{
    int status;
    pid_t pid;

    errno = posix_spawn(&pid, word[0], NULL, NULL, word, environ);
    if (errno || waitpid(pid, &status, 0) != pid)
        return -1;
    return status == 0 ? 0 : -1;
}

static void make_folders_of(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        must(mkdir(path, 0777) == 0 || errno == EEXIST, path);
        *p = '/';
    }
}

static int do_link(char **word)
{
    int rc = linkat(AT_FDCWD, word[0], AT_FDCWD, word[1], 0);

    if (rc == 0 || errno != ENOENT)
        return rc;
    make_folders_of(word[1]);
    return linkat(AT_FDCWD, word[0], AT_FDCWD, word[1], 0);
}

static int create(char *path)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, fd = open(path, flags, 0666);

    if (fd >= 0 || errno != ENOENT)
        return fd;
    make_folders_of(path);
    return open(path, flags, 0666);
}

static int do_copy(char **word)
{
    static char block[BLOCK];
    int from, to;
    ssize_t got;

    from = open(word[0], O_RDONLY | O_CLOEXEC);
    to = from < 0 ? -1 : create(word[1]);
    if (to < 0)
        return -1;
    while ((got = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)got) != got)
            return -1;
    close(from);
    return got < 0 ? -1 : close(to);
}

/*
 * The words from p on that make one call: n of them, or those before an empty one.
 * Returns what comes after them.
 */
static char *take_words(char *p, char **word, int n)
{
    int i = 0;

    while (n ? i < n : *p != '\0') {
        must(i < MAX_WORDS - 1, "a list");
        word[i++] = p;
        p += strlen(p) + 1;
    }
    word[i] = NULL;
    return n ? p : p + 1;
}

static uint64_t walk(const char *s, size_t size)
{
    uint64_t sum = 0, word;

    for (size_t i = 0; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, s + i, sizeof word);
        sum += word;
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int n_words; /* 0: what comes before an empty word */
        int (*act)(char **word);
    } act[] = { { "stat", 1, do_stat },
                { "spawn", 0, do_spawn },
                { "link", 2, do_link },
                { "copy", 2, do_copy } };
    char *word[MAX_WORDS], *s, *p;
    volatile uint64_t sum;
    struct stat st;
    size_t k = 0;
    int fd;

    while (argc == 3 && k < 4 && strcmp(argv[1], act[k].name) != 0)
        k++;
    if (argc != 3 || k == 4) {
        fputs("usage: floor stat|spawn|link|copy LIST\n", stderr);
        return 2;
    }
    fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0, argv[2]);
    s = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    must(s != MAP_FAILED, argv[2]);
    sum = walk(s, (size_t)st.st_size);
    (void)sum;
    for (p = s; p < s + st.st_size && *p;) {
        p = take_words(p, word, act[k].n_words);
        must(act[k].act(word) == 0, word[0]);
    }
    return 0;
}
