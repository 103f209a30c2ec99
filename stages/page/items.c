#include "page/items.h"

#include <ctype.h>

#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* The name of a stage, an import or a file, as the page says it. */
static void add_short_name(struct buf *to, const char *stage)
{
    const char *base, *dot;

    if (strncmp(stage, "import.", 7) == 0) {
        buf_adds(to, stage + 7);
    } else if (stage[0] == '.' || stage[0] == '/') {
        base = fs_basename(stage);
        dot = strrchr(base, '.');
        buf_add(to, base,
                dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base));
    } else {
        buf_adds(to, stage);
    }
}

/* From the columns of the manifest. */
static void add_full_name(struct buf *name, const struct manifest *m, size_t row,
                          int stage)
{
    size_t axes = 0;

    add_short_name(name, tsv_get(&m->tsv, row, stage));
    for (int c = 0; (size_t)c < m->tsv.n_columns; c++) {
        const char *value = tsv_get(&m->tsv, row, c);

        if (c == stage || c == m->path || value[0] == '\0')
            continue;
        buf_printf(name, "%c%s=%s", axes++ == 0 ? '@' : ',', m->tsv.column[c], value);
    }
}

/* From what is known of the file's origin; nothing is added where nothing is. */
static void add_origin_name(struct buf *name, const struct provenance *p,
                            const struct digest *digest)
{
    char hex[DIGEST_HEX + 1];
    size_t at = 0;
    const struct origin *o = provenance_maker(p, digest_hex(digest, hex), &at);

    if (o != NULL) {
        buf_adds(name, o->step);
        return;
    }
    for (size_t i = 0; i < p->n_sources && name->len == 0; i++)
        if (strncmp(p->source[i].digest, hex, DIGEST_HEX) == 0)
            add_short_name(name, p->source[i].name);
}

static bool slug_taken(const struct items *l, const char *slug)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->item[i].slug, slug) == 0)
            return true;
    return false;
}

static char *make_slug(const struct items *l, const char *name)
{
    struct buf slug = { 0 };
    size_t plain;

    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        bool fine = c < 128 && (isalnum(c) || c == '-' || c == '_');

        buf_addc(&slug, fine ? (char)c : '-');
    }
    plain = slug.len;
    for (int again = 2; plain == 0 || slug_taken(l, buf_str(&slug)); again++) {
        buf_cut(&slug, plain);
        plain = plain == 0 ? 1 : plain;
        buf_printf(&slug, "-%d", again);
    }
    return buf_take(&slug);
}

static int name_item(struct items *l, size_t i, int stage, const struct provenance *p,
                     struct error *err)
{
    struct page_item *item = &l->item[i];
    struct buf name = { 0 };

    if (stage >= 0)
        add_full_name(&name, &l->manifest, i, stage);
    else
        add_origin_name(&name, p, &item->digest);
    if (name.len == 0)
        return error_set(err, E_INPUT,
                         "%s: no column \"stage\", and no step is known to have made %s; "
                         "in a recipe, write the input as a list: [stage.output]",
                         l->manifest.tsv.path, item->path);
    item->name = buf_take(&name);
    item->slug = make_slug(l, item->name);
    l->n++;
    return 0;
}

int items_read(struct items *l, const char *kind, const char *manifest,
               const struct provenance *p, struct error *err)
{
    int rc, stage;

    *l = (struct items){ .kind = kind };
    if (manifest == NULL)
        return 0;
    rc = manifest_read(&l->manifest, manifest, err);
    if (rc < 0)
        return rc;
    stage = tsv_find(&l->manifest.tsv, "stage");
    l->item = xcalloc(manifest_size(&l->manifest) + 1, sizeof *l->item);
    for (size_t i = 0; rc == 0 && i < manifest_size(&l->manifest); i++) {
        l->item[i].path = manifest_path(&l->manifest, i);
        rc = digest_file(&l->item[i].digest, NULL, l->item[i].path, err);
        if (rc == 0)
            rc = name_item(l, i, stage, p, err);
    }
    if (rc < 0)
        items_release(l);
    return rc;
}

void items_release(struct items *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->item[i].name);
        free(l->item[i].slug);
    }
    free(l->item);
    manifest_release(&l->manifest);
    *l = (struct items){ 0 };
}

static bool has_axis(const char *axes, const char *wanted, size_t n)
{
    while (axes != NULL) {
        size_t length = strcspn(axes, ",");

        if (length == n && strncmp(axes, wanted, n) == 0)
            return true;
        axes = axes[length] == ',' ? axes + length + 1 : NULL;
    }
    return false;
}

/* Is this the stage, and has it every axis value that the name gives? */
static bool is_called(const struct page_item *item, const char *name)
{
    const char *at = strchr(name, '@'), *axes = strchr(item->name, '@');
    size_t stage = at != NULL ? (size_t)(at - name) : strlen(name);
    size_t own = axes != NULL ? (size_t)(axes - item->name) : strlen(item->name);

    if (stage != own || strncmp(name, item->name, stage) != 0)
        return false;
    while (at != NULL) {
        const char *wanted = at + 1;
        size_t n = strcspn(wanted, ",");

        if (!has_axis(axes != NULL ? axes + 1 : NULL, wanted, n))
            return false;
        at = wanted[n] == ',' ? wanted + n : NULL;
    }
    return true;
}

static int none_called(const struct items *l, const char *name, struct error *err)
{
    const char **all = xcalloc(l->n + 1, sizeof *all), *near;

    for (size_t i = 0; i < l->n; i++)
        all[i] = l->item[i].name;
    near = nearest_name(name, all, l->n);
    if (near != NULL)
        error_set(err, E_INPUT, "there is no %s \"%s\"; did you mean \"%s\"?", l->kind,
                  name, near);
    else
        error_set(err, E_INPUT, "there is no %s \"%s\"; there %s %zu%s%s", l->kind, name,
                  l->n == 1 ? "is" : "are", l->n, l->n > 0 ? ", the first is " : "",
                  l->n > 0 ? l->item[0].name : "");
    free(all);
    return E_INPUT;
}

int items_find(const struct items *l, const char *name, size_t *place, struct error *err)
{
    struct buf several = { 0 };
    size_t found = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (!is_called(&l->item[i], name))
            continue;
        if (strcmp(l->item[i].name, name) == 0) {
            *place = i;
            buf_release(&several);
            return 0;
        }
        if (found++ == 0)
            *place = i;
        buf_printf(&several, "%s%s", several.len > 0 ? " and " : "", l->item[i].name);
    }
    if (found > 1)
        error_set(err, E_INPUT, "\"%s\" may be %s: say which", name, buf_str(&several));
    buf_release(&several);
    if (found == 1)
        return 0;
    return found == 0 ? none_called(l, name, err) : E_INPUT;
}
