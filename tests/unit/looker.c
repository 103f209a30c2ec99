/* looker FOLDER - looks at files of FOLDER in ways that a tracer may miss: relative to a
 * folder that is open, by openat2(), from a thread, from a child in another folder, and
 * by execveat() of itself. Static, so that no library stands between. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int folder;

static void *look(void *name)
{
    return (void *)(long)openat(folder, name, O_RDONLY);
}

int main(int argc, char **argv)
{
    struct open_how how = { .flags = O_RDONLY };
    char *again[] = { argv[0], argv[1], "again", NULL }, *none[] = { NULL };
    pthread_t thread;
    struct stat st;
    int status;

    folder = open(argv[1], O_PATH | O_DIRECTORY);
    if (argc > 2) {
        openat(folder, "from-again", O_RDONLY);
        return 7;
    }
    openat(folder, "from-folder", O_RDONLY);
    syscall(SYS_openat2, folder, "./from/../from-openat2", &how, sizeof how);
    pthread_create(&thread, NULL, look, "from-thread");
    pthread_join(thread, NULL);
    fstatat(folder, "not-there", &st, 0);
    if (fork() == 0) {
        if (fchdir(open(argv[1], O_RDONLY)) < 0)
            _exit(1);
        open("from-child", O_RDWR);
        unlink("gone");
        _exit(0);
    }
    wait(&status);
    syscall(SYS_execveat, open("/proc/self/exe", O_RDONLY), "", again, none,
            AT_EMPTY_PATH);
    return 1;
}
