#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helper.h"
#include "larder/fs.h"
#include "own_folder.h"

#define SERVER "registry.example.org:5000"

enum { LONG_MS = 20000 };

TestSuite(helper, .init = enter_folder, .fini = leave_folder);

/* Makes docker-credential-NAME of lines of shell, the one program but for the system's.
 */
static void make(const char *name, const char *lines)
{
    struct buf path = { 0 }, text = { 0 };

    buf_printf(&path, "%s:/usr/bin:/bin", own_folder);
    setenv("PATH", path.s, 1);
    buf_reset(&path);
    buf_printf(&path, "docker-credential-%s", name);
    buf_printf(&text, "#!/bin/sh\n%s\n", lines);
    put(path.s, text.s);
    cr_assert(eq(int, chmod(path.s, 0700), 0));
    buf_release(&path);
    buf_release(&text);
}

static size_t open_descriptors(void)
{
    char **names;
    size_t n;

    cr_assert(eq(int, fs_list("/proc/self/fd", &names, &n, NULL), 0));
    free(names);
    return n;
}

/* What comes of asking; in any case nothing stays behind. */
static int ask(const char *name, int limit_ms, struct credential *c, struct error *err)
{
    size_t before = open_descriptors();
    int rc = helper_ask(name, SERVER, limit_ms, c, err);

    cr_assert(eq(sz, open_descriptors(), before));
    cr_assert(lt(int, waitpid(-1, NULL, WNOHANG), 0), "there is a child left");
    return rc;
}

/* Lines that make an error with these words in it, and nothing secret. */
static void fails(const char *lines, int limit_ms, const char *words)
{
    struct credential c = { 0 };
    struct error err = { 0 };

    make("x", lines);
    cr_assert(eq(int, ask("x", limit_ms, &c, &err), E_REMOTE), "%s", lines);
    cr_assert(strstr(err.text, words) != NULL, "%s: %s", lines, err.text);
    cr_assert(strstr(err.text, "sesame") == NULL, "%s", err.text);
    cr_assert(c.basic.len == 0 && c.token.len == 0);
    credential_release(&c);
}

Test(helper, gives_a_name_and_a_password)
{
    struct credential c = { 0 };
    struct error err = { 0 };

    make("x.y-1_Z",
         "test \"$*\" = get && test \"$(cat)\" = " SERVER " && echo noise >&2 &&\n"
         "echo '{\"ServerURL\":\"" SERVER
         "\",\"Username\":\"lab\",\"Secret\":\"secret\"}'");
    cr_assert(eq(int, ask("x.y-1_Z", LONG_MS, &c, &err), HELPER_FOUND), "%s", err.text);
    cr_assert(eq(str, c.basic.s, (char *)"bGFiOnNlY3JldA=="));
    cr_assert(eq(sz, c.token.len, 0));
    credential_release(&c);
}

Test(helper, inherits_none_of_our_descriptors)
{
    struct credential c = { 0 };
    struct error err = { 0 };

    cr_assert(gt(int, dup(2), 2)); /* one that exec does not close */
    make("x", "for fd in 3 4 5 6 7 8 9; do test ! -e /proc/$$/fd/$fd || "
              "readlink /proc/$$/fd/$fd | grep -q docker-credential || exit 1; done\n"
              "echo '{\"Username\":\"a\",\"Secret\":\"b\"}'");
    cr_assert(eq(int, ask("x", LONG_MS, &c, &err), HELPER_FOUND), "%s", err.text);
    credential_release(&c);
}

Test(helper, has_none_for_a_server)
{
    struct credential c = { 0 };
    struct error err = { 0 };

    make("x", "echo 'credentials not found in native keychain'; exit 1");
    cr_assert(eq(int, ask("x", LONG_MS, &c, &err), HELPER_NONE), "%s", err.text);
    cr_assert(c.basic.len == 0 && c.token.len == 0);
}

Test(helper, that_fails_is_told_without_what_it_prints)
{
    static const char again[] = "log in again with `docker login " SERVER "`";

    fails("echo '{\"Username\":\"a\",\"Secret\":\"sesame\"}'; exit 3", LONG_MS,
          "docker-credential-x fails with exit status 3; log in again");
    fails("echo sesame; kill -9 $$", LONG_MS, "fails with signal 9");
    fails("echo sesame", LONG_MS, again);
    fails("echo '{\"Username\":\"a:sesame\",\"Secret\":\"sesame\"}'", LONG_MS, again);
    fails("", LONG_MS, "prints no login");
}

Test(helper, that_prints_without_end_is_ended)
{
    fails("exec yes sesame", LONG_MS, "prints more than 64 KiB");
}

/* A process that has ended, also one that nobody has waited for. */
static bool has_ended(const char *pid_file)
{
    struct buf path = { 0 }, text = { 0 };
    bool ended;

    buf_adds(&path, "/proc/");
    cr_assert(eq(int, fs_read(pid_file, &path, NULL), 0));
    buf_cut(&path, path.len - 1); /* the end of the line */
    buf_adds(&path, "/stat");
    ended = !fs_exists(path.s) || fs_read(path.s, &text, NULL) < 0 ||
            strstr(buf_str(&text), ") Z ") != NULL;
    buf_release(&path);
    buf_release(&text);
    return ended;
}

Test(helper, that_hangs_is_ended_with_all_that_it_has_started)
{
    const struct timespec pause = { 0, 20000000 };
    time_t began = time(NULL);

    fails("sleep 1000 & echo $! > pid; wait", 300, "gave no answer for 0.3 s");
    for (int i = 0; i < 500 && !has_ended("pid"); i++)
        nanosleep(&pause, NULL);
    cr_assert(has_ended("pid"));
    fails("exec sleep 1000 > /dev/null", 100, "gave no answer for 0.1 s and was ended");
    cr_assert(lt(long, (long)(time(NULL) - began), 60));
}

Test(helper, that_is_missing_is_told_with_what_to_do)
{
    struct credential c = { 0 };
    struct error err = { 0 };

    make("x", "echo '{\"Username\":\"a\",\"Secret\":\"b\"}'");
    cr_assert(eq(int, ask("y", LONG_MS, &c, &err), E_REMOTE));
    cr_assert(strstr(err.text,
                     "docker-credential-y, which is to have the login, is in no "
                     "folder of PATH; install it") != NULL,
              "%s", err.text);
    setenv("PATH", ".::/usr/bin", 1); /* the folder of a project is no place for one */
    cr_assert(eq(int, ask("x", LONG_MS, &c, &err), E_REMOTE));
    unsetenv("PATH");
    cr_assert(eq(int, ask("x", LONG_MS, &c, &err), E_REMOTE));
    make("x", "");
    put("docker-credential-x", "\177ELF of another machine");
    cr_assert(eq(int, chmod("docker-credential-x", 0700), 0));
    cr_assert(eq(int, ask("x", LONG_MS, &c, &err), E_REMOTE));
    cr_assert(strstr(err.text, "cannot start /tmp/") != NULL, "%s", err.text);
}

Test(helper, whose_name_is_no_word_is_not_run)
{
    static const char *const names[] = { "", "a/b", "../x", "x y", "x;y", "x\n", "$x" };

    make("x", "touch ran");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct credential c = { 0 };
        struct error err = { 0 };

        cr_assert(eq(int, ask(names[i], LONG_MS, &c, &err), E_REMOTE), "%s", names[i]);
        cr_assert(strstr(err.text, "as no program is called") != NULL, "%s", err.text);
    }
    cr_assert(not(fs_exists("ran")));
}

Test(helper, is_asked_once_for_each_server)
{
    struct buf asked = { 0 };

    make("x", "echo $(cat) >> asked; echo '{\"Username\":\"<token>\",\"Secret\":\"b\"}'");
    for (int i = 0; i < 4; i++) {
        struct credential c = { 0 };
        struct error err = { 0 };
        int rc = helper_find("x", i & 1 ? "one" : "two", &c, &err);

        cr_assert(eq(int, rc, HELPER_FOUND), "%s", err.text);
        cr_assert(eq(str, c.token.s, (char *)"b"));
        credential_release(&c);
        rc = helper_find("y", "one", &c, &err);
        cr_assert(rc == E_REMOTE && strstr(err.text, "is in no folder"), "%s", err.text);
        credential_release(&c);
    }
    cr_assert(eq(int, fs_read("asked", &asked, NULL), 0));
    cr_assert(eq(str, asked.s, (char *)"two\none\n"));
    buf_release(&asked);
}

/* ---- what one prints --------------------------------------------------------------- */

Test(credential, is_written_as_a_server_wants_it)
{
    static const struct {
        const char *text, *basic, *token;
    } cases[] = {
        { "{\"Username\":\"a\",\"Secret\":\"b\"}", "YTpi", "" },
        { "{\"Username\":\"ab\",\"Secret\":\"c\"}", "YWI6Yw==", "" },
        { "{\"Username\":\"ab\",\"Secret\":\"c:\"}", "YWI6Yzo=", "" },
        { "{\"Username\":\"a\",\"Secret\":\"\xc3\xbf\xc3\xbf\"}", "YTrDv8O/", "" },
        { "{\"Username\":\"<token>\",\"Secret\":\"a b\"}", "", "a b" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct credential c = { 0 };

        cr_assert(
            eq(int, credential_read(cases[i].text, strlen(cases[i].text), &c, NULL), 0));
        cr_assert_str_eq(buf_str(&c.basic), cases[i].basic);
        cr_assert_str_eq(buf_str(&c.token), cases[i].token);
        credential_release(&c);
    }
}

Test(credential, that_is_none_is_refused)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "secret",
        "{\"Username\":\"a\"}",
        "{\"Secret\":\"a\"}",
        "{\"Username\":\"\",\"Secret\":\"b\"}",
        "{\"Username\":\"a\",\"Secret\":\"\"}",
        "{\"Username\":\"a:b\",\"Secret\":\"b\"}",
        "{\"Username\":1,\"Secret\":\"b\"}",
        "{\"Username\":\"a\",\"Secret\":[\"b\"]}",
        "{\"Username\":\"a\",\"Secret\":\"b\\u0000c\"}",
        "{\"Username\":\"a\",\"Secret\":\"b\"} {}",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct credential c = { 0 };

        cr_assert_eq(credential_read(bad[i], strlen(bad[i]), &c, NULL), E_REMOTE, "%s",
                     bad[i]);
        cr_assert(c.basic.len == 0 && c.token.len == 0);
    }
}
