#include "jsonld.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"

struct jsonld {
    json_t *graph; /* the entities, in order */
    json_t *by_id; /* the same, by their id */
};

struct jsonld *jsonld_new(void)
{
    struct jsonld *g = xcalloc(1, sizeof *g);

    g->graph = json_array();
    g->by_id = json_object();
    return g;
}

void jsonld_free(struct jsonld *g)
{
    if (!g)
        return;
    json_decref(g->by_id);
    json_decref(g->graph);
    free(g);
}

/* New. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    struct buf b = { 0 };

    if (value)
        return value;
    jsonld_add_encoded(&b, text);
    value = json_string(buf_str(&b));
    buf_release(&b);
    return value;
}

/* New: a text, or a list of texts where there are several words. */
static json_t *words(const char *text)
{
    json_t *list;

    if (!strchr(text, ' '))
        return json_string(text);
    list = json_array();
    while (*text) {
        size_t n = strcspn(text, " ");

        json_array_append_new(list, json_stringn(text, n));
        text += n + (text[n] == ' ');
    }
    return list;
}

json_t *jsonld_entity(struct jsonld *g, const char *id, const char *types, bool *added)
{
    json_t *e = json_object_get(g->by_id, id);

    if (added)
        *added = !e;
    if (e)
        return e;
    e = json_object();
    json_object_set_new(e, "@id", json_string(id));
    json_object_set_new(e, "@type", words(types));
    json_object_set(g->by_id, id, e);
    json_array_append_new(g->graph, e);
    return e;
}

bool jsonld_has(const json_t *entity, const char *property)
{
    return json_object_get(entity, property) != NULL;
}

bool jsonld_is(const json_t *entity, const char *property, const char *text)
{
    const char *is = json_string_value(json_object_get(entity, property));

    return is && !strcmp(is, text);
}

void jsonld_set(json_t *entity, const char *property, const char *text)
{
    json_object_set_new(entity, property, text_value(text));
}

/* One value stands for itself, several are a list; value is taken. */
static void add_value(json_t *entity, const char *property, json_t *value)
{
    json_t *had = json_object_get(entity, property);

    if (had && !json_is_array(had)) {
        json_t *list = json_array();

        json_array_append(list, had);
        json_object_set_new(entity, property, list);
        had = list;
    }
    if (had)
        json_array_append_new(had, value);
    else
        json_object_set_new(entity, property, value);
}

/* The same unless it is there. */
static void add_new_value(json_t *entity, const char *property, json_t *value)
{
    const json_t *had = json_object_get(entity, property);
    bool found = had && json_equal(had, value);

    for (size_t i = 0; i < json_array_size(had) && !found; i++)
        found = json_equal(json_array_get(had, i), value);
    if (found)
        json_decref(value);
    else
        add_value(entity, property, value);
}

static json_t *reference(const char *id)
{
    return json_pack("{s:s}", "@id", id);
}

void jsonld_add(json_t *entity, const char *property, const char *text)
{
    add_new_value(entity, property, text_value(text));
}

void jsonld_refer_new(json_t *entity, const char *property, const char *id)
{
    add_value(entity, property, reference(id));
}

void jsonld_refer(json_t *entity, const char *property, const char *id)
{
    add_new_value(entity, property, reference(id));
}

static int add_bytes(const char *bytes, size_t n, void *to)
{
    buf_add(to, bytes, n);
    return 0;
}

void jsonld_write(const struct jsonld *g, const char *contexts, struct buf *to)
{
    json_t *all = json_object();

    json_object_set_new(all, "@context", words(contexts));
    json_object_set(all, "@graph", g->graph);
    json_dump_callback(all, add_bytes, to, JSON_INDENT(2));
    buf_addc(to, '\n');
    json_decref(all);
}

void jsonld_add_encoded(struct buf *to, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~/@=,+";

    for (const char *s = text; *s; s++)
        if (strchr(plain, *s))
            buf_addc(to, *s);
        else
            buf_printf(to, "%%%02X", (unsigned char)*s);
}
