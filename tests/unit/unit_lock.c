/*
 * Pins and larder.lock: one spelling, one order, and lines that several processes add at
 * once.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "larder/fs.h"
#include "larder/md5.h"
#include "lock.h"
#include "pin.h"

static char dir[] = "/tmp/unit_lock.XXXXXX";
static char path[64];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/larder.lock", dir);
}

static void end(void)
{
    fs_remove_tree(dir, NULL);
}

static struct object object_of(const char *text)
{
    struct object o = { .kind = OBJECT_FILE, .size = (long long)strlen(text) };

    digest_bytes(&o.id, text, strlen(text));
    return o;
}

static int add(const char *name, const char *pins, const char *content, struct error *err)
{
    struct lock_line line = { name, pins, object_of(content), 0 };

    return lock_add(path, "larder.lock", &line, err);
}

Test(lock, is_sorted_and_has_each_line_once, .init = begin, .fini = end)
{
    struct arena arena = { 0 };
    struct buf text = { 0 };
    struct lock l;

    cr_assert_eq(add("import.b", "size=1", "b", NULL), 0);
    cr_assert_eq(add("import.a[m=2]", "size=1", "a", NULL), 0);
    cr_assert_eq(add("import.a[m=2]", "md5=0", "a", NULL), 0);
    cr_assert_eq(add("import.b", "size=1", "b", NULL), 0);
    cr_assert_eq(fs_read(path, &text, NULL), 0);
    cr_assert_str_eq(text.s,
                     "larder-lock 1\n"
                     "import.a[m=2] md5=0 file sha256:ca978112ca1bbdcafac231b39a23dc4da"
                     "786eff8147c4e72b9807785afee48bb 1\n"
                     "import.a[m=2] size=1 file sha256:ca978112ca1bbdcafac231b39a23dc4da"
                     "786eff8147c4e72b9807785afee48bb 1\n"
                     "import.b size=1 file sha256:3e23e8160039594a33894f6564e1b1348bbd7a"
                     "0088d42c4acb73eeaed59c009d 1\n");
    cr_assert_eq(lock_read(&l, &arena, path, "larder.lock", NULL), 0);
    cr_assert_eq(l.n, 3);
    cr_assert_eq(lock_find(&l, "import.b", "size=1")->number, 4);
    cr_assert_null(lock_find(&l, "import.b", "size=2"));
    arena_release(&arena);
    buf_release(&text);
}

Test(lock, keeps_what_it_has, .init = begin, .fini = end)
{
    struct error err = { 0 };
    struct buf before = { 0 }, after = { 0 };

    cr_assert_eq(add("import.b", "size=1", "b", NULL), 0);
    fs_read(path, &before, NULL);
    cr_assert_eq(add("import.b", "size=1", "c", &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "larder.lock:2 has another digest of import.b"));
    fs_read(path, &after, NULL);
    cr_assert_str_eq(before.s, after.s);
    buf_release(&before);
    buf_release(&after);
}

Test(lock, loses_no_line_of_several_processes, .init = begin, .fini = end)
{
    enum { PROCESSES = 8, LINES = 12 };
    struct arena arena = { 0 };
    struct lock l;

    for (int p = 0; p < PROCESSES; p++) {
        if (fork() != 0)
            continue;
        for (int i = 0; i < LINES; i++) {
            char name[64];
            snprintf(name, sizeof name, "import.i[m=%d-%d]", i, p);
            if (add(name, "size=1", "x", NULL) < 0)
                _exit(1);
        }
        _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 1;
        wait(&status);
        cr_assert_eq(status, 0);
    }
    cr_assert_eq(lock_read(&l, &arena, path, "larder.lock", NULL), 0);
    cr_assert_eq(l.n, PROCESSES * LINES);
    arena_release(&arena);
}

Test(pin, has_one_spelling)
{
    struct pin p = { .size = -1 };
    char prefix[] = "BA7816bf", md5[] = "900150983CD24FB0D6963F7D28E17F72",
         size[] = "003";
    struct buf text = { 0 };

    cr_assert(!pin_is_weak(&p));
    cr_assert(pin_set_size(&p, size));
    cr_assert(pin_set_prefix(&p, prefix));
    cr_assert(pin_set_md5(&p, md5));
    cr_assert(pin_is_weak(&p));
    pin_write(&p, &text);
    cr_assert_str_eq(
        text.s, "md5=900150983cd24fb0d6963f7d28e17f72,sha256-prefix=ba7816bf,size=3");
    buf_release(&text);
}

Test(pin, is_checked_in_every_part, .init = begin, .fini = end)
{
    char prefix[] = "ba7816bf", other[] = "ba7816be";
    char md5[] = "900150983cd24fb0d6963f7d28e17f72",
         wrong[] = "00000000000000000000000000000000";
    struct object o = object_of("abc");
    struct buf story = { 0 };
    struct pin p = { .size = 3 };

    fs_write(path, "abc", 3, false, NULL);
    pin_set_prefix(&p, prefix);
    pin_set_md5(&p, md5);
    cr_assert_eq(pin_check(&p, &o, path, &story, NULL), PIN_FITS);
    pin_set_prefix(&p, other);
    cr_assert_eq(pin_check(&p, &o, path, &story, NULL), PIN_DIFFERS);
    pin_set_prefix(&p, prefix);
    pin_set_md5(&p, wrong);
    cr_assert_eq(pin_check(&p, &o, path, &story, NULL), PIN_DIFFERS);
    pin_set_md5(&p, md5);
    p.size = 4;
    cr_assert_eq(pin_check(&p, &o, path, &story, NULL), PIN_DIFFERS);
    buf_release(&story);
}

Test(md5, of_the_vectors_of_rfc_1321, .init = begin, .fini = end)
{
    char hex[MD5_HEX + 1];

    fs_write(path, "", 0, false, NULL);
    cr_assert_eq(md5_file(hex, path, NULL), 0);
    cr_assert_str_eq(hex, "d41d8cd98f00b204e9800998ecf8427e");
    fs_write(path, "message digest", 14, false, NULL);
    cr_assert_eq(md5_file(hex, path, NULL), 0);
    cr_assert_str_eq(hex, "f96b697d7cb7938d525a2f31aaf161d0");
}
