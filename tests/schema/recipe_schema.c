/*
 * recipe_schema - what docs/recipe.schema.json is held against.
 *
 *   recipe_schema keys SCHEMA CASES   every set of keys that the reader checks a map
 *                                     against, while it reads the cases, is that of a
 *                                     closed object of the schema, and the other way
 * round recipe_schema json FILE           a file of a recipe as the reader sees it, as
 * JSON
 *
 * The reader has one door for keys, node_check_keys(); the linker leads its callers here.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "plan.h"
#include "recipe.h"
#include "yaml.h"

#include "larder/banned.h"

/* ---- sets of keys ------------------------------------------------------------------ */

static struct map of_reader, of_schema; /* "a b c" to where it was seen */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The words sorted, with blanks between. */
static char *joined(const char *const *word, size_t n)
{
    const char **sorted = xcalloc(n + 1, sizeof *sorted);
    struct buf b = { 0 };

    for (size_t i = 0; i < n; i++)
        sorted[i] = word[i];
    qsort(sorted, n, sizeof *sorted, compare_words);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i ? " " : "", sorted[i]);
    free(sorted);
    return buf_take(&b);
}

static void note(struct map *sets, const char *const *word, size_t n, const char *where)
{
    char *set = joined(word, n);

    if (!map_get(sets, set))
        map_set(sets, set, xstrdup(where));
    free(set);
}

int __real_node_check_keys(const struct node *map, const char *what,
                           const char *const *known, size_t n_known, struct error *err);
int __wrap_node_check_keys(const struct node *map, const char *what,
                           const char *const *known, size_t n_known, struct error *err);

int __wrap_node_check_keys(const struct node *map, const char *what,
                           const char *const *known, size_t n_known, struct error *err)
{
    note(&of_reader, known, n_known, what);
    return __real_node_check_keys(map, what, known, n_known, err);
}

static void read_case(const char *dir, struct programs *programs)
{
    struct recipe *recipe = NULL;
    struct plan *plan = NULL;

    if (recipe_read(&recipe, dir, "larder.yaml", NULL, NULL, 0, NULL, NULL, NULL) == 0)
        plan_build(&plan, recipe, programs, NULL);
    plan_free(plan);
    recipe_free(recipe);
}

static bool read_cases(const char *cases)
{
    struct programs *programs = NULL;
    struct buf path = { 0 };
    char **name = NULL;
    size_t n = 0;

    if (fs_list(cases, &name, &n, NULL) < 0)
        return false;
    fs_join(&path, cases, "programs");
    setenv("LARDER_PROGRAMS", buf_str(&path), 1);
    programs_open(&programs, cases, NULL, NULL, NULL);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&path);
        fs_join(&path, cases, name[i]);
        if (fs_is_dir(buf_str(&path)))
            read_case(buf_str(&path), programs);
    }
    programs_close(programs);
    buf_release(&path);
    free(name);
    return true;
}

/* Every object of the schema that takes no other keys than its own. */
static void walk_schema(const json_t *at, const char *where)
{
    const json_t *properties = json_object_get(at, "properties"), *value;
    const char *word[64], *key;
    struct buf below = { 0 };
    size_t n = 0, i;

    if (json_is_false(json_object_get(at, "additionalProperties"))) {
        json_object_foreach((json_t *)properties, key,
                            value) if (n < sizeof word / sizeof *word) word[n++] = key;
        note(&of_schema, word, n, where);
    }
    json_object_foreach((json_t *)at, key, value)
    {
        buf_reset(&below);
        buf_printf(&below, "%s/%s", where, key);
        walk_schema(value, buf_str(&below));
    }
    json_array_foreach(at, i, value) walk_schema(value, where);
    buf_release(&below);
}

/* Tells the sets of a that b does not have. */
static int tell_missing(const struct map *a, const struct map *b, const char *what,
                        const char *other)
{
    int n = 0;

    for (size_t i = 0; i < a->n; i++)
        if (!map_get(b, a->entry[i].key)) {
            printf("%s (%s) takes these keys, and nothing in %s does:\n    %s\n", what,
                   (const char *)a->entry[i].value, other, a->entry[i].key);
            n++;
        }
    return n;
}

static void release(struct map *sets)
{
    for (size_t i = 0; i < sets->n; i++)
        free(sets->entry[i].value);
    map_release(sets);
}

static int compare_keys(const char *schema_path, const char *cases)
{
    json_error_t why;
    json_t *schema = json_load_file(schema_path, JSON_REJECT_DUPLICATES, &why);
    int n;

    if (!schema || !read_cases(cases)) {
        printf("%s:%d: %s\n", schema_path, why.line, why.text);
        return 1;
    }
    walk_schema(schema, "#");
    n = tell_missing(&of_reader, &of_schema, "the reader", "the schema") +
        tell_missing(&of_schema, &of_reader, "the schema", "the reader");
    printf("%zu sets of keys\n", of_schema.n);
    if (of_schema.n < 12)
        n++;
    json_decref(schema);
    release(&of_reader);
    release(&of_schema);
    return n > 0;
}

/* ---- JSON -------------------------------------------------------------------------- */

/* A plain word is a number where JSON has that number, or true or false; else a text. */
static json_t *json_of_word(const struct node *node)
{
    json_t *number = NULL;

    if (node->plain && (!strcmp(node->text, "true") || !strcmp(node->text, "false")))
        return json_boolean(node->text[0] == 't');
    if (node->plain && node->text[strspn(node->text, "0123456789.eE+-")] == '\0')
        number = json_loads(node->text, JSON_DECODE_ANY, NULL);
    return number ? number : json_string(node->text);
}

static json_t *json_of_node(const struct node *node)
{
    json_t *to;

    if (!node || node->kind == NODE_NULL)
        return json_null();
    if (node->kind == NODE_SCALAR)
        return json_of_word(node);
    to = node->kind == NODE_LIST ? json_array() : json_object();
    for (size_t i = 0; i < node->n; i++)
        if (node->kind == NODE_LIST)
            json_array_append_new(to, json_of_node(node->item[i]));
        else
            json_object_set_new(to, node->key[i]->text, json_of_node(node->item[i]));
    return to;
}

static int print_json(const char *path)
{
    struct arena arena = { 0 };
    struct buf bytes = { 0 };
    struct recipe_text text = { .file = path, .path = path };
    struct node *root = NULL;
    struct error err = { 0 };
    json_t *all;
    int rc = fs_read(path, &bytes, &err);

    text.s = buf_str(&bytes);
    text.n = bytes.len;
    if (rc == 0)
        rc = yaml_parse(&arena, &text, &root, &err);
    if (rc == 0) {
        all = json_of_node(root);
        json_dumpf(all, stdout, JSON_INDENT(1));
        json_decref(all);
    } else {
        printf("%s\n", err.text);
    }
    buf_release(&bytes);
    arena_release(&arena);
    return rc < 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "keys"))
        return compare_keys(argv[2], argv[3]);
    if (argc == 3 && !strcmp(argv[1], "json"))
        return print_json(argv[2]);
    fputs("usage: recipe_schema keys SCHEMA CASES | recipe_schema json FILE\n", stderr);
    return 2;
}
