#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/thread.h"

enum { SEEN_MAX = 1 << 16, OWN_MAX = SEEN_MAX / 4 };

/* ---- the calls that are stopped ---------------------------------------------------- */

enum kind { OPEN, OPEN2, LOOK, LOOK_LINK, LOOK_AT_FLAGS, RUN, CHANGE, SOCKET };

/* Which argument of a call is a path, and which the folder it is relative to; -1: none.
 */
struct call {
    int nr;
    enum kind kind;
    int dir, path;
    int flags; /* the argument with O_ or AT_ flags */
};

static const struct call call[] = {
    { SYS_openat, OPEN, 0, 1, 2 },
    { SYS_newfstatat, LOOK_AT_FLAGS, 0, 1, 3 },
#ifdef SYS_open
    { SYS_open, OPEN, -1, 0, 1 },
    { SYS_creat, CHANGE, -1, 0, -1 },
    { SYS_stat, LOOK, -1, 0, -1 },
    { SYS_lstat, LOOK_LINK, -1, 0, -1 },
    { SYS_access, LOOK, -1, 0, -1 },
    { SYS_readlink, LOOK_LINK, -1, 0, -1 },
    { SYS_mkdir, CHANGE, -1, 0, -1 },
    { SYS_rmdir, CHANGE, -1, 0, -1 },
    { SYS_unlink, CHANGE, -1, 0, -1 },
    { SYS_rename, CHANGE, -1, 0, -1 },
    { SYS_rename, CHANGE, -1, 1, -1 },
    { SYS_link, CHANGE, -1, 1, -1 },
    { SYS_symlink, CHANGE, -1, 1, -1 },
    { SYS_mknod, CHANGE, -1, 0, -1 },
#endif
    { SYS_openat2, OPEN2, 0, 1, 2 },
    { SYS_statx, LOOK_AT_FLAGS, 0, 1, 2 },
    { SYS_faccessat, LOOK, 0, 1, -1 },
    { SYS_faccessat2, LOOK, 0, 1, -1 },
    { SYS_readlinkat, LOOK_LINK, 0, 1, -1 },
    { SYS_execve, RUN, -1, 0, -1 },
    { SYS_execveat, RUN, 0, 1, -1 },
    { SYS_mkdirat, CHANGE, 0, 1, -1 },
    { SYS_unlinkat, CHANGE, 0, 1, -1 },
#ifdef SYS_renameat
    { SYS_renameat, CHANGE, 0, 1, -1 },
    { SYS_renameat, CHANGE, 2, 3, -1 },
#endif
    { SYS_renameat2, CHANGE, 0, 1, -1 },
    { SYS_renameat2, CHANGE, 2, 3, -1 },
    { SYS_linkat, CHANGE, 2, 3, -1 },
    { SYS_symlinkat, CHANGE, 1, 2, -1 },
    { SYS_mknodat, CHANGE, 0, 1, -1 },
    { SYS_truncate, CHANGE, -1, 0, -1 },
    { SYS_socket, SOCKET, -1, -1, -1 },
};
enum { N_CALLS = sizeof call / sizeof call[0] };

#if defined __x86_64__
static const uint32_t our_arch = AUDIT_ARCH_X86_64;
#elif defined __aarch64__
static const uint32_t our_arch = AUDIT_ARCH_AARCH64;
#else
static const uint32_t our_arch = 0; /* a machine whose calls are not known here */
#endif

enum { HEAD = 3, FLAGS = 2, FILTER_SIZE = HEAD + N_CALLS + 2 * FLAGS + 2 };

struct trace {
    char *root, *step;
    bool refuse; /* sockets of the internet */
    struct sock_filter filter[FILTER_SIZE];
    int ours, theirs; /* sockets by which the child passes the listener */
    int stop;         /* eventfd: the child has ended */
    int listener;     /* or -1 */
    bool has_thread;
    pthread_t thread;
    struct map seen; /* of struct trace_entry */
    struct trace_entry *list;
    size_t n_runs;
    bool is_cut, network;
};

static struct sock_filter load(size_t offset)
{
    return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter jump(unsigned test, uint32_t k, size_t yes, size_t no)
{
    return (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | BPF_K | test), k,
                                        (uint8_t)yes, (uint8_t)no);
}

/* The calls above stop, all others pass. A look at a file that is open already, which has
 * AT_EMPTY_PATH, passes too: there are many. */
static void make_filter(struct sock_filter f[FILTER_SIZE])
{
    const size_t pass = FILTER_SIZE - 2, stop = FILTER_SIZE - 1;
    size_t at = 0;

    f[at++] = load(offsetof(struct seccomp_data, arch));
    f[at] = jump(BPF_JEQ, our_arch, 0, pass - at - 1);
    at++;
    f[at++] = load(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < N_CALLS; i++) {
        bool asks = call[i].kind == LOOK_AT_FLAGS;

        f[at] = jump(BPF_JEQ, (uint32_t)call[i].nr, asks ? 0 : stop - at - 1,
                     asks ? FLAGS : 0);
        at++;
        if (!asks)
            continue;
        f[at++] = load(offsetof(struct seccomp_data, args) +
                       sizeof(uint64_t) * (size_t)call[i].flags);
        f[at] = jump(BPF_JSET, AT_EMPTY_PATH, pass - at - 1, stop - at - 1);
        at++;
    }
    f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    f[at] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
}

/* ---- what a call names ------------------------------------------------------------- */

/* Reads n bytes, or a text and its NUL, of the process; false when it cannot. */
static bool read_memory(pid_t pid, uint64_t from, char *to, size_t n, bool text)
{
    enum { PAGE = 4096 };

    for (size_t got = 0; got < n;) {
        size_t part = PAGE - (size_t)((from + got) % PAGE);
        struct iovec ours = { to + got, part < n - got ? part : n - got };
        struct iovec theirs = { (void *)(uintptr_t)(from + got), ours.iov_len };
        ssize_t k = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);

        if (k <= 0)
            return false;
        if (text && memchr(to + got, '\0', (size_t)k))
            return true;
        got += (size_t)k;
    }
    return !text;
}

/* Appends the path of the folder that dir means to the process. */
static bool add_folder(pid_t pid, int dir, struct buf *to)
{
    char link[64], path[PATH_MAX];
    ssize_t n;

    if (dir == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, dir);
    n = readlink(link, path, sizeof path);
    if (n <= 0 || n == sizeof path || path[0] != '/')
        return false;
    buf_add(to, path, (size_t)n);
    return true;
}

/* Takes out empty parts, "." and, of folders that are not there, "..". */
static void tidy(char *path)
{
    char *to = path;

    for (const char *from = path; *from;) {
        size_t n = strspn(from, "/"), part;

        from += n;
        part = strcspn(from, "/");
        if (part == 2 && !strncmp(from, "..", 2)) {
            while (to > path && *--to != '/')
                ;
        } else if (part && !(part == 1 && *from == '.')) {
            *to++ = '/';
            memmove(to, from, part);
            to += part;
        }
        from += part;
    }
    if (to == path)
        *to++ = '/';
    *to = '\0';
}

/* Makes the folder of the path its real one, if it is there; ".." leads out of that one.
 */
static void follow_folder(struct buf *path)
{
    char *slash = strrchr(path->s, '/'), *name, *real;

    if (!strcmp(slash, "/..") || !slash[1])
        slash = path->s + path->len;
    name = xstrdup(slash);
    buf_cut(path, (size_t)(slash - path->s));
    real = realpath(buf_str(path), NULL);
    if (real) {
        buf_reset(path);
        buf_adds(path, real);
    }
    buf_adds(path, name);
    free(real);
    free(name);
}

/* The absolute path that a call names; new, or NULL. */
static char *named_path(const struct call *c, const struct seccomp_notif *n)
{
    int dir = c->dir < 0 ? AT_FDCWD : (int)n->data.args[c->dir];
    struct buf path = { 0 };
    char text[PATH_MAX];

    if (!read_memory((pid_t)n->pid, n->data.args[c->path], text, sizeof text, true) ||
        !text[0])
        return NULL;
    if (text[0] != '/') {
        if (!add_folder((pid_t)n->pid, dir, &path)) {
            buf_release(&path);
            return NULL;
        }
        buf_addc(&path, '/');
    }
    buf_adds(&path, text);
    if (strstr(path.s, "/.."))
        follow_folder(&path);
    tidy(path.s);
    return buf_take(&path);
}

/* ---- what is kept of it ------------------------------------------------------------ */

/* Of one path: besides what is told, what was asked, so that it is looked at once. */
struct seen {
    struct trace_entry entry;
    unsigned asked;
};

/* NULL where there is no room, which for a path in the scratch folder costs time only. */
static struct seen *find(struct trace *t, const char *path, bool own)
{
    struct map_entry *e = map_find(&t->seen, path);
    struct seen *s = e ? e->value : NULL;

    if (s)
        return s;
    if (t->seen.n >= (own ? OWN_MAX : SEEN_MAX)) {
        t->is_cut = t->is_cut || !own;
        return NULL;
    }
    s = xcalloc(1, sizeof *s);
    map_set(&t->seen, path, s);
    s->entry.path = map_find(&t->seen, path)->key;
    return s;
}

static void see(struct trace *t, const char *path, unsigned how);

/* 0 when it is there and no link is on the way, ENOENT when it is not, else something
 * else: cheaper than its real path. */
static int find_itself(const char *path)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* In the scratch folder counts only what is not there, and where a link leads out. s may
 * be NULL. */
static void see_own(struct trace *t, struct seen *s, const char *path, unsigned how)
{
    int missing = find_itself(path);
    char *real = NULL;

    if (missing && missing != ENOENT) {
        real = realpath(path, NULL);
        missing = real ? 0 : errno;
    }
    if (real && !fs_is_below(real, t->root))
        see(t, real, how);
    else if (s && missing == ENOENT && fs_is_below(path, t->step) && !(how & TRACE_WRITE))
        s->entry.how |= TRACE_ABSENT;
    free(real);
}

/* The kernel itself opens what a script names after #!. */
static void see_interpreter(struct trace *t, const char *path)
{
    char line[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    const char *name;

    if (fd >= 0)
        close(fd);
    if (n < 3 || line[0] != '#' || line[1] != '!')
        return;
    line[n] = '\0';
    name = line + 2 + strspn(line + 2, " \t");
    line[name - line + (ssize_t)strcspn(name, " \t\n")] = '\0';
    if (*name == '/')
        see(t, name, TRACE_RUN);
}

/* What means another thing to each process, or is no file. */
static bool is_passing(const char *path)
{
    return fs_is_below(path, "/proc") || fs_is_below(path, "/sys") ||
           fs_is_below(path, "/dev/fd") || !strncmp(path, "/dev/std", 8);
}

/* Of what is outside the scratch folder: what is there now. */
static void see_other(struct seen *s, const char *path, unsigned how)
{
    enum { THERE = TRACE_READ | TRACE_RUN | TRACE_LIST | TRACE_STAT };
    struct stat st;

    s->entry.how |= how & TRACE_WRITE;
    if (how == TRACE_WRITE)
        return;
    if (how == TRACE_LINK && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        s->entry.how |= TRACE_LINK;
        fs_state_of(&st, &s->entry.link);
        return;
    }
    if (stat(path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            s->entry.how |= TRACE_ABSENT;
        return;
    }
    if (!(s->entry.how & THERE))
        fs_state_of(&st, &s->entry.state);
    if (how & (TRACE_STAT | TRACE_LINK))
        s->entry.how |= TRACE_STAT;
    else if (!S_ISDIR(st.st_mode))
        s->entry.how |= how;
    else
        s->entry.how |= how & TRACE_READ ? TRACE_LIST : TRACE_STAT;
}

static void see(struct trace *t, const char *path, unsigned how)
{
    bool own = fs_is_below(path, t->root);
    struct seen *s;

    if (is_passing(path))
        return;
    s = find(t, path, own);
    if (s && (s->asked & how) == how)
        return;
    if (s)
        s->asked |= how;
    if (how & TRACE_RUN)
        see_interpreter(t, path);
    if (own)
        see_own(t, s, path, how);
    else if (s)
        see_other(s, path, how);
}

static unsigned how_opened(const struct call *c, const struct seccomp_notif *n)
{
    struct open_how how = { .flags = c->flags < 0 ? 0 : n->data.args[c->flags] };
    uint64_t flags;

    if (c->kind == OPEN2 && !read_memory((pid_t)n->pid, n->data.args[c->flags],
                                         (char *)&how, sizeof how.flags, false))
        return TRACE_READ;
    flags = how.flags;
    if (flags & O_PATH)
        return TRACE_STAT;
    if ((flags & O_ACCMODE) == O_RDWR && !(flags & (O_CREAT | O_TRUNC)))
        return TRACE_READ | TRACE_WRITE;
    return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_CREAT) ? TRACE_READ
                                                                 : TRACE_WRITE;
}

static bool is_network(const struct seccomp_notif *n)
{
    int family = (int)n->data.args[0];

    return family != AF_UNIX && family != AF_NETLINK;
}

static bool is_current(const struct trace *t, const struct seccomp_notif *n)
{
    return ioctl(t->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) == 0;
}

/* What the call asks of the file that it names. */
static unsigned how_named(const struct call *c, const struct seccomp_notif *n)
{
    switch (c->kind) {
    case RUN:
        return TRACE_RUN;
    case CHANGE:
        return TRACE_WRITE;
    case OPEN:
    case OPEN2:
        return how_opened(c, n);
    case LOOK_LINK:
        return TRACE_LINK;
    case LOOK_AT_FLAGS:
        return n->data.args[c->flags] & AT_SYMLINK_NOFOLLOW ? TRACE_LINK : TRACE_STAT;
    case LOOK:
    case SOCKET:
        break;
    }
    return TRACE_STAT;
}

static void look(struct trace *t, const struct call *c, const struct seccomp_notif *n)
{
    unsigned how = how_named(c, n);
    char *path = named_path(c, n);

    if (path && is_current(t, n)) { /* else its number may be another process's now */
        see(t, path, how);
        t->n_runs += c->kind == RUN;
    }
    free(path);
}

/* ---- the thread -------------------------------------------------------------------- */

static void answer(struct trace *t, const struct seccomp_notif *n,
                   struct seccomp_notif_resp *r)
{
    bool refused = false;

    for (size_t i = 0; i < N_CALLS; i++) {
        if (call[i].nr != n->data.nr)
            continue;
        if (call[i].kind != SOCKET) {
            look(t, &call[i], n);
        } else if (is_network(n)) {
            t->network = true;
            refused = t->refuse;
        }
    }
    *r = (struct seccomp_notif_resp){ .id = n->id };
    if (refused)
        r->error = -EACCES;
    else
        r->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(t->listener, SECCOMP_IOCTL_NOTIF_SEND, r); /* the caller may be gone */
}

/* Waits until fd has something; false when it never will, or the child has ended. */
static bool wait_for(const struct trace *t, int fd)
{
    struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
                           { .fd = t->stop, .events = POLLIN } };

    while (poll(p, 2, -1) < 0)
        if (errno != EINTR)
            return false;
    return p[0].revents & POLLIN;
}

static int receive(int socket)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    char byte;
    struct iovec part = { &byte, 1 };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof control };
    int fd;

    if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
        return -1;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}

/* The step waits while we look, so we may have its CPU (Linux 6.6); waking another one
 * takes longer than the rest. */
static void share_cpu(int listener)
{
    enum { SYNC_WAKE_UP = 1 };

    ioctl(listener, _IOW('!', 4, uint64_t), SYNC_WAKE_UP);
}

static void *watch(void *self)
{
    struct trace *t = self;
    struct seccomp_notif_sizes size = { 0 };
    struct seccomp_notif *n;
    struct seccomp_notif_resp *r;

    if (!wait_for(t, t->ours) || (t->listener = receive(t->ours)) < 0 ||
        syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &size) < 0)
        return NULL;
    share_cpu(t->listener);
    n = xcalloc(1, size.seccomp_notif > sizeof *n ? size.seccomp_notif : sizeof *n);
    r = xcalloc(1, size.seccomp_notif_resp > sizeof *r ? size.seccomp_notif_resp
                                                       : sizeof *r);
    while (wait_for(t, t->listener)) {
        memset(n, 0, size.seccomp_notif);
        if (ioctl(t->listener, SECCOMP_IOCTL_NOTIF_RECV, n) == 0)
            answer(t, n, r);
    }
    free(r);
    free(n);
    return NULL;
}

bool trace_is_possible(void)
{
    enum { GET_ACTION_AVAIL = 2 };
    uint32_t action = SECCOMP_RET_USER_NOTIF;

    return our_arch && syscall(SYS_seccomp, GET_ACTION_AVAIL, 0, &action) == 0;
}

int trace_new(struct trace **to, const char *root, const char *step, bool refuse,
              struct error *err)
{
    struct trace *t;
    int pair[2];

    *to = NULL;
    if (!our_arch)
        return TRACE_IMPOSSIBLE;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return error_system(err, "tracing a step");
    t = xcalloc(1, sizeof *t);
    *t = (struct trace){ .ours = pair[0], .theirs = pair[1], .listener = -1 };
    t->root = xstrdup(root);
    t->step = xstrdup(step);
    t->refuse = refuse;
    make_filter(t->filter);
    t->stop = eventfd(0, EFD_CLOEXEC);
    t->has_thread = t->stop >= 0 && thread_start(&t->thread, watch, t);
    if (!t->has_thread) {
        trace_free(t);
        return error_system(err, "tracing a step");
    }
    *to = t;
    return TRACE_READY;
}

static bool pass(int socket, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .head = { .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS,
                            .cmsg_len = CMSG_LEN(sizeof(int)) } };
    char byte = 0;
    struct iovec part = { &byte, 1 };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof control };

    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    return sendmsg(socket, &m, MSG_NOSIGNAL) == 1;
}

bool trace_enter(const struct trace *t)
{
    enum { LISTEN = 1 << 3, ONLY_DEATH_INTERRUPTS = 1 << 5 };
    struct sock_fprog program = { FILTER_SIZE, (void *)t->filter };
    long fd;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return false;
    fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, LISTEN | ONLY_DEATH_INTERRUPTS,
                 &program);
    if (fd < 0 && errno == EINVAL) /* a kernel older than 5.19 */
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, LISTEN, &program);
    if (fd >= 0 && !pass(t->theirs, (int)fd))
        close((int)fd); /* the exec then fails, rather than waits for ever */
    return fd >= 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void trace_started(struct trace *t)
{
    if (t)
        close_fd(&t->theirs);
}

void trace_end(struct trace *t)
{
    uint64_t one = 1;

    if (!t || !t->has_thread)
        return;
    while (write(t->stop, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(t->thread, NULL);
    t->has_thread = false;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    trace_end(t);
    close_fd(&t->listener);
    close_fd(&t->theirs);
    close_fd(&t->ours);
    close_fd(&t->stop);
    for (size_t i = 0; i < t->seen.n; i++)
        free(t->seen.entry[i].value);
    map_release(&t->seen);
    free(t->list);
    free(t->root);
    free(t->step);
    free(t);
}

bool trace_worked(const struct trace *t)
{
    return t->listener >= 0 && t->n_runs > 0;
}

bool trace_is_cut(const struct trace *t)
{
    return t->is_cut;
}

const char *trace_step(const struct trace *t)
{
    return t->step;
}

bool trace_network(const struct trace *t)
{
    return t->network;
}

size_t trace_runs(const struct trace *t)
{
    return t->n_runs;
}

const struct trace_entry *trace_seen(struct trace *t, size_t *n)
{
    if (!t->list)
        t->list = xcalloc(t->seen.n + 1, sizeof *t->list);
    *n = 0;
    for (size_t i = 0; i < t->seen.n; i++) {
        const struct seen *s = t->seen.entry[i].value;

        if (s->entry.how)
            t->list[(*n)++] = s->entry;
    }
    return t->list;
}
