#include "command.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

#include "history.h"
#include "lookup.h"
#include "runpage.h"
#include "session.h"
#include "sharing.h"

enum { MAX_FOLDERS = 64 };

/* The folders that get the page. */
struct folders {
    const char *folder[MAX_FOLDERS];
    size_t n;
};

static void add_folder(struct session *s, struct folders *all, const char *folder)
{
    for (size_t i = 0; i < all->n; i++)
        if (!strcmp(all->folder[i], folder))
            return;
    if (all->n < MAX_FOLDERS)
        all->folder[all->n++] = arena_strdup(&s->arena, folder);
}

/* The folder in which a placement has put an index.html, if it has. */
static void find_folder(struct session *s, const struct placement *g, struct folders *all)
{
    const struct output *out = &g->item.step->output[g->item.output];
    struct buf at = { 0 }, page = { 0 };

    fs_join(&at, s->project, g->to);
    if (out->kind == OBJECT_TREE || g->item.is_set) {
        fs_join(&page, buf_str(&at), "index.html");
        if (fs_exists(buf_str(&page)))
            add_folder(s, all, buf_str(&at));
    } else if (!strcmp(fs_basename(g->to), "index.html") && fs_exists(buf_str(&at))) {
        fs_dirname(&page, buf_str(&at));
        add_folder(s, all, buf_str(&page));
    }
    buf_release(&at);
    buf_release(&page);
}

static int find_folders(struct session *s, struct folders *all, struct error *err)
{
    if (s->cli->n_args) {
        struct buf at = { 0 };

        fs_join(&at, s->project, s->cli->arg[0]);
        add_folder(s, all, buf_str(&at));
        buf_release(&at);
        return 0;
    }
    for (size_t i = 0; i < s->plan->n_targets; i++)
        for (size_t k = 0; s->target[i] && k < s->plan->target[i].n_gets; k++)
            find_folder(s, &s->plan->target[i].get[k], all);
    if (!all->n)
        return error_set(
            err, E_USAGE,
            "no index.html has been placed: name a folder, `larder report DIR`");
    return 0;
}

static int put_page(struct session *s, const char *folder, const struct buf *text,
                    struct error *err)
{
    struct buf path = { 0 };
    int rc = fs_mkdirs(folder, err);

    fs_join(&path, folder, "run.html");
    if (rc == 0)
        rc = fs_write(buf_str(&path), text->s, text->len, false, err);
    if (rc == 0)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "wrote %s", buf_str(&path));
    buf_release(&path);
    return rc;
}

/* Of what others made, what it printed is with them. */
static int bring_logs(struct session *s, struct error *err)
{
    int rc = sharing_open(s, err);

    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (s->work[i].wanted && s->work[i].state == WORK_DONE)
            rc = lookup_bring_log(s, &s->work[i], err);
    return rc;
}

int command_report(const struct cli *cli, struct error *err)
{
    struct folders folders = { 0 };
    struct history latest = { 0 };
    struct buf text = { 0 };
    struct session s = { 0 };
    int rc = session_begin(&s, cli, NULL, 0, err);

    if (rc == 0)
        rc = find_folders(&s, &folders, err);
    if (rc == 0)
        rc = lookup_all(&s, false, err);
    if (rc == 0)
        rc = bring_logs(&s, err);
    if (rc == 0)
        rc = history_latest(&latest, s.own, err);
    if (rc == 0)
        rc = runpage_write(&s, &latest, &text, err);
    for (size_t i = 0; i < folders.n && rc == 0; i++)
        rc = put_page(&s, folders.folder[i], &text, err);
    history_release(&latest);
    buf_release(&text);
    session_close(&s);
    return rc;
}
