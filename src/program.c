#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "describe.h"
#include "larder/fs.h"
#include "node.h"

#include "larder/banned.h"

enum { DESCRIBE_MS = 10000, DESCRIBE_SIZE = 1 << 20, MANY = 4096 };

struct programs {
    struct arena arena;
    const struct program_memory *memory;
    struct witness *witness;
    const char **folder;
    size_t n_folders;
    struct map known; /* name to struct program */
};

/* ---- where they are ---------------------------------------------------------------- */

static void add_folder(struct programs *p, const char *s, size_t n)
{
    char *here = *s == '/' ? NULL : getcwd(NULL, 0);

    if (n > 0)
        p->folder[p->n_folders++] = arena_printf(&p->arena, "%s%s%.*s", here ? here : "",
                                                 here ? "/" : "", (int)n, s);
    free(here);
}

int programs_open(struct programs **out, const char *beside,
                  const struct program_memory *memory, struct witness *witness,
                  struct error *err)
{
    struct programs *p = xcalloc(1, sizeof *p);
    const char *own = witness_env(witness, "LARDER_PROGRAMS");
    size_t n = 2;

    (void)err;
    own = own ? own : "";
    for (const char *s = own; *s; s++)
        n += *s == ':';
    p->memory = memory;
    p->witness = witness;
    p->folder = arena_alloc(&p->arena, (n + 1) * sizeof *p->folder);
    while (*own) {
        n = strcspn(own, ":");
        add_folder(p, own, n);
        own += n + (own[n] == ':');
    }
    const char *built = arena_printf(&p->arena, "%s/programs", beside);
    const char *installed = arena_printf(&p->arena, "%s/../libexec/larder", beside);
    add_folder(p, built, strlen(built));
    add_folder(p, installed, strlen(installed));
    *out = p;
    return 0;
}

void programs_close(struct programs *p)
{
    if (!p)
        return;
    map_release(&p->known);
    arena_release(&p->arena);
    free(p);
}

/* The executable, in arena memory, or NULL. */
static const char *executable_of(struct programs *p, const char *name)
{
    for (size_t i = 0; i < p->n_folders; i++) {
        char *path = arena_printf(&p->arena, "%s/%s", p->folder[i], name);

        witness_file(p->witness, path);
        if (!fs_is_dir(path) && access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

static int no_program(struct programs *p, const char *name, struct error *err)
{
    const char **names = arena_alloc(&p->arena, MANY * sizeof *names);
    struct buf text = { 0 };
    size_t n = 0;

    for (size_t i = 0; i < p->n_folders; i++) {
        char **entry = NULL;
        size_t n_entries = 0;
        if (!fs_is_dir(p->folder[i]) ||
            fs_list(p->folder[i], &entry, &n_entries, NULL) < 0)
            continue;
        for (size_t j = 0; j < n_entries && n < MANY; j++)
            if (executable_of(p, entry[j]))
                names[n++] = arena_strdup(&p->arena, entry[j]);
        free(entry);
    }
    buf_printf(&text, "there is no program %s", name);
    suggest_name(&text, name, names, n);
    if (n == 0)
        buf_printf(&text, "; looked in %s", p->folder[0]);
    error_set(err, E_INPUT, "%s", buf_str(&text));
    buf_release(&text);
    return E_INPUT;
}

/* ---- asking one -------------------------------------------------------------------- */

struct asking {
    int out[2], err[2]; /* pipes */
    pid_t pid;
    struct buf answer, complaint;
};

static long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int start(struct asking *a, const char *path, struct error *err)
{
    char question[] = "--describe", lang[] = "LANG=C.UTF-8",
         search[] = "PATH=/usr/bin:/bin";
    char *name = xstrdup(path);
    char *argv[] = { name, question, NULL }, *envp[] = { lang, search, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc;

    if (pipe2(a->out, O_CLOEXEC) < 0 || pipe2(a->err, O_CLOEXEC) < 0) {
        free(name);
        return error_system(err, "cannot make a pipe");
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, a->out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, a->err[1], 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attr, 0);
    rc = posix_spawn(&a->pid, path, &actions, &attr, argv, envp);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    free(name);
    close_fd(&a->out[1]);
    close_fd(&a->err[1]);
    if (rc != 0) {
        errno = rc;
        return error_system(err, "cannot start %s", path);
    }
    return 0;
}

/* Reads both pipes to their ends. false: it took too long or said too much. */
static bool listen_to(struct asking *a)
{
    long long end = now_ms() + DESCRIBE_MS;
    struct pollfd fd[2] = { { a->out[0], POLLIN, 0 }, { a->err[0], POLLIN, 0 } };
    struct buf *to[2] = { &a->answer, &a->complaint };

    while (fd[0].fd >= 0 || fd[1].fd >= 0) {
        long long left = end - now_ms();
        if (left <= 0 || a->answer.len > DESCRIBE_SIZE ||
            a->complaint.len > DESCRIBE_SIZE)
            return false;
        if (poll(fd, 2, (int)left) <= 0)
            continue;
        for (int i = 0; i < 2; i++) {
            char bytes[4096];
            ssize_t n;
            if (fd[i].fd < 0 || !fd[i].revents)
                continue;
            n = read(fd[i].fd, bytes, sizeof bytes);
            if (n > 0)
                buf_add(to[i], bytes, (size_t)n);
            else if (n == 0 || errno != EINTR)
                fd[i].fd = -1;
        }
    }
    return true;
}

/* What it said in the end, where an interpreter tells the cause. */
static const char *last_line(struct buf *complaint)
{
    const char *line;

    while (complaint->len && complaint->s[complaint->len - 1] == '\n')
        complaint->s[--complaint->len] = '\0';
    line = strrchr(buf_str(complaint), '\n');
    return line ? line + 1 : buf_str(complaint);
}

static int ask(const char *name, const char *path, struct buf *answer, struct error *err)
{
    struct asking a = { { -1, -1 }, { -1, -1 }, 0, { 0 }, { 0 } };
    int status = 0;
    bool done;
    int rc;

    rc = start(&a, path, err);
    if (rc < 0)
        goto out;
    done = listen_to(&a);
    if (!done)
        kill(-a.pid, SIGKILL);
    while (waitpid(a.pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!done)
        rc = error_set(err, E_INPUT, "program %s --describe: no answer within %d s", name,
                       DESCRIBE_MS / 1000);
    else if (status != 0)
        rc = error_set(err, E_INPUT,
                       "program %s --describe failed, which tells its options; build or "
                       "install it again: %s",
                       name, last_line(&a.complaint));
    else
        buf_add(answer, buf_str(&a.answer), a.answer.len);
out:
    close_fd(&a.out[0]);
    close_fd(&a.out[1]);
    close_fd(&a.err[0]);
    close_fd(&a.err[1]);
    buf_release(&a.answer);
    buf_release(&a.complaint);
    return rc;
}

/* ---- finding ----------------------------------------------------------------------- */

static int learn(struct programs *p, const char *name, const char *path,
                 struct program *program, struct error *err)
{
    const struct program_memory *memory = p->memory;
    const char *kept = memory ? memory->get(memory->self, path) : NULL;
    struct buf answer = { 0 };
    int rc = 0;

    program->path = path;
    if (kept)
        buf_adds(&answer, kept);
    else
        rc = ask(name, path, &answer, err);
    if (rc == 0) {
        rc = describe_read(&p->arena, buf_str(&answer), program, err);
        if (rc < 0)
            error_context(err, "program %s --describe", name);
    }
    if (rc == 0 && memory && !kept)
        memory->put(memory->self, path, buf_str(&answer));
    buf_release(&answer);
    return rc;
}

int programs_find(struct programs *p, const char *name, const struct program **program,
                  struct error *err)
{
    struct program *found = map_get(&p->known, name);
    const char *path;
    int rc;

    *program = found;
    if (found)
        return 0;
    path = name_is_word(name) ? executable_of(p, name) : NULL;
    if (!path)
        return no_program(p, name, err);
    found = arena_alloc(&p->arena, sizeof *found);
    rc = learn(p, name, path, found, err);
    if (rc < 0)
        return rc;
    map_set(&p->known, name, found);
    *program = found;
    return 0;
}
