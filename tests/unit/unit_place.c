#include "store_fixture.h"

#include <sys/wait.h>

#include "place.h"

/* A project with two files that were placed in out/ and are gone. */
struct project {
    struct fixture *f;
    struct places *places;
    struct object one, two;
    struct error err;
    char own[200];
};

static void open_places(struct project *p, enum link_mode link)
{
    char project[100];

    snprintf(project, sizeof project, "%s/project", p->f->dir);
    cr_assert_eq(places_open(&p->places, project, p->own, p->f->st, link, false, &p->err),
                 0);
}

static int put(struct project *p, const struct object *o, const char *to)
{
    return places_put(p->places, o, to, &p->err);
}

static struct project *placed_and_gone(enum link_mode link)
{
    struct project *p = calloc(1, sizeof *p);

    p->f = fixture_new(true);
    p->one = add_text(p->f, "one");
    p->two = add_text(p->f, "two");
    cr_assert_eq(mkdir(fixture_path(p->f, "project"), 0755), 0);
    cr_assert_eq(chdir(p->f->path), 0);
    cr_assert_eq(mkdir(".larder", 0755), 0);
    snprintf(p->own, sizeof p->own, "%s/project/.larder", p->f->dir);
    open_places(p, link);
    cr_assert_eq(put(p, &p->one, "out/one"), PLACE_NEW);
    cr_assert_eq(put(p, &p->two, "out/two"), PLACE_NEW);
    cr_assert_eq(places_save(p->places, &p->err), 0);
    places_close(p->places);
    cr_assert_eq(fs_remove_tree("out", NULL), 0);
    open_places(p, link);
    cr_assert_eq(places_check(p->places, "out/one", OBJECT_FILE, &p->err), 0);
    cr_assert_eq(places_check(p->places, "out/two", OBJECT_FILE, &p->err), 0);
    return p;
}

static void assert_text(const char *path, const char *text)
{
    char *found = read_text(path);

    cr_assert_str_eq(found, text);
    free(found);
}

/* Nothing is left aside: there is the memory alone. */
static void end(struct project *p)
{
    char **name;
    size_t n;

    places_close(p->places);
    cr_assert_eq(fs_list(".larder", &name, &n, NULL), 0);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(name[0], "placed");
    free(name);
    cr_assert_eq(chdir("/"), 0);
    fixture_free(p->f);
    free(p);
}

Test(place, folder_that_was_removed_comes_back_at_once)
{
    struct project *p = placed_and_gone(LINK_COPY);

    cr_assert_eq(put(p, &p->one, "out/one"), PLACE_NEW);
    cr_assert_eq(put(p, &p->two, "out/two"), PLACE_NEW);
    cr_assert(!fs_exists("out"), "not yet");
    cr_assert_eq(places_settle(p->places, &p->err), 0);
    assert_text("out/one", "one");
    assert_text("out/two", "two");
    cr_assert(places_stands(p->places, "out/one", &p->one));
    cr_assert(places_stands(p->places, "out/two", &p->two));
    cr_assert_eq(put(p, &p->two, "out/two"), PLACE_STANDS);
    cr_assert_eq(places_save(p->places, &p->err), 0);
    end(p);
}

Test(place, file_elsewhere_names_the_folder_that_was_begun)
{
    struct project *p = placed_and_gone(LINK_COPY);

    cr_assert_eq(put(p, &p->one, "out/one"), PLACE_NEW);
    cr_assert_eq(put(p, &p->two, "elsewhere"), PLACE_NEW);
    assert_text("out/one", "one");
    assert_text("elsewhere", "two");
    end(p);
}

Test(place, folder_that_somebody_makes_meanwhile_is_filled_file_by_file)
{
    struct project *p = placed_and_gone(LINK_COPY);

    cr_assert_eq(put(p, &p->one, "out/one"), PLACE_NEW);
    cr_assert_eq(put(p, &p->two, "out/two"), PLACE_NEW);
    cr_assert_eq(mkdir("out", 0755), 0);
    write_text("out/theirs", "theirs");
    cr_assert_eq(places_settle(p->places, &p->err), 0, "%s", p->err.text);
    assert_text("out/one", "one");
    assert_text("out/two", "two");
    assert_text("out/theirs", "theirs");
    cr_assert(places_stands(p->places, "out/one", &p->one));
    end(p);
}

Test(place, what_the_user_makes_there_meanwhile_is_kept_and_named)
{
    struct project *p = placed_and_gone(LINK_COPY);

    cr_assert_eq(put(p, &p->one, "out/one"), PLACE_NEW);
    cr_assert_eq(put(p, &p->two, "out/two"), PLACE_NEW);
    cr_assert_eq(mkdir("out", 0755), 0);
    write_text("out/two", "mine");
    cr_assert_eq(places_save(p->places, &p->err), E_INPUT);
    cr_assert_not_null(strstr(p->err.text, "out/two was changed by hand"), "%s",
                       p->err.text);
    cr_assert(places_is_new(p->places, "out/one"));
    cr_assert(!places_is_new(p->places, "out/two"));
    assert_text("out/one", "one");
    assert_text("out/two", "mine");
    cr_assert(places_stands(p->places, "out/one", &p->one));
    cr_assert(!places_stands(p->places, "out/two", &p->two));
    end(p);
}

Test(place, folder_that_is_never_named_leaves_nothing)
{
    struct project *p = placed_and_gone(LINK_COPY);

    cr_assert_eq(put(p, &p->one, "out/one"), PLACE_NEW);
    end(p);
}

Test(place, links_are_seen_at_once)
{
    struct project *p = placed_and_gone(LINK_HARD);

    cr_assert_eq(put(p, &p->one, "out/one"), PLACE_NEW);
    assert_text("out/one", "one");
    cr_assert_eq(places_save(p->places, &p->err), 0);
    end(p);
}

Test(place, two_processes_may_place_at_one_path_at_once)
{
    struct project *p = placed_and_gone(LINK_COPY);
    pid_t pid[2];
    int status;

    places_close(p->places);
    for (int k = 0; k < 2; k++) {
        pid[k] = fork();
        if (pid[k])
            continue;
        for (int i = 0; i < 500; i++) {
            open_places(p, LINK_COPY);
            if (put(p, i % 3 ? &p->one : &p->two, "out/new") < 0 ||
                places_save(p->places, &p->err) < 0) {
                fprintf(stderr, "%s\n", p->err.text);
                _exit(1);
            }
            places_close(p->places);
            unlink("out/new");
        }
        _exit(0);
    }
    for (int k = 0; k < 2; k++) {
        cr_assert_eq(waitpid(pid[k], &status, 0), pid[k]);
        cr_assert_eq(status, 0);
    }
    open_places(p, LINK_COPY);
    end(p);
}
