#include "command.h"

#include <stdio.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "session.h"

enum { NAMES_TOLD = 5 };

/* The imports that do not say it, each once and a few by name. */
static void add_unlicensed(const struct plan *plan, struct buf *names)
{
    struct arena arena = { 0 };
    struct map seen = { 0 };

    for (size_t i = 0; i < plan->n_sources; i++) {
        const struct source *source = plan->source[i];
        const char *name;

        if (!source->is_import || source->license)
            continue;
        name = arena_strndup(&arena, source->name, strcspn(source->name, "["));
        if (map_set(&seen, name, &seen) || seen.n > NAMES_TOLD)
            continue;
        buf_printf(names, "%s%s", names->len ? ", " : "", name);
    }
    if (seen.n > NAMES_TOLD)
        buf_printf(names, " and %zu more", seen.n - NAMES_TOLD);
    map_release(&seen);
    arena_release(&arena);
}

/* Nothing is wrong without; but who passes results on will be asked. */
static void advise(const struct session *s)
{
    struct buf names = { 0 };

    add_unlicensed(s->plan, &names);
    if (names.len)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s: no license: is said of %s",
                 s->recipe_path, names.s);
    buf_release(&names);
}

int command_check(const struct cli *cli, struct error *err)
{
    struct session s = { 0 };
    int rc = session_open(&s, cli, err);

    if (rc == 0 && !cli->quiet)
        printf("%s: %zu steps, %zu targets, %zu sources; nothing is wrong with it\n",
               s.recipe_path, s.plan->n_steps, s.plan->n_targets, s.plan->n_sources);
    if (rc == 0)
        advise(&s);
    session_close(&s);
    return rc;
}

struct findings {
    const struct cli *cli;
    struct store *st;
    size_t n, n_left;
};

static void tell_finding(void *self, const struct store_finding *f)
{
    struct findings *all = self;
    char hex[DIGEST_HEX + 1];

    digest_hex(&f->id, hex);
    if (all->cli->json)
        printf("%s\n  {\"what\": \"%s\", \"id\": \"sha256:%s\", \"path\": \"%s\"}",
               all->n ? "," : "", f->what, hex, f->path ? f->path : "");
    else
        printf("%s: sha256:%s (%s)%s%s\n", f->what, hex, f->path ? f->path : "-",
               f->used_by ? " of " : "", f->used_by ? f->used_by : "");
    if (!strcmp(f->what, "damaged") && !f->repaired)
        store_suspect(all->st, &f->id);
    all->n++;
    all->n_left += !f->repaired;
}

static const char *remedy(const struct findings *all)
{
    if (!all->cli->repair && !all->cli->rebuild)
        return "the next run makes again what it needs, and `larder fsck --repair` "
               "clears "
               "away the rest";
    if (all->n_left)
        return "what is a stray file, or a damaged pin (`larder unpin`), is yours to "
               "remove; the rest is cleared away";
    return "all is cleared away; the next run makes again what it needs";
}

/* Without it nothing else can be looked at. */
static int restore_marker(struct error *err)
{
    struct buf path = { 0 };
    bool written = false;
    int rc = cache_folder(&path, err);

    if (rc == 0)
        rc = store_rebuild_marker(path.s, &written, err);
    if (written)
        say_line(&(struct say){ .to = stderr }, SAY_NORMAL, TONE_PLAIN,
                 "%s is a store again: its file larder-store was lost", path.s);
    buf_release(&path);
    return rc;
}

int command_fsck(const struct cli *cli, struct error *err)
{
    struct findings all = { .cli = cli };
    struct session s = { 0 };
    int rc = cli->rebuild ? restore_marker(err) : 0;

    if (rc == 0)
        rc = session_open_cache(&s, cli, err);
    all.st = s.store;
    if (cli->json)
        printf("{\"findings\": [");
    if (rc == 0)
        rc = cli->rebuild  ? store_rebuild(s.store, tell_finding, &all, err)
             : cli->repair ? store_repair(s.store, tell_finding, &all, err)
                           : store_fsck(s.store, tell_finding, &all, err);
    if (cli->json)
        printf("]}\n");
    if (rc >= 0) {
        if (all.n)
            say_line(&s.say, SAY_NORMAL, TONE_PLAIN, "%zu finding%s in %s; %s", all.n,
                     all.n == 1 ? "" : "s", s.cache, remedy(&all));
        else
            say_line(&s.say, SAY_NORMAL, TONE_PLAIN,
                     "%s: everything is what its name says", s.cache);
        if (all.n)
            store_doubt(s.store);
        rc = all.n_left ? EXIT_MISMATCH : 0;
    }
    session_close(&s);
    return rc;
}
