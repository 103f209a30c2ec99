#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "sandbox.h"

#include "larder/banned.h"

/* base/ro/file, base/rw/, base/no/file */
static char base[64];

static const char *at(const char *name)
{
    static char path[8][96];
    static int i;

    i = (i + 1) % 8;
    snprintf(path[i], sizeof path[i], "%s/%s", base, name);
    return path[i];
}

static void setup(void)
{
    snprintf(base, sizeof base, "/tmp/unit_sandbox.XXXXXX");
    cr_assert_not_null(mkdtemp(base));
    cr_assert_eq(fs_mkdirs(at("ro"), NULL), 0);
    cr_assert_eq(fs_mkdirs(at("rw/deep"), NULL), 0);
    cr_assert_eq(fs_mkdirs(at("no"), NULL), 0);
    cr_assert_eq(fs_write(at("ro/file"), "x", 1, false, NULL), 0);
    cr_assert_eq(fs_write(at("no/file"), "x", 1, false, NULL), 0);
    cr_assert_eq(fs_write(at("no/given"), "x", 1, false, NULL), 0);
}

static void teardown(void)
{
    fs_remove_tree(base, NULL);
}

TestSuite(sandbox, .init = setup, .fini = teardown);

static bool can_open(const char *name, int flags)
{
    return open(name[0] == '/' ? name : at(name), flags, 0666) >= 0;
}

/* In the fence. Returns the number of the first thing that is not as it should be. */
static int try_everything(int abi)
{
    if (!can_open("ro/file", O_RDONLY) || can_open("ro/file", O_WRONLY) ||
        can_open("ro/new", O_WRONLY | O_CREAT))
        return 1;
    if (!can_open("rw/new", O_RDWR | O_CREAT) || unlink(at("rw/new")) < 0 ||
        mkdir(at("rw/folder"), 0777) < 0 || symlink("x", at("rw/link")) < 0)
        return 2;
    if (can_open("no/file", O_RDONLY) || can_open("no/new", O_WRONLY | O_CREAT) ||
        can_open("no", O_RDONLY | O_DIRECTORY) || !can_open("no/given", O_RDONLY))
        return 3;
    if (!can_open("/etc/passwd", O_RDONLY) || !can_open("/dev/null", O_RDWR) ||
        can_open("/etc/larder-test", O_WRONLY | O_CREAT))
        return 4;
    if (abi >= 3 && truncate(at("ro/file"), 0) == 0)
        return 5;
    if (!can_open("rw/a", O_WRONLY | O_CREAT) ||
        (rename(at("rw/a"), at("rw/deep/a")) == 0) != (abi >= 2))
        return 6;
    if (link(at("ro/file"), at("rw/hard")) == 0)
        return 7; /* it could then be written to */
    if (socket(AF_INET, SOCK_DGRAM, 0) >= 0 || socket(AF_INET6, SOCK_STREAM, 0) >= 0 ||
        socket(AF_UNIX, SOCK_STREAM, 0) < 0)
        return 8;
    return 0;
}

static void permit(struct fence *f)
{
    struct error err = { 0 };

    fence_permit(f, at("ro"), PERMIT_READ);
    fence_permit(f, at("rw"), PERMIT_READ | PERMIT_WRITE);
    fence_permit(f, at("no/given"), PERMIT_READ);
    fence_permit(f, at("absent"), PERMIT_READ);
    cr_assert_eq(fence_close(f, &err), 0, "%s", err.text);
}

/* Every version up to the kernel's: a newer kernel takes the rules of an older one. */
Test(sandbox, holds_with_every_version_of_landlock)
{
    struct sandbox s;
    int newest;

    sandbox_open(&s);
    newest = s.abi;
    if (!newest)
        cr_skip_test("this kernel has no Landlock");
    for (s.abi = 1; s.abi <= newest; s.abi++) {
        struct fence f;
        int status;

        fence_open(&f, &s, true, false);
        permit(&f);
        if (fork() == 0)
            _exit(fence_enter(&f) && fence_refuse_sockets(&f) ? try_everything(s.abi)
                                                              : 99);
        wait(&status);
        cr_expect_eq(WEXITSTATUS(status), 0, "version %d: %d", s.abi,
                     WEXITSTATUS(status));
        fence_release(&f);
        teardown();
        setup();
    }
    sandbox_close(&s);
}

Test(sandbox, network_and_modes_open_it)
{
    struct sandbox s;
    struct error err = { 0 };

    sandbox_open(&s);
    for (int mode = 0; mode < 2; mode++) {
        struct fence f;
        int status;

        fence_open(&f, &s, mode, true);
        cr_assert_eq(fence_close(&f, &err), 0, "%s", err.text);
        if (fork() == 0)
            _exit(!fence_enter(&f) || !fence_refuse_sockets(&f) ||
                  socket(AF_INET, SOCK_DGRAM, 0) < 0 ||
                  can_open("no/file", O_RDONLY) != (!mode || !s.abi));
        wait(&status);
        cr_expect_eq(WEXITSTATUS(status), 0, "mode %d", mode);
        fence_release(&f);
    }
    sandbox_close(&s);
}

Test(sandbox, knows_what_it_permits)
{
    struct fs_state ro, none = { 0 };
    struct sandbox s;
    struct fence f;

    sandbox_open(&s);
    fence_open(&f, &s, false, false);
    permit(&f);
    cr_expect(fence_allows(&f, at("ro/file"), PERMIT_READ));
    cr_expect(fence_allows(&f, at("ro"), PERMIT_READ));
    cr_expect_not(fence_allows(&f, at("rooms"), PERMIT_READ));
    cr_expect_not(fence_allows(&f, at("ro/file"), PERMIT_READ | PERMIT_WRITE));
    cr_expect(fence_allows(&f, at("rw/x"), PERMIT_READ | PERMIT_WRITE));
    cr_expect(fence_allows(&f, "/usr/bin/env", PERMIT_READ));
    cr_expect_not(fence_allows(&f, "/usr/bin/env", PERMIT_WRITE));
    fs_stat(at("ro"), &ro, NULL);
    cr_expect(fence_gave(&f, at("ro/file"), &none));
    cr_expect(fence_gave(&f, "/by/another/name", &ro));
    cr_expect_not(fence_gave(&f, "/usr/bin/env", &none));
    cr_expect(fence_leads(&f, "/") && fence_leads(&f, at("ro")));
    cr_expect_not(fence_leads(&f, "/usr"));
    fence_release(&f);
    fence_release(&(struct fence){ 0 });
    sandbox_close(&s);
}

Test(sandbox, modes_have_names)
{
    cr_expect_eq(sandbox_mode_of("off"), SANDBOX_OFF);
    cr_expect_eq(sandbox_mode_of("warn"), SANDBOX_WARN);
    cr_expect_eq(sandbox_mode_of("enforce"), SANDBOX_ENFORCE);
    cr_expect_eq(sandbox_mode_of("on"), N_SANDBOX);
}
