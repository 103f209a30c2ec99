#include "cratedata.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/trust.h"

enum { NI_SIZE = 16 + 43 + 1 };

const char *crate_clean(struct crate *c, const char *text)
{
    const char *hidden[] = { c->s->cache, c->s->project, getenv("HOME") };
    struct buf clean = { 0 };
    const char *kept;

    for (size_t i = 0; text[i];) {
        size_t skip = 0;

        for (size_t k = 0; k < 3 && !skip; k++) {
            size_t len = hidden[k] ? strlen(hidden[k]) : 0;

            if (len > 1 && !strncmp(text + i, hidden[k], len))
                skip = len;
        }
        if (skip)
            buf_adds(&clean, "…");
        else
            buf_addc(&clean, text[i]);
        i += skip ? skip : 1;
    }
    kept = arena_strdup(&c->arena, buf_str(&clean));
    buf_release(&clean);
    return kept;
}

const char *crate_id(struct crate *c, const char *prefix, const char *text)
{
    struct buf id = { 0 };
    const char *kept;

    buf_adds(&id, prefix);
    jsonld_add_encoded(&id, text);
    kept = arena_strdup(&c->arena, buf_str(&id));
    buf_release(&id);
    return kept;
}

bool crate_may_name(const struct crate *c, const struct step *step)
{
    return !trust_forbids(c->s->trust, step->stage);
}

/* RFC 6920: the digest in base64url without padding. */
static void ni_uri(const struct digest *d, char uri[NI_SIZE])
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t at = (size_t)snprintf(uri, NI_SIZE, "ni:///sha-256;");

    for (int i = 0; i < DIGEST_SIZE * 8; i += 6) {
        unsigned first = d->byte[i / 8], next = i / 8 < 31 ? d->byte[i / 8 + 1] : 0;

        uri[at++] = digit[(first << 8 | next) >> (10 - i % 8) & 63];
    }
    uri[at] = '\0';
}

static bool is_tree(const struct object *o)
{
    return o->kind == OBJECT_TREE;
}

static const char *own_name(struct crate *c, const struct object *o)
{
    char hex[DIGEST_HEX + 1];

    return arena_printf(&c->arena, "%s %s", is_tree(o) ? "tree" : "file",
                        digest_hex(&o->id, hex));
}

/* Whose suffix says what a file is. */
static const char *format_of(const char *path)
{
    static const char *const known[][2] = {
        { ".csv", "text/csv" },          { ".html", "text/html" },
        { ".json", "application/json" }, { ".pdf", "application/pdf" },
        { ".png", "image/png" },         { ".svg", "image/svg+xml" },
        { ".txt", "text/plain" },        { ".tsv", "text/tab-separated-values" },
        { ".yaml", "application/yaml" },
    };
    const char *dot = strrchr(fs_basename(path), '.');

    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
        if (!strcmp(dot, known[i][0]))
            return known[i][1];
    return NULL;
}

/* A size of -1 is not known. */
static void set_content(struct json_t *e, const struct object *o)
{
    char text[DIGEST_HEX + 1];

    if (!is_tree(o) && !jsonld_has(e, "sha256"))
        jsonld_set(e, "sha256", digest_hex(&o->id, text));
    if (o->size >= 0 && !jsonld_has(e, "contentSize")) {
        snprintf(text, sizeof text, "%lld", o->size);
        jsonld_set(e, "contentSize", text);
    }
}

static void set_tree(struct json_t *e, const struct object *o)
{
    char text[16 + DIGEST_HEX + 1], hex[DIGEST_HEX + 1];

    snprintf(text, sizeof text, "larder-tree:%s", digest_hex(&o->id, hex));
    jsonld_set(e, "identifier", text);
}

/* The same bytes may be the results of several steps. */
static const char *also_called(struct crate *c, const char *id, const char *name)
{
    struct json_t *e = jsonld_entity(c->graph, id, "File", NULL);

    if (!jsonld_is(e, "name", name))
        jsonld_add(e, "alternateName", name);
    return id;
}

const char *crate_data(struct crate *c, const struct object *o, const char *name,
                       bool private_)
{
    const char *here = map_get(&c->here, own_name(c, o));
    char uri[NI_SIZE];
    struct json_t *e;
    bool added;

    name = crate_clean(c, name);
    if (here)
        return also_called(c, here, name);
    ni_uri(&o->id, uri);
    e = jsonld_entity(c->graph, uri, is_tree(o) ? "Dataset" : "File", &added);
    if (added) {
        jsonld_set(e, "name", name);
        if (is_tree(o))
            set_tree(e, o);
        jsonld_refer_new(c->root, "hasPart", uri);
    }
    if (private_)
        jsonld_set(e, "description", "It is private, and was left out of the crate.");
    set_content(e, o);
    return also_called(c, arena_strdup(&c->arena, uri), name);
}

const char *crate_withheld(struct crate *c, const char *name)
{
    const char *id = crate_id(c, "#withheld/", name);
    bool added;
    struct json_t *e = jsonld_entity(c->graph, id, "CreativeWork", &added);

    if (added) {
        jsonld_set(e, "name", name);
        jsonld_set(e, "description",
                   "It never leaves where it was made, and was left out of the crate.");
    }
    return id;
}

/* ---- sources ---------------------------------------------------------------------- */

/* Where anybody can ask for it: no name, password or token is in it. */
static const char *public_url(const struct source *source)
{
    for (size_t i = 0; i < source->n_from && !source->private_; i++)
        if (source_is_url(source->from[i]) && !strpbrk(source->from[i], "@?#"))
            return source->from[i];
    return NULL;
}

static void set_license(struct crate *c, struct json_t *e, const char *license)
{
    bool is_url = !strncmp(license, "https://", 8) || !strncmp(license, "http://", 7);
    const char *id = is_url ? license : crate_id(c, "#license/", license);
    struct json_t *l = jsonld_entity(c->graph, id, "CreativeWork", NULL);

    jsonld_set(l, "name", license);
    jsonld_refer(e, "license", id);
}

void crate_source(struct crate *c, const char *id, const struct source *source)
{
    struct json_t *e = jsonld_entity(c->graph, id, "File", NULL);
    const char *url = public_url(source);

    if (source->license)
        set_license(c, e, source->license);
    if (url && !jsonld_has(e, "url"))
        jsonld_set(e, "url", url);
}

/* ---- files in the crate ----------------------------------------------------------- */

static const char *place_in(struct crate *c, const char *to)
{
    struct buf path = { 0 };
    const char *kept;

    fs_join(&path, c->folder, to);
    kept = arena_strdup(&c->arena, buf_str(&path));
    buf_release(&path);
    return kept;
}

/* Notes that an object lies here; of several places the first counts. */
static void note(struct crate *c, const struct object *o, const char *id)
{
    const char *name = own_name(c, o);

    if (!map_get(&c->here, name))
        map_set(&c->here, name, (void *)id);
}

static struct json_t *describe_file(struct crate *c, const struct object *o,
                                    const char *to, const char *types, const char **id)
{
    const char *format = format_of(to);
    struct json_t *e;

    *id = crate_id(c, "", to);
    e = jsonld_entity(c->graph, *id, types, NULL);
    jsonld_set(e, "name", to);
    if (format)
        jsonld_set(e, "encodingFormat", format);
    set_content(e, o);
    note(c, o, *id);
    return e;
}

struct copying {
    struct crate *c;
    const char *to;       /* of the whole */
    struct json_t *whole; /* the entity of a folder, or NULL */
    const char **id;      /* of the one file otherwise */
};

static int copy_file(void *self, const struct store_file *file, struct error *err)
{
    struct copying *all = self;
    struct crate *c = all->c;
    struct object o = { OBJECT_FILE, file->id, file->size };
    const char *to =
        *file->path ? arena_printf(&c->arena, "%s/%s", all->to, file->path) : all->to;
    const char *id;
    struct given given;
    int rc;

    if (file->folder)
        return fs_mkdirs(place_in(c, to), err);
    rc = store_give(c->s->store, file, place_in(c, to), GIVE_COPY, GIVE_NEW, &given, err);
    if (rc < 0)
        return rc;
    describe_file(c, &o, to, "File", &id);
    jsonld_refer_new(all->whole ? all->whole : c->root, "hasPart", id);
    if (!all->whole)
        *all->id = id;
    return 0;
}

int crate_copy(struct crate *c, const struct object *o, const char *to, const char **id,
               struct error *err)
{
    struct copying all = { .c = c, .to = to, .id = id };
    int rc = store_check(c->s->store, o, true, NULL, err);

    if (rc == OBJECT_DAMAGED || rc == OBJECT_ABSENT)
        return error_set(err, E_CORRUPT,
                         "what is to be placed at %s is %s: `larder run` makes it again",
                         to, rc == OBJECT_DAMAGED ? "damaged" : "not here");
    if (rc == OBJECT_FINE && is_tree(o)) {
        *id = crate_id(c, "", arena_printf(&c->arena, "%s/", to));
        all.whole = jsonld_entity(c->graph, *id, "Dataset", NULL);
        jsonld_set(all.whole, "name", to);
        set_tree(all.whole, o);
        set_content(all.whole, o);
        note(c, o, *id);
        jsonld_refer_new(c->root, "hasPart", *id);
    }
    if (rc == OBJECT_FINE)
        rc = store_each_file(c->s->store, o, copy_file, &all, err);
    return rc;
}

int crate_put(struct crate *c, const struct buf *bytes, const char *to, const char *types,
              const char **id, struct error *err)
{
    struct object o = { OBJECT_FILE, .size = (long long)bytes->len };
    const char *path = place_in(c, to);
    int rc = fs_make_parent(path, err);

    if (rc == 0 && fs_exists(path))
        rc = error_set(err, E_INPUT, "two files of the crate would be called %s", to);
    if (rc == 0)
        rc = fs_write(path, buf_str(bytes), bytes->len, false, err);
    if (rc < 0)
        return rc;
    digest_bytes(&o.id, buf_str(bytes), bytes->len);
    describe_file(c, &o, to, types, id);
    jsonld_refer_new(c->root, "hasPart", *id);
    return 0;
}
