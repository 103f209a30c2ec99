#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

/* Landlock's own numbers, since the system's header may be older than its kernel. */
enum {
    RULE_PATH_BENEATH = 1,
    ASK_VERSION = 1,
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_OF_ABI_1 = (1 << 13) - 1,
    FS_REFER = 1 << 13,
    FS_TRUNCATE = 1 << 14,
    FS_IOCTL_DEV = 1 << 15,
    NET_TCP = 3, /* bind and connect */
    SCOPE_ABSTRACT_UNIX_SOCKET = 1,
};
enum {
    FS_OF_A_FILE = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV
};

struct ruleset_attr {
    uint64_t fs, net, scoped;
};
struct path_beneath {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));

static const struct {
    const char *path;
    unsigned access;
} installed[] = {
    { "/usr", PERMIT_READ },
    { "/etc", PERMIT_READ },
    { "/proc", PERMIT_READ },
    { "/sys", PERMIT_READ },
    { "/bin", PERMIT_READ },
    { "/sbin", PERMIT_READ },
    { "/lib", PERMIT_READ },
    { "/lib32", PERMIT_READ },
    { "/lib64", PERMIT_READ },
    { "/libx32", PERMIT_READ },
    { "/opt", PERMIT_READ },
    { "/nix/store", PERMIT_READ },
    { "/gnu/store", PERMIT_READ },
    { "/var/lib/texmf", PERMIT_READ },
    { "/var/cache/fontconfig", PERMIT_READ },
    { "/dev/null", PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE },
    { "/dev/zero", PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE },
    { "/dev/full", PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE },
    { "/dev/random", PERMIT_READ | PERMIT_DEVICE },
    { "/dev/urandom", PERMIT_READ | PERMIT_DEVICE },
    { "/dev/tty", PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE },
    { "/dev/shm", PERMIT_READ | PERMIT_WRITE },
};
enum { N_INSTALLED = sizeof installed / sizeof installed[0], HIGH = 64 };

enum sandbox_mode sandbox_mode_of(const char *text)
{
    static const char *const word[] = { "off", "warn", "enforce" };
    enum sandbox_mode mode = SANDBOX_OFF;

    while (mode < N_SANDBOX && strcmp(text, word[mode]) != 0)
        mode++;
    return mode;
}

static long landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

    return abi < 0 ? 0 : abi;
}

/* /bin is /usr/bin on most machines: a rule of its own would only cost. */
static bool is_link(const char *path)
{
    struct stat s;

    return lstat(path, &s) == 0 && S_ISLNK(s.st_mode);
}

/* Away from the small numbers: some shells can only write to descriptors up to 9, and
 * steps are given some. */
static int open_high(const char *path)
{
    int low = open(path, O_PATH | O_CLOEXEC);
    int high = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, HIGH);

    if (low >= 0)
        close(low);
    return high;
}

void sandbox_open(struct sandbox *s)
{
    *s = (struct sandbox){ .abi = (int)landlock_abi() };
    for (size_t i = 0; i < N_INSTALLED; i++) {
        struct permit p = { .path = installed[i].path, .access = installed[i].access };

        p.real = realpath(p.path, NULL);
        if (!p.real || (is_link(p.path) && !strncmp(p.real, "/usr/", 5)) ||
            (p.fd = open_high(p.path)) < 0) {
            free(p.real);
            continue;
        }
        GROW(s->system, s->n_system + 1, s->cap_system);
        s->system[s->n_system++] = p;
    }
}

static void permit_release(struct permit *p)
{
    if (p->fd >= 0)
        close(p->fd);
    free(p->real);
}

static void ruleset_release(struct sandbox_ruleset *r)
{
    if (r->key)
        close(r->fd);
    free(r->key);
    *r = (struct sandbox_ruleset){ 0 };
}

void sandbox_close(struct sandbox *s)
{
    for (size_t i = 0; i < s->n_system; i++)
        permit_release(&s->system[i]);
    free(s->system);
    for (size_t i = 0; i < SANDBOX_RULESETS; i++)
        ruleset_release(&s->made[i]);
    *s = (struct sandbox){ 0 };
}

/* All rights to files that a kernel with this version of Landlock knows. */
static uint64_t known_rights(int abi)
{
    return FS_OF_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
           (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static uint64_t rights_of(unsigned access, bool is_folder, int abi)
{
    uint64_t rights = 0;

    if (access & PERMIT_READ)
        rights |= FS_EXECUTE | FS_READ_FILE | FS_READ_DIR;
    if (access & PERMIT_WRITE)
        rights |= known_rights(abi) &
                  ~(uint64_t)(FS_EXECUTE | FS_READ_FILE | FS_READ_DIR | FS_IOCTL_DEV);
    if (access & PERMIT_DEVICE)
        rights |= FS_IOCTL_DEV;
    return rights & known_rights(abi) & (is_folder ? ~(uint64_t)0 : FS_OF_A_FILE);
}

/* A file system whose files Landlock cannot rule is not refused by it either. */
static int add_rule(int ruleset, int abi, int fd, unsigned access)
{
    struct path_beneath rule = { .fd = fd };
    struct stat s;

    if (fstat(fd, &s) < 0)
        return -1;
    rule.access = rights_of(access, S_ISDIR(s.st_mode), abi);
    return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 &&
                   errno != EBADFD
               ? -1
               : 0;
}

static int new_ruleset(int abi, bool network)
{
    struct ruleset_attr attr = { .fs = known_rights(abi),
                                 .net = network ? 0 : NET_TCP,
                                 .scoped = network ? 0 : SCOPE_ABSTRACT_UNIX_SOCKET };
    size_t size = abi >= 6   ? sizeof attr
                  : abi >= 4 ? offsetof(struct ruleset_attr, scoped)
                             : offsetof(struct ruleset_attr, net);

    return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

void fence_open(struct fence *f, struct sandbox *s, bool enforce, bool network)
{
    *f = (struct fence){
        .sandbox = s, .ruleset = -1, .enforce = enforce, .network = network
    };
}

void fence_release(struct fence *f)
{
    for (size_t i = 0; i < f->n_own; i++)
        permit_release(&f->own[i]);
    free(f->own);
    arena_release(&f->arena);
    *f = (struct fence){ 0 };
}

void fence_permit(struct fence *f, const char *path, unsigned access)
{
    struct stat s;

    if (stat(path, &s) < 0)
        return;
    GROW(f->own, f->n_own + 1, f->cap_own);
    f->own[f->n_own++] = (struct permit){ .path = arena_strdup(&f->arena, path),
                                          .access = access,
                                          .fd = -1,
                                          .dev = s.st_dev,
                                          .ino = s.st_ino };
}

/* All that decides what a ruleset permits. */
static char *ruleset_key(const struct fence *f)
{
    struct buf key = { 0 };

    buf_printf(&key, "%d %d\n", f->sandbox->abi, f->network);
    for (size_t i = 0; i < f->n_own; i++)
        buf_printf(&key, "%u %llu %llu %s\n", f->own[i].access,
                   (unsigned long long)f->own[i].dev, (unsigned long long)f->own[i].ino,
                   f->own[i].path);
    return buf_take(&key);
}

static int add_own(const struct fence *f, int ruleset)
{
    int rc = 0;

    for (size_t i = 0; i < f->n_own && rc == 0; i++) {
        int fd = open(f->own[i].path, O_PATH | O_CLOEXEC);

        if (fd < 0)
            continue;
        rc = add_rule(ruleset, f->sandbox->abi, fd, f->own[i].access);
        close(fd);
    }
    return rc;
}

/* A new ruleset with all permits, or -1 with errno. */
static int make_ruleset(const struct fence *f)
{
    const struct sandbox *s = f->sandbox;
    int low = new_ruleset(s->abi, f->network), fd = -1, rc = low < 0 ? -1 : 0;

    for (size_t i = 0; i < s->n_system && rc == 0; i++)
        rc = add_rule(low, s->abi, s->system[i].fd, s->system[i].access);
    if (rc == 0)
        rc = add_own(f, low);
    if (rc == 0)
        fd = fcntl(low, F_DUPFD_CLOEXEC, HIGH);
    if (low >= 0)
        close(low);
    return fd;
}

int fence_close(struct fence *f, struct error *err)
{
    struct sandbox *s = f->sandbox;
    struct sandbox_ruleset *to;
    char *key;

    if (!f->enforce || !s->abi)
        return 0;
    key = ruleset_key(f);
    for (size_t i = 0; i < SANDBOX_RULESETS; i++)
        if (s->made[i].key && !strcmp(s->made[i].key, key)) {
            f->ruleset = s->made[i].fd;
            free(key);
            return 0;
        }
    f->ruleset = make_ruleset(f);
    if (f->ruleset < 0) {
        free(key);
        return error_system(err, "the sandbox");
    }
    to = &s->made[s->n_made++ % SANDBOX_RULESETS];
    ruleset_release(to);
    *to = (struct sandbox_ruleset){ key, f->ruleset };
    return 0;
}

/* Whether path is at or below the permit. */
static bool covers(const struct permit *p, const char *path)
{
    size_t n = p->real ? strlen(p->real) : 0;

    return n && !strncmp(path, p->real, n) && (path[n] == '\0' || path[n] == '/');
}

static void resolve(struct fence *f)
{
    for (size_t i = 0; i < f->n_own; i++)
        if (!f->own[i].real)
            f->own[i].real = realpath(f->own[i].path, NULL);
}

bool fence_gave(const struct fence *f, const char *path, const struct fs_state *st)
{
    for (size_t i = 0; i < f->n_own; i++)
        if (fs_is_below(path, f->own[i].path) ||
            (st->dev == f->own[i].dev && st->ino == f->own[i].ino))
            return true;
    return false;
}

bool fence_leads(const struct fence *f, const char *path)
{
    for (size_t i = 0; i < f->n_own; i++)
        if (!strcmp(path, "/") || fs_is_below(f->own[i].path, path))
            return true;
    return false;
}

bool fence_allows(struct fence *f, const char *path, unsigned access)
{
    unsigned got = 0;

    for (size_t i = 0; i < f->sandbox->n_system; i++)
        if (covers(&f->sandbox->system[i], path))
            got |= f->sandbox->system[i].access;
    resolve(f);
    for (size_t i = 0; i < f->n_own; i++)
        if (covers(&f->own[i], path))
            got |= f->own[i].access;
    return (got & access) == access;
}

/* ---- sockets ----------------------------------------------------------------------- */

/* The numbers of the machine's 32-bit architecture are its own. */
#if defined __x86_64__
static const uint32_t our_arch = AUDIT_ARCH_X86_64;
enum { OTHER_SOCKET = 359, OTHER_SOCKETCALL = 102 };
#elif defined __aarch64__
static const uint32_t our_arch = AUDIT_ARCH_AARCH64;
enum { OTHER_SOCKET = 281, OTHER_SOCKETCALL = 281 };
#endif

bool fence_enter(const struct fence *f)
{
    if (!f->enforce)
        return true;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return false;
    return f->ruleset < 0 || syscall(SYS_landlock_restrict_self, f->ruleset, 0) == 0;
}

/* socket() gives EACCES unless the family is one that stays on this machine. What runs
 * for the machine's other, 32-bit architecture gets no socket. */
bool fence_refuse_sockets(const struct fence *f)
{
#if defined __x86_64__ || defined __aarch64__
    enum { X32_BIT = 0x40000000 };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, our_arch, 0, 7),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)~X32_BIT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 7),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 4, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OTHER_SOCKET, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OTHER_SOCKETCALL, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
    };
    struct sock_fprog program = { sizeof code / sizeof code[0], code };

    return !f->enforce || f->network ||
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ||
           errno == ENOSYS || errno == EINVAL;
#else
    (void)f;
    return true; /* as far as Landlock goes */
#endif
}
