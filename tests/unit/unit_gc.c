#include "larder/gc.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "envelope.h"
#include "larder/lease.h"
#include "larder/pins.h"
#include "larder/remote_gc.h"
#include "larder/use.h"
#include "signed.h"
#include "store_fixture.h"

/* What went, a line each. */
struct heard {
    struct buf text;
    struct gc_totals totals;
    /* done once what goes has been decided, and before the first of it goes */
    void (*between)(struct fixture *f);
    struct fixture *f;
};

static void hear(void *self, const struct gc_item *item)
{
    static const char *const why[] = { "unnamed", "lost", "old", "dear" };
    struct heard *h = self;

    buf_printf(&h->text, "%s %s %zu %lld\n", why[item->why],
               item->step ? item->step : "-", item->n_objects, item->bytes);
    if (item->why == GC_UNNAMED && h->between)
        h->between(h->f);
}

/* What a test has made, to be given back at its end. */
static struct record *made[16];
static size_t n_made;
static struct heard *heard;

static struct record *kept(struct record *r)
{
    cr_assert(n_made < sizeof made / sizeof *made);
    return made[n_made++] = r;
}

static void end(struct fixture *f)
{
    while (n_made > 0)
        record_free(made[--n_made]);
    if (heard)
        buf_release(&heard->text);
    heard = NULL;
    fixture_free(f);
}

/* Longer than a tick of the file system's clock, so that what was made before is older
 * than a grace of nothing. */
static void let_it_age(void)
{
    usleep(20000);
}

static int gc_as(struct fixture *f, struct heard *h, const struct gc_order *order,
                 struct error *err)
{
    struct gc_order own = *order;

    buf_reset(&h->text);
    heard = h;
    own.tell = hear;
    own.self = h;
    let_it_age();
    return store_gc(f->st, &own, &h->totals, err);
}

static const char *gc(struct fixture *f, struct heard *h, long long quota, double older)
{
    struct error err = { 0 };
    int rc = gc_as(f, h, &(struct gc_order){ .quota = quota, .older = older }, &err);

    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert(store_fsck(f->st, NULL, NULL, NULL) >= 0);
    return buf_str(&h->text);
}

static void key_of(const char *name, struct digest *key)
{
    char text[64];

    snprintf(text, sizeof text, "%s\n", name);
    digest_bytes(key, text, strlen(text));
}

/* A result of n objects; name is that of its step, and decides its key. */
static struct record *add_results(struct fixture *f, const char *name,
                                  const struct object *o, size_t n, double seconds)
{
    char text[64];
    struct record *r;
    struct error err = { 0 };

    snprintf(text, sizeof text, "%s\n", name);
    r = make_record(text, o, n);
    r->step = arena_strdup(&r->arena, name);
    r->wall = seconds;
    cr_assert_eq(store_record(f->st, r, false, &err), 0, "%s", err.text);
    return kept(r);
}

static struct record *add_result(struct fixture *f, const char *name,
                                 const struct object *o, double seconds)
{
    return add_results(f, name, o, 1, seconds);
}

static struct object add_bytes(struct fixture *f, char c, size_t n)
{
    struct object o;
    struct error err = { 0 };
    char *bytes = malloc(n);

    memset(bytes, c, n);
    cr_assert_eq(store_add_bytes(f->st, bytes, n, false, &o, &err), 0, "%s", err.text);
    free(bytes);
    return o;
}

static bool is_here(struct fixture *f, const struct object *o)
{
    return store_check(f->st, o, true, NULL, NULL) == OBJECT_FINE;
}

static bool is_hit(struct fixture *f, const struct record *r)
{
    struct record *found = NULL;
    int rc = store_find_record(f->st, &r->key, &r->id, &found, NULL);

    record_free(found);
    return rc == STORE_HIT;
}

static struct use *open_use(struct fixture *f)
{
    struct use *u = NULL;
    struct error err = { 0 };

    cr_assert_eq(use_open(&u, f->st, &err), 0, "%s", err.text);
    return u;
}

Test(gc, what_no_record_names_goes_with_all_that_is_in_it)
{
    struct fixture *f = fixture_new(true);
    struct object folder = add_folder(f, "out"), kept = add_text(f, "apple\n");
    struct record *r = add_result(f, "a", &kept, 1);
    struct heard h = { 0 };

    /* the folder has the same apple */
    cr_assert_str_eq(gc(f, &h, -1, -1), "unnamed - 5 474\n");
    cr_assert_eq(h.totals.n_objects, 5);
    cr_assert_not(is_here(f, &folder));
    cr_assert(is_here(f, &kept));
    cr_assert(is_hit(f, r));
    cr_assert_str_eq(gc(f, &h, -1, -1), "");
    end(f);
}

Test(gc, what_is_younger_than_the_grace_stays)
{
    struct fixture *f = fixture_new(true);
    struct object loose = add_text(f, "loose"), o = add_text(f, "o");
    struct record *r = add_result(f, "a", &o, 1);
    struct heard h = { 0 };

    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ .grace = 3600, .older = 0 }, NULL), 0);
    cr_assert_str_eq(buf_str(&h.text), "");
    cr_assert_eq(h.totals.recent, 6);
    cr_assert(is_here(f, &loose) && is_here(f, &o) && is_hit(f, r));
    end(f);
}

Test(gc, looking_only_removes_nothing_and_says_the_same)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_bytes(f, 'a', 1000), b = add_bytes(f, 'b', 1000);
    struct record *r = add_result(f, "a", &a, 1);
    struct gc_order look = { .quota = 0, .older = -1, .dry_run = true };
    struct heard h = { 0 };
    struct gc_totals would;

    cr_assert_eq(gc_as(f, &h, &look, NULL), 0);
    would = h.totals;
    cr_assert_str_eq(buf_str(&h.text), "unnamed - 1 1000\ndear a 1 1000\n");
    cr_assert(is_here(f, &a) && is_here(f, &b) && is_hit(f, r));
    cr_assert_str_eq(gc(f, &h, 0, -1), "unnamed - 1 1000\ndear a 1 1000\n");
    cr_assert_eq(memcmp(&would, &h.totals, sizeof would), 0);
    cr_assert_eq(would.bytes, 2000);
    end(f);
}

Test(gc, the_cheapest_for_its_size_goes_first_and_no_more_than_must)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_bytes(f, 'a', 1000), b = add_bytes(f, 'b', 3000),
                  c = add_bytes(f, 'c', 500);
    struct record *slow = add_result(f, "slow", &a, 100);  /* 0.1 s a byte */
    struct record *quick = add_result(f, "quick", &b, 30); /* 0.01 */
    struct record *small = add_result(f, "small", &c, 10); /* 0.02 */
    struct heard h = { 0 };

    cr_assert_str_eq(gc(f, &h, 4500, -1), "");
    cr_assert_str_eq(gc(f, &h, 4499, -1), "dear quick 1 3000\n");
    cr_assert_str_eq(gc(f, &h, 1499, -1), "dear small 1 500\n");
    cr_assert(is_hit(f, slow) && !is_hit(f, quick) && !is_hit(f, small));
    cr_assert_float_eq(h.totals.seconds, 10, 1e-9);
    end(f);
}

Test(gc, what_two_name_counts_half_for_each_and_goes_with_the_second)
{
    struct fixture *f = fixture_new(true);
    struct object both = add_bytes(f, 'b', 1000), own = add_bytes(f, 'o', 600);
    struct record *one = add_result(f, "one", &both, 1), /* 1 s for 500 bytes */
        *two = add_result(f, "two", &both, 2),           /* 2 s for 500 */
            *three = add_result(f, "three", &own, 0.6);  /* 0.001 s a byte */
    struct heard h = { 0 };

    cr_assert_str_eq(gc(f, &h, 1000, -1), "dear three 1 600\n");
    cr_assert_str_eq(gc(f, &h, 999, -1), "dear one 0 0\ndear two 1 1000\n");
    cr_assert(!is_hit(f, one) && !is_hit(f, two) && !is_hit(f, three));
    end(f);
}

Test(gc, what_is_pinned_stays_and_a_damaged_pin_stops_all)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_bytes(f, 'o', 100);
    struct record *r = add_result(f, "step", &o, 1);
    struct pins_step step = { r->key, "step" };
    struct pins_entry pin = { "paper", "/home/a", &step, 1, 0 }, *found, other;
    struct arena arena = { 0 };
    struct error err = { 0 };
    struct heard h = { 0 };
    size_t n;

    cr_assert_eq(pins_add(f->st, &pin, &err), 0, "%s", err.text);
    cr_assert_eq(pins_add(f->st, &pin, &err), 0, "the same again is fine");
    other = pin;
    other.project = "/home/b";
    cr_assert_eq(pins_add(f->st, &other, &err), E_USAGE);
    cr_assert_eq(pins_list(f->st, &arena, &found, &n, &err), 0, "%s", err.text);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(found->name, "paper");
    cr_assert_str_eq(found->project, "/home/a");
    cr_assert_eq(found->n, 1);
    cr_assert_str_eq(found->step[0].name, "step");
    cr_assert(digest_equal(&found->step[0].key, &r->key));

    cr_assert_str_eq(gc(f, &h, 0, 0), "");
    cr_assert_eq(h.totals.pinned, 100);
    snprintf(f->path, sizeof f->path, "%s/store/pins/paper", f->dir);
    flip_byte(f->path, 40);
    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ 0 }, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "the pin paper is damaged"), "%s", err.text);
    cr_assert(is_here(f, &o));
    cr_assert_eq(pins_remove(f->st, "paper", &err), 0, "%s", err.text);
    cr_assert_eq(pins_remove(f->st, "paper", &err), E_USAGE);
    cr_assert_str_eq(gc(f, &h, 0, -1), "dear step 1 100\n");
    arena_release(&arena);
    end(f);
}

Test(gc, what_a_process_that_lives_has_found_stays)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_bytes(f, 'o', 100), loose = add_folder(f, "out"),
                  own = add_bytes(f, 'p', 10);
    struct record *r = add_result(f, "step", &o, 1), *found;
    struct heard h = { 0 };
    struct use *u;

    let_it_age();
    u = open_use(f);
    cr_assert_eq(store_find_record(f->st, &r->key, &r->id, &found, NULL), STORE_HIT);
    record_free(found);
    use_note_object(f->st, &loose);
    cr_assert_str_eq(gc(f, &h, 0, 0), "unnamed - 1 10\n", "%s", buf_str(&h.text));
    cr_assert_gt(h.totals.used, 100 + loose.size, "the texts of folders count");
    cr_assert_eq(h.totals.used + h.totals.bytes, h.totals.before);
    cr_assert(is_here(f, &o) && is_here(f, &loose) && !is_here(f, &own));
    use_close(u);
    cr_assert_str_eq(gc(f, &h, 0, 0), "unnamed - 6 480\nold step 1 100\n");
    end(f);
}

Test(gc, what_was_made_since_a_process_that_lives_began_stays)
{
    struct fixture *f = fixture_new(true);
    struct object old = add_bytes(f, 'o', 100), again = add_bytes(f, 'a', 10), made;
    struct heard h = { 0 };
    struct use *u;

    let_it_age();
    u = open_use(f);
    made = add_bytes(f, 'm', 20);
    add_bytes(f, 'a', 10); /* is there already, and nobody names it yet */
    cr_assert_str_eq(gc(f, &h, -1, -1), "unnamed - 1 100\n");
    cr_assert(is_here(f, &made) && is_here(f, &again) && !is_here(f, &old));
    use_close(u);
    cr_assert_str_eq(gc(f, &h, -1, -1), "unnamed - 2 30\n");
    end(f);
}

/* ---- between the decision and the deed
 * ------------------------------------------------- Each has a file that goes, so that
 * `between` is called. */

static struct object folder;
static struct record *result;
static struct use *in_use;

static const char *gc_between(struct fixture *f, void (*between)(struct fixture *f))
{
    static struct heard h;

    h = (struct heard){ .between = between, .f = f };
    add_bytes(f, 'g', 1);
    return gc(f, &h, 0, -1);
}

static void find_it(struct fixture *f)
{
    in_use = open_use(f);
    cr_assert(is_hit(f, result));
}

Test(gc, what_is_found_meanwhile_stays)
{
    struct fixture *f = fixture_new(true);

    folder = add_folder(f, "out");
    result = add_result(f, "step", &folder, 1);
    cr_assert_str_eq(gc_between(f, find_it), "unnamed - 1 1\n");
    cr_assert(is_hit(f, result) && is_here(f, &folder));
    use_close(in_use);
    end(f);
}

static void find_and_end(struct fixture *f)
{
    find_it(f);
    use_close(in_use);
}

Test(gc, what_is_found_by_a_process_that_has_ended_stays_this_time)
{
    struct fixture *f = fixture_new(true);

    folder = add_folder(f, "out");
    result = add_result(f, "step", &folder, 1);
    cr_assert_str_eq(gc_between(f, find_and_end), "unnamed - 1 1\n");
    cr_assert(is_hit(f, result) && is_here(f, &folder));
    end(f);
}

static void add_again(struct fixture *f)
{
    struct object again = add_folder(f, "out");

    result = add_result(f, "step", &again, 1);
}

Test(gc, what_is_added_again_meanwhile_stays)
{
    struct fixture *f = fixture_new(true);

    folder = add_folder(f, "out"); /* that no record names yet */
    gc_between(f, add_again);
    cr_assert(is_hit(f, result) && is_here(f, &folder));
    end(f);
}

static void fetch_it(struct fixture *f)
{
    struct record *r = kept(make_record("step\n", &folder, 1));
    struct buf text = { 0 };
    struct error err = { 0 };

    record_write(r, &text);
    in_use = open_use(f);
    cr_assert_eq(signed_keep(f->st, r, text.s, text.len, &err), 0, "%s", err.text);
    use_close(in_use);
    buf_release(&text);
    result = r;
}

Test(gc, what_a_record_names_that_came_meanwhile_stays)
{
    struct fixture *f = fixture_new(true);

    folder = add_folder(f, "out");
    gc_between(f, fetch_it);
    cr_assert(is_hit(f, result) && is_here(f, &folder));
    end(f);
}

Test(gc, who_cannot_write_down_what_it_uses_keeps_all_of_it)
{
    struct fixture *f = fixture_new(true);
    struct flock lock = { .l_type = F_WRLCK,
                          .l_start = ((off_t)1 << 62) - 1,
                          .l_len = 1 };
    struct use *u;
    int fd = open(fixture_path(f, "store/locks"), O_RDWR | O_CREAT, 0644);

    /* no list can be made where no folder is */
    snprintf(f->path, sizeof f->path, "%s/store/uses", f->dir);
    cr_assert_eq(rmdir(f->path), 0);
    u = open_use(f);
    cr_assert_null(u);
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), -1, "gc would have to wait");
    store_close(f->st);
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    close(fd);
    fixture_open(f, false);
    end(f);
}

Test(gc, what_a_kept_list_names_was_used_then)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_bytes(f, 'o', 100), import = add_bytes(f, 'i', 50);
    struct record *r = add_result(f, "step", &o, 1);
    struct timespec old[2] = { { .tv_sec = time(NULL) - 50 * 86400 }, { 0 } };
    struct heard h = { 0 };
    struct use *u = open_use(f);

    old[1] = old[0];
    cr_assert(is_hit(f, r));
    use_note(f->st, USE_FILE, &import.id);
    use_keep(u, "0123456789abcdef", false);
    use_close(u);
    let_it_age();
    /* without a limit it stays, though no record names it; */
    cr_assert_str_eq(gc(f, &h, -1, -1), "");
    cr_assert_str_eq(gc(f, &h, -1, 3600), "");
    /* it counts as used when the list says */
    snprintf(f->path, sizeof f->path, "%s/store/uses/0123456789abcdef", f->dir);
    cr_assert_eq(utimensat(AT_FDCWD, f->path, old, 0), 0);
    cr_assert_str_eq(gc(f, &h, -1, 60 * 86400), "");
    cr_assert(use_again(f->st, "0123456789abcdef"));
    cr_assert_not(use_again(f->st, "0123456789abcdee"));
    cr_assert_str_eq(gc(f, &h, -1, 3600), "");
    cr_assert_eq(utimensat(AT_FDCWD, f->path, old, 0), 0);
    cr_assert_str_eq(gc(f, &h, -1, 40 * 86400), "old - 1 50\n");
    cr_assert_not(is_here(f, &import));
    /* and after 90 days it is forgotten */
    old[0].tv_sec = old[1].tv_sec = time(NULL) - 91 * 86400;
    cr_assert_eq(utimensat(AT_FDCWD, f->path, old, 0), 0);
    gc(f, &h, -1, -1);
    cr_assert_neq(access(f->path, F_OK), 0);
    end(f);
}

Test(gc, what_was_fetched_by_no_step_costs_its_way)
{
    struct fixture *f = fixture_new(true);
    struct object import = add_bytes(f, 'i', 50000), o = add_bytes(f, 'o', 50000);
    struct record *dear = add_result(f, "dear", &o, 1000);
    struct heard h = { 0 };
    struct use *u = open_use(f);

    use_note_object(f->st, &import);
    use_keep(u, "0123456789abcdef", false);
    use_close(u);
    cr_assert_str_eq(gc(f, &h, 50000, -1), "dear - 1 50000\n");
    cr_assert_float_eq(h.totals.seconds, gc_fetch_seconds(50000), 1e-9);
    cr_assert(is_hit(f, dear));
    end(f);
}

Test(gc, a_result_of_which_a_file_is_lost_goes_whole)
{
    struct fixture *f = fixture_new(true);
    struct object o[2] = { add_bytes(f, 'a', 10), add_folder(f, "out") },
                  cherry = add_text(f, "cherry\n");
    struct record *r = kept(make_record("key\n", o, 2)), *temp;
    struct heard h = { 0 };
    char *path = object_file(f, &cherry.id);

    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    temp = kept(make_record("other\n", o, 1));
    temp->output[0].temp = true;
    cr_assert_eq(store_record(f->st, temp, false, NULL), 0);
    cr_assert_str_eq(gc(f, &h, -1, -1), "");
    cr_assert_eq(remove(path), 0);
    gc(f, &h, -1, -1);
    cr_assert(!strncmp(buf_str(&h.text), "lost bake@kind=pie 5 ", 21), "%s",
              buf_str(&h.text));
    cr_assert(!is_hit(f, r) && is_hit(f, temp));
    cr_assert(is_here(f, &o[0]));
    free(path);
    /* what is temporary may be lost */
    path = object_file(f, &o[0].id);
    cr_assert_eq(remove(path), 0);
    cr_assert_str_eq(gc(f, &h, -1, -1), "");
    cr_assert(is_hit(f, temp));
    free(path);
    end(f);
}

/* Each could need anything. */
Test(gc, what_cannot_be_understood_stops_it)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_folder(f, "out"), loose = add_bytes(f, 'l', 100);
    struct record *r = add_result(f, "step", &o, 1);
    struct error err = { 0 };
    struct heard h = { 0 };
    char hex[DIGEST_HEX + 1], path[300], *text, *tree = object_file(f, &o.id);

    flip_byte(tree, 20);
    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ 0 }, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "fsck --repair"), "%s", err.text);
    flip_byte(tree, 20);
    snprintf(path, sizeof path, "%s/store/uses/0123456789abcdef", f->dir);
    write_text(path, "some\nlines\nof another kind\n");
    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ 0 }, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "fsck --rebuild"), "%s", err.text);
    write_text(path, "larder-use 1\nlist 0123"); /* what a kill may leave */
    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ .dry_run = true }, &err), 0, "%s",
                 err.text);
    digest_hex(&r->key, hex);
    snprintf(path, sizeof path, "%s/store/ac/%.2s/%s", f->dir, hex, hex);
    cr_assert_eq(chmod(path, 0644), 0);
    text = read_text(path);
    write_text(path, "larder-record 9\nwhatever\n");
    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ .dry_run = true }, &err), 0,
                 "what is torn is no record");
    {
        struct buf other = { 0 };
        struct digest d;

        /* as record_is_whole() wants it: of any format with such a last line */
        buf_adds(&other, "larder-record 9\nwhatever\n");
        digest_bytes(&d, other.s, other.len);
        buf_printf(&other, "checksum sha256:%s\n", digest_hex(&d, hex));
        cr_assert(record_is_whole(other.s, other.len));
        write_text(path, other.s);
        buf_release(&other);
    }
    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ 0 }, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "another format"), "%s", err.text);
    cr_assert(is_here(f, &loose) && is_here(f, &o));
    free(text);
    free(tree);
    end(f);
}

Test(gc, runs_that_look_again_are_told)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_bytes(f, 'o', 100), loose;
    struct heard h = { 0 };
    struct buf doubt = { 0 };

    add_result(f, "step", &o, 1);
    loose = add_bytes(f, 'l', 100);
    store_doubt_path(f->st, &doubt);
    gc(f, &h, -1, -1);
    cr_assert_not(is_here(f, &loose));
    cr_assert_neq(access(doubt.s, F_OK), 0, "no record went");
    gc(f, &h, 0, -1);
    cr_assert_eq(access(doubt.s, F_OK), 0);
    buf_release(&doubt);
    end(f);
}

Test(gc, one_at_a_time)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_bytes(f, 'o', 100);
    struct error err = { 0 };
    struct heard h = { 0 };
    /* as gc itself: the byte before the last one of the keys */
    struct flock lock = { .l_type = F_WRLCK,
                          .l_start = ((off_t)1 << 62) - 2,
                          .l_len = 1 };
    int fd;

    gc(f, &h, -1, -1);
    o = add_bytes(f, 'p', 100);
    fd = open(fixture_path(f, "store/locks"), O_RDWR);
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    cr_assert_eq(gc_as(f, &h, &(struct gc_order){ .quota = -1 }, &err), E_SYSTEM);
    cr_assert(strstr(err.text, "another gc goes on"), "%s", err.text);
    cr_assert(is_here(f, &o));
    /* a list that is closed meanwhile is left to it */
    use_close(open_use(f));
    close(fd);
    cr_assert_str_eq(gc(f, &h, -1, -1), "unnamed - 1 100\n");
    snprintf(f->path, sizeof f->path, "%s/store/uses", f->dir);
    cr_assert_eq(rmdir(f->path), 0, "and removed by the next");
    end(f);
}

Test(gc, what_is_left_of_checkpoints_and_remotes_is_swept)
{
    struct fixture *f = fixture_new(true);
    struct timespec old[2] = { { .tv_sec = time(NULL) - 91 * 86400 }, { 0 } };
    static const char *const goes[] = {
        "store/checkpoints/"
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.segments",
        "store/remotes/old"
    };
    struct heard h = { 0 };

    old[1] = old[0];
    mkdir(fixture_path(f, "store/remotes"), 0755);
    for (int i = 0; i < 2; i++) {
        write_text(fixture_path(f, goes[i]), "x\n");
        cr_assert_eq(utimensat(AT_FDCWD, f->path, old, 0), 0);
    }
    write_text(fixture_path(f, "store/remotes/young"), "x\n");
    gc(f, &h, -1, -1);
    for (int i = 0; i < 2; i++)
        cr_assert_neq(access(fixture_path(f, goes[i]), F_OK), 0, "%s", goes[i]);
    cr_assert_eq(access(f->path, F_OK), -1);
    cr_assert_eq(access(fixture_path(f, "store/remotes/young"), F_OK), 0);
    end(f);
}

/* ---- a remote ---------------------------------------------------------------------- */

static struct object remote_object;
static char remote_dir[100];
static int n_told;

static void put_file(const char *folder, const struct digest *id, const char *below,
                     const void *bytes, size_t n)
{
    struct buf path = { 0 };
    char hex[DIGEST_HEX + 1];
    struct error err = { 0 };

    digest_hex(id, hex);
    buf_printf(&path, "%s/%s/%.2s/%s%s", remote_dir, folder, hex, hex, below);
    cr_assert_eq(fs_make_parent(path.s, &err), 0, "%s", err.text);
    cr_assert_eq(fs_write(path.s, bytes, n, false, &err), 0, "%s", err.text);
    buf_release(&path);
}

/* Somebody finds the object there, and puts a record that names it. */
static void push_meanwhile(void *self, const char *what, const char *name, long long size)
{
    static const unsigned char seed[SEED_SIZE] = { 7 };
    struct record *r = make_record("pushed\n", &remote_object, 1);
    struct buf text = { 0 }, whole = { 0 };
    struct signer *signer;
    struct envelope e;

    (void)self;
    cr_assert_str_eq(what, "object", "%s", name);
    cr_assert_eq(size, 9);
    n_told++;
    record_write(r, &text);
    cr_assert_eq(signer_new(&signer, seed, NULL), 0);
    cr_assert_eq(envelope_sign(&e, ENVELOPE_RECORD, signer, text.s, text.len, NULL), 0);
    envelope_write(&e, &whole);
    put_file("ac", &r->key, "/0123456789abcdef", whole.s, whole.len);
    buf_release(&whole);
    buf_release(&text);
    signer_free(signer);
    record_free(r);
}

Test(gc, what_somebody_pushes_meanwhile_is_put_back_on_the_remote)
{
    struct fixture *f = fixture_new(false);
    struct remote_gc_order order = { .tell = push_meanwhile };
    struct remote_gc_totals t;
    struct error err = { 0 };
    char place[120], hex[DIGEST_HEX + 1], file[300];

    snprintf(remote_dir, sizeof remote_dir, "%s/remote", f->dir);
    snprintf(place, sizeof place, "file:%s", remote_dir);
    mkdir(remote_dir, 0755);
    snprintf(file, sizeof file, "%s/larder-cache-info", remote_dir);
    write_text(file, "larder-cache 1\n");
    remote_object = (struct object){ .kind = OBJECT_FILE, .size = 9 };
    digest_bytes(&remote_object.id, "an object", 9);
    put_file("cas", &remote_object.id, "", "an object", 9);
    cr_assert_eq(remote_gc(place, &order, &t, &err), 0, "%s", err.text);
    cr_assert_eq(n_told, 1);
    cr_assert_eq(t.n_back, 1);
    digest_hex(&remote_object.id, hex);
    snprintf(file, sizeof file, "%s/cas/%.2s/%s", remote_dir, hex, hex);
    cr_assert_eq(access(file, F_OK), 0, "it is there again");
    cr_assert_eq(remote_gc(place, &order, &t, &err), 0, "%s", err.text);
    cr_assert_eq(n_told, 1, "and needed now");
    end(f);
}

/* ---- killed ------------------------------------------------------------------------ */

/* Which change of the disk fails is counted from the start of a process: what makes the
 * store, cleans it and reads it are processes of their own. */
static int in_child(int (*work)(struct fixture *f), struct fixture *f, const char *fault)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (fault)
            setenv("LARDER_FS_FAULT", fault, 1);
        _exit(work(f));
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static const char *const keys[] = { "one", "two" };

/* Both name the folder, one a file besides; and there is a file that nobody names. */
static int fill(struct fixture *f)
{
    struct object o[2];

    fixture_open(f, false);
    o[0] = add_folder(f, "out");
    o[1] = add_bytes(f, 'b', 100);
    add_result(f, keys[0], o, 1);
    add_results(f, keys[1], o, 2, 1);
    add_bytes(f, 'l', 100);
    return 0;
}

static int clean(struct fixture *f)
{
    struct gc_totals t;
    struct store *st;

    if (store_open(&st, fixture_path(f, "store"), NULL, NULL) < 0)
        return 2;
    return store_gc(st, &(struct gc_order){ .older = -1 }, &t, NULL) == 0 ? 0 : 1;
}

/* A record that is there has all that it names. */
static int look(struct fixture *f)
{
    struct gc_totals t;

    fixture_open(f, false);
    if (store_fsck(f->st, NULL, NULL, NULL) != 0)
        return 3;
    for (int i = 0; i < 2; i++) {
        struct record **rec;
        struct digest key;
        size_t n;

        key_of(keys[i], &key);
        if (store_find(f->st, &key, &rec, &n, NULL) != STORE_HIT)
            continue;
        for (size_t k = 0; k < rec[0]->n_outputs; k++)
            if (!is_here(f, &rec[0]->output[k].object))
                return 4;
    }
    if (store_gc(f->st, &(struct gc_order){ .older = -1 }, &t, NULL) < 0)
        return 5;
    end(f);
    return t.before - t.bytes == 0 ? 0 : 6;
}

/* Before each change of the disk in turn: the store is clean each time, and the next gc
 * does the rest. */
Test(gc, killed_anywhere_it_leaves_a_clean_store, .timeout = 60)
{
    int rc = -1, n;

    for (n = 1; rc != 0; n++) {
        struct fixture *f = calloc(1, sizeof *f);
        char fault[32];

        snprintf(f->dir, sizeof f->dir, "/tmp/larder-test-XXXXXX");
        cr_assert_not_null(mkdtemp(f->dir));
        cr_assert_eq(in_child(fill, f, NULL), 0);
        let_it_age();
        snprintf(fault, sizeof fault, "%d:kill", n);
        rc = in_child(clean, f, fault);
        cr_assert(rc == 0 || rc == -SIGKILL, "%d", rc);
        let_it_age();
        cr_assert_eq(in_child(look, f, NULL), 0, "after %d changes", n - 1);
        cr_assert(n < 100);
        free(f);
    }
    cr_assert(n > 8, "it was killed between two of them: %d", n);
}
