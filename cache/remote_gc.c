#include "larder/remote_gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "catalog.h"
#include "envelope.h"
#include "larder/formats.h"
#include "larder/fs.h"
#include "larder/io.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "layout.h"
#include "packs.h"
#include "remote_name.h"
#include "tree.h"

#include "larder/banned.h"

struct remote_gc {
    const struct remote_gc_order *order;
    struct remote_gc_totals *totals;
    const char *path; /* of the remote */
    time_t now;
    struct map needed; /* "cas/9f/9f86…", also packs and indexes */
    struct map trees;  /* hex digits of folders that were looked into */
    struct catalog catalog;
    struct buf gone; /* names that were put aside, each with a NUL */
    bool reading_again;
    struct error *err;
};

static int damaged(struct remote_gc *g, const char *name, const char *why)
{
    return error_set(
        g->err, E_CORRUPT,
        "%s/%s %s, so what it needs is not known and nothing may go: have its "
        "owner push again with --verify, or remove it",
        g->path, name, why);
}

static int read_file(struct remote_gc *g, const char *name, struct buf *to)
{
    struct buf path = { 0 };
    int rc;

    fs_join(&path, g->path, name);
    rc = fs_read(path.s, to, g->err);
    buf_release(&path);
    return rc;
}

/* ---- what is needed ---------------------------------------------------------------- */

static void need(struct remote_gc *g, const char *what, const struct digest *id)
{
    struct buf name = { 0 };

    packed_name(what, id, &name);
    map_set(&g->needed, name.s, g);
    buf_release(&name);
}

/* Some bytes of a pack. */
static int read_part(struct remote_gc *g, const struct catalog_entry *e, struct buf *to)
{
    struct buf name = { 0 }, path = { 0 };
    ssize_t n = -1;
    int fd, rc = 0;

    packed_name("pack", &g->catalog.pack[e->pack].id, &name);
    fs_join(&path, g->path, name.s);
    fd = io_open(path.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    buf_reserve(to, (size_t)e->size + 1);
    if (fd >= 0)
        n = io_pread(fd, to->s + to->len, (size_t)e->size, e->from);
    if (n != e->size)
        rc = damaged(g, name.s, "is not whole");
    else
        to->len += (size_t)n;
    to->s[to->len] = '\0';
    if (fd >= 0)
        io_close(fd);
    buf_release(&path);
    buf_release(&name);
    return rc;
}

/* Of a folder: its text, in a file of its own or in a pack. REMOTE_ABSENT: neither. */
static int read_object(struct remote_gc *g, const struct digest *id, struct buf *to)
{
    const struct catalog_entry *e = catalog_find(&g->catalog, id, NULL);
    struct buf name = { 0 };
    struct digest d;
    int rc;

    packed_name("cas", id, &name);
    rc = read_file(g, name.s, to);
    if (rc < 0 && errno == ENOENT) {
        buf_reset(to);
        rc = e ? read_part(g, e, to) : REMOTE_ABSENT;
    }
    if (rc == 0) {
        digest_bytes(&d, buf_str(to), to->len);
        if (!digest_equal(&d, id))
            rc = damaged(g, name.s, "is damaged");
    }
    buf_release(&name);
    return rc;
}

static int need_tree(struct remote_gc *g, const struct digest *id, int depth);

static int need_entries(struct remote_gc *g, const struct tree *tree, int depth)
{
    int rc = 0;

    for (size_t i = 0; i < tree->n && rc == 0; i++) {
        const struct tree_entry *e = &tree->entry[i];

        need(g, "cas", &e->id);
        if (e->kind == TREE_TREE)
            rc = need_tree(g, &e->id, depth + 1);
    }
    return rc;
}

/* What is private or temporary was never given, and what is in it neither. */
static int need_tree(struct remote_gc *g, const struct digest *id, int depth)
{
    char hex[DIGEST_HEX + 1];
    struct buf text = { 0 };
    struct tree tree = { 0 };
    int rc;

    if (map_set(&g->trees, digest_hex(id, hex), g) || depth > TREE_DEPTH_MAX)
        return 0;
    rc = read_object(g, id, &text);
    if (rc == 0 && tree_read(&tree, buf_str(&text), text.len, NULL) == 0)
        rc = need_entries(g, &tree, depth);
    tree_release(&tree);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

static int need_object(struct remote_gc *g, const struct object *o)
{
    need(g, "cas", &o->id);
    return o->kind == OBJECT_TREE ? need_tree(g, &o->id, 1) : 0;
}

/* Whoever signed it, and truly or not. */
static int need_record(struct remote_gc *g, const char *name, const struct buf *text)
{
    struct envelope e;
    struct record *r = NULL;
    int rc;

    if (envelope_read(&e, ENVELOPE_RECORD, buf_str(text), text->len, NULL) < 0 ||
        record_read(&r, e.record, e.size, NULL) < 0)
        return damaged(g, name, "is no whole record");
    g->totals->n_records += !g->reading_again;
    rc = need_object(g, &r->log);
    if (rc == 0)
        rc = need_object(g, &r->discovered);
    for (size_t i = 0; i < r->n_outputs && rc == 0; i++)
        rc = need_object(g, &r->output[i].object);
    record_free(r);
    return rc;
}

/* ---- folders ----------------------------------------------------------------------- */

typedef int visit(struct remote_gc *g, const char *name, const struct stat *s);

/* Each regular file below a folder of the remote; links are not followed. */
static int each_below(struct remote_gc *g, const char *folder, visit *f)
{
    struct buf path = { 0 }, name = { 0 };
    char **list = NULL;
    size_t n = 0;
    int rc;

    fs_join(&path, g->path, folder);
    rc = fs_list(path.s, &list, &n, g->err);
    if (rc < 0 && errno == ENOENT)
        rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct stat s;

        buf_reset(&name);
        buf_reset(&path);
        fs_join(&name, folder, list[i]);
        fs_join(&path, g->path, name.s);
        if (io_lstat(path.s, &s) < 0)
            continue;
        if (S_ISDIR(s.st_mode))
            rc = each_below(g, name.s, f);
        else if (S_ISREG(s.st_mode))
            rc = f(g, name.s, &s);
    }
    free(list);
    buf_release(&name);
    buf_release(&path);
    return rc;
}

/* ---- reading ----------------------------------------------------------------------- */

static int read_index(struct remote_gc *g, const struct digest *id)
{
    struct buf name = { 0 }, text = { 0 };
    int rc;

    packed_name("index", id, &name);
    rc = map_set(&g->needed, name.s, g) ? REMOTE_THERE : read_file(g, name.s, &text);
    if (rc == 0)
        rc = catalog_read(&g->catalog, buf_str(&text), text.len, NULL);
    if (rc < 0)
        rc = damaged(g, name.s, "is absent or no whole index");
    buf_release(&text);
    buf_release(&name);
    return rc < 0 ? rc : 0;
}

/* Also those of before, which a reader may remember. */
static int read_root(struct remote_gc *g, const char *name, const struct stat *s)
{
    static const char word[] = "\nindex sha256:";
    struct buf text = { 0 };
    struct envelope e;
    int rc = read_file(g, name, &text);

    (void)s;
    if (rc == 0 && envelope_read(&e, ENVELOPE_ROOT, buf_str(&text), text.len, NULL) < 0)
        rc = damaged(g, name, "is no whole root");
    for (const char *p = rc == 0 ? e.record : "";
         rc == 0 && (p = strstr(p, word)) != NULL;) {
        char hex[DIGEST_HEX + 1] = { 0 };
        struct digest id;

        p += strlen(word);
        strncat(hex, p, DIGEST_HEX);
        rc = layout_is_digest(hex, &id) ? read_index(g, &id)
                                        : damaged(g, name, "is no whole root");
    }
    buf_release(&text);
    return rc;
}

static int read_packed(struct remote_gc *g)
{
    size_t n = g->catalog.n; /* catalog_find() sorts them, so by number */
    int rc = 0;

    for (size_t i = 0; i < g->catalog.n_packs; i++)
        need(g, "pack", &g->catalog.pack[i].id);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct catalog_entry e = g->catalog.entry[i];
        struct buf text = { 0 };
        char hex[DIGEST_HEX + 1];

        if (!*e.by.text)
            continue;
        rc = read_part(g, &e, &text);
        if (rc == 0)
            rc = need_record(g, digest_hex(&e.id, hex), &text);
        buf_release(&text);
    }
    return rc;
}

/* An attestation needs nothing but the record it is of. */
static int read_record(struct remote_gc *g, const char *name, const struct stat *s)
{
    struct buf text = { 0 };
    struct remote_name n;
    int rc;

    (void)s;
    if (remote_name_parse(&n, name) && n.kind == NAME_ATTESTATION)
        return 0;
    rc = read_file(g, name, &text);
    if (rc == 0)
        rc = need_record(g, name, &text);
    buf_release(&text);
    return rc;
}

/* All that is needed. A look-up first, so that the entries are sorted while they are
 * gone through. */
static int read_all(struct remote_gc *g)
{
    static const struct digest none;
    int rc;

    map_release(&g->needed);
    map_release(&g->trees);
    catalog_release(&g->catalog);
    rc = each_below(g, "root", read_root);
    catalog_find(&g->catalog, &none, NULL);
    if (rc == 0)
        rc = read_packed(g);
    return rc == 0 ? each_below(g, "ac", read_record) : rc;
}

/* ---- going ------------------------------------------------------------------------- */

static bool is_young(const struct remote_gc *g, const struct stat *s)
{
    time_t last =
        s->st_mtim.tv_sec > s->st_ctim.tv_sec ? s->st_mtim.tv_sec : s->st_ctim.tv_sec;

    return difftime(g->now, last) < g->order->grace;
}

static void aside_name(const char *name, struct buf *to)
{
    buf_adds(to, "tmp/gc-");
    for (const char *p = name; *p; p++)
        buf_addc(to, *p == '/' ? '-' : *p);
}

static int move(struct remote_gc *g, const char *from, const char *to)
{
    struct buf a = { 0 }, b = { 0 };
    int rc;

    fs_join(&a, g->path, from);
    fs_join(&b, g->path, to);
    rc = fs_make_parent(b.s, g->err);
    if (rc == 0)
        rc = fs_rename(a.s, b.s, g->err);
    buf_release(&b);
    buf_release(&a);
    return rc;
}

static int put_aside(struct remote_gc *g, const char *name)
{
    struct buf aside = { 0 };
    int rc;

    aside_name(name, &aside);
    rc = move(g, name, aside.s);
    if (rc == 0)
        buf_add(&g->gone, name, strlen(name) + 1);
    buf_release(&aside);
    return rc;
}

static int consider(struct remote_gc *g, const char *name, const struct stat *s)
{
    const char *what = !strncmp(name, "cas/", 4)    ? "object"
                       : !strncmp(name, "pack/", 5) ? "pack"
                                                    : "index";

    g->totals->before += s->st_size;
    if (map_get(&g->needed, name) || is_young(g, s))
        return 0;
    g->totals->n_files++;
    g->totals->bytes += s->st_size;
    if (g->order->tell)
        g->order->tell(g->order->self, what, name, s->st_size);
    return g->order->dry_run ? 0 : put_aside(g, name);
}

/* What was never finished; and what a gc before us has put aside, which was not needed.
 */
static int consider_leftover(struct remote_gc *g, const char *name, const struct stat *s)
{
    struct buf path = { 0 };
    int rc = 0;

    g->totals->before += s->st_size;
    if (is_young(g, s))
        return 0;
    g->totals->n_files++;
    g->totals->bytes += s->st_size;
    if (g->order->tell)
        g->order->tell(g->order->self, "leftover", name, s->st_size);
    fs_join(&path, g->path, name);
    if (!g->order->dry_run)
        rc = fs_remove(path.s, g->err);
    buf_release(&path);
    return rc;
}

/* After all records were read again. */
static int let_go(struct remote_gc *g, bool keep_all)
{
    int rc = 0;

    for (const char *name = buf_str(&g->gone); name < g->gone.s + g->gone.len && rc == 0;
         name += strlen(name) + 1) {
        struct buf aside = { 0 }, path = { 0 };

        aside_name(name, &aside);
        fs_join(&path, g->path, aside.s);
        if (keep_all || map_get(&g->needed, name)) {
            g->totals->n_back++;
            rc = move(g, aside.s, name);
        } else {
            rc = fs_remove(path.s, g->err);
        }
        buf_release(&path);
        buf_release(&aside);
    }
    return rc;
}

static int go(struct remote_gc *g)
{
    int rc = each_below(g, "tmp", consider_leftover), again;

    if (rc == 0)
        rc = each_below(g, "cas", consider);
    if (rc == 0)
        rc = each_below(g, "pack", consider);
    if (rc == 0)
        rc = each_below(g, "index", consider);
    if (g->gone.len == 0)
        return rc;
    g->reading_again = true;
    again = rc == 0 ? read_all(g) : rc;
    rc = let_go(g, again < 0);
    return again < 0 ? again : rc;
}

static int check_place(struct remote_gc *g, const char *place)
{
    struct buf marker = { 0 }, text = { 0 };
    int rc;

    if (strncmp(place, "file:", 5) != 0)
        return error_set(
            g->err, E_USAGE,
            "%s cannot be listed, so what nobody needs there is not known: "
            "where its folder can be reached, name that: --remote=file:/path",
            place);
    g->path = place + 5;
    fs_join(&marker, g->path, "larder-cache-info");
    rc = fs_exists(marker.s) ? fs_read(marker.s, &text, g->err) : 0;
    if (rc == 0 && strncmp(buf_str(&text), FORMAT_REMOTE "\n", strlen(FORMAT_REMOTE) + 1))
        rc = error_set(g->err, E_USAGE,
                       "%s is no remote (%s does not say `" FORMAT_REMOTE
                       "`): name another folder",
                       place, marker.s);
    buf_release(&text);
    buf_release(&marker);
    return rc;
}

int remote_gc(const char *place, const struct remote_gc_order *order,
              struct remote_gc_totals *t, struct error *err)
{
    struct remote_gc g = { .order = order, .totals = t, .now = time(NULL), .err = err };
    int rc = check_place(&g, place);

    *t = (struct remote_gc_totals){ 0 };
    if (rc == 0)
        rc = read_all(&g);
    if (rc == 0)
        rc = go(&g);
    map_release(&g.needed);
    map_release(&g.trees);
    catalog_release(&g.catalog);
    buf_release(&g.gone);
    return rc < 0 ? error_context(err, "cleaning %s", place) : 0;
}
