#include "learn/checkpoint.h"

#include "kit/tsv.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

static const char LIST[] = "checkpoint.tsv";

char *checkpoint_path(const struct checkpoint *c, const char *name)
{
    struct buf path = { 0 };

    fs_join(&path, c->dir, name);
    return buf_take(&path);
}

static void clear(struct checkpoint *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->file[i].name);
    c->n = 0;
}

void checkpoint_release(struct checkpoint *c)
{
    clear(c);
    free(c->file);
    *c = (struct checkpoint){ 0 };
}

static void append(struct checkpoint *c, const char *name, const struct digest *id)
{
    GROW(c->file, c->n + 1, c->cap);
    c->file[c->n++] = (struct checkpoint_file){ xstrdup(name), *id };
}

static int check_file(struct checkpoint *c, const char *name, const char *sha256,
                      struct error *err)
{
    char *path = checkpoint_path(c, name);
    struct digest id, want;
    int rc;

    rc = digest_file(&id, NULL, path, err);
    if (rc == 0 && (!digest_parse(&want, sha256) || !digest_equal(&id, &want)))
        rc = error_set(err, E_CORRUPT, "%s: its content has changed", path);
    if (rc == 0)
        append(c, name, &id);
    free(path);
    return rc;
}

static int read_list(struct checkpoint *c, const char *path, struct error *err)
{
    struct tsv list = { 0 };
    int name, sha256, rc;

    rc = tsv_read(&list, path, err);
    if (rc < 0)
        goto out;
    rc = name = tsv_column(&list, "file", err);
    if (rc < 0)
        goto out;
    rc = sha256 = tsv_column(&list, "sha256", err);
    for (size_t i = 0; i < list.n_rows && rc >= 0; i++)
        rc = check_file(c, tsv_get(&list, i, name), tsv_get(&list, i, sha256), err);
out:
    tsv_release(&list);
    return rc < 0 ? rc : 0;
}

int checkpoint_open(struct checkpoint *c, const char *dir, struct error *why)
{
    char *path;
    int rc = CHECKPOINT_NONE;

    *c = (struct checkpoint){ .dir = dir };
    why->text[0] = '\0';
    if (!dir)
        return CHECKPOINT_NONE;
    path = checkpoint_path(c, LIST);
    if (fs_exists(path))
        rc = read_list(c, path, why);
    if (rc != CHECKPOINT_FOUND)
        clear(c);
    free(path);
    return rc == CHECKPOINT_FOUND ? CHECKPOINT_FOUND : CHECKPOINT_NONE;
}

size_t checkpoint_count(const struct checkpoint *c, const char *prefix)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += strncmp(c->file[i].name, prefix, strlen(prefix)) == 0;
    return n;
}

int checkpoint_add(struct checkpoint *c, const char *name, struct error *err)
{
    struct digest id;
    char *path;
    int rc;

    if (!c->dir)
        return 0;
    path = checkpoint_path(c, name);
    rc = digest_file(&id, NULL, path, err);
    if (rc == 0)
        rc = fs_sync(path, err);
    if (rc == 0)
        append(c, name, &id);
    free(path);
    return rc;
}

static bool is_listed(const struct checkpoint *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->file[i].name, name) == 0)
            return true;
    return strcmp(name, LIST) == 0;
}

void checkpoint_drop(struct checkpoint *c, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->file[i].name, name) == 0)
            free(c->file[i].name);
        else
            c->file[kept++] = c->file[i];
    }
    c->n = kept;
}

static int remove_rest(const struct checkpoint *c, struct error *err)
{
    char **names = NULL;
    size_t n = 0;
    int rc;

    rc = fs_list(c->dir, &names, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        char *path;

        if (is_listed(c, names[i]))
            continue;
        path = checkpoint_path(c, names[i]);
        rc = fs_remove_tree(path, err);
        free(path);
    }
    free(names);
    return rc;
}

int checkpoint_commit(struct checkpoint *c, struct error *err)
{
    struct buf text = { 0 };
    char hex[DIGEST_HEX + 1];
    char *path;
    int rc;

    if (!c->dir)
        return 0;
    path = checkpoint_path(c, LIST);
    buf_adds(&text, "file\tsha256\n");
    for (size_t i = 0; i < c->n; i++)
        buf_printf(&text, "%s\t%s\n", c->file[i].name, digest_hex(&c->file[i].id, hex));
    rc = fs_write(path, text.s, text.len, true, err);
    if (rc == 0)
        rc = remove_rest(c, err);
    buf_release(&text);
    free(path);
    return rc;
}
