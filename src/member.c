#include "member.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

static const char *const outcome_word[] = { "done", "failed", "stopped", "error" };

static void path_of(struct buf *path, const char *folder, size_t n, const char *what)
{
    buf_printf(path, "%s/%zu.%s", folder, n, what);
}

/* ---- the list ---- */

int member_write_list(const char *folder, const struct member *m, size_t n,
                      struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc;

    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%zu\t%s\t%s\n", i, digest_hex(&m[i].key, hex), m[i].step);
    fs_join(&path, folder, "members.tsv");
    rc = fs_write(path.s, text.s, text.len, false, err);
    buf_release(&text);
    buf_release(&path);
    return rc;
}

static bool read_line(char *line, size_t i, struct member *m, struct arena *arena)
{
    char *rest = line, number[32];
    const char *at = strsep(&rest, "\t"), *key = strsep(&rest, "\t");

    snprintf(number, sizeof number, "%zu", i);
    if (!at || !key || !rest || strcmp(at, number) != 0 || !digest_parse(&m->key, key))
        return false;
    m->step = arena_strdup(arena, rest);
    return true;
}

int member_read_list(const char *folder, struct member **m, size_t *n,
                     struct arena *arena, struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    size_t lines = 0;
    char *rest, *line;
    int rc;

    *n = 0;
    fs_join(&path, folder, "members.tsv");
    rc = fs_read(path.s, &text, err);
    for (const char *p = rc == 0 ? text.s : ""; p && *p; p++)
        lines += *p == '\n';
    *m = arena_alloc(arena, (lines + 1) * sizeof **m);
    rest = rc == 0 ? text.s : NULL;
    while (rc == 0 && (line = strsep(&rest, "\n")) != NULL && *line)
        if (read_line(line, *n, &(*m)[*n], arena))
            ++*n;
        else
            rc = error_set(err, E_INPUT, "%s:%zu: no line of a batch", path.s, *n + 1);
    buf_release(&text);
    buf_release(&path);
    return rc;
}

/* ---- how one ended ---- */

int member_write_end(const char *folder, size_t n, const struct member_end *end,
                     struct error *err)
{
    struct buf path = { 0 }, whole = { 0 };
    char hex[DIGEST_HEX + 1], *text;
    json_t *all;
    int rc;

    all = json_pack("{s:s, s:b, s:f, s:s, s:b}", "outcome", outcome_word[end->outcome],
                    "ran", end->ran, "seconds", end->seconds, "message", end->message,
                    "out_of_memory", end->out_of_memory);
    if (end->has_log)
        json_object_set_new(all, "log", json_string(digest_hex(&end->log, hex)));
    text = json_dumps(all, JSON_REAL_PRECISION(9));
    path_of(&path, folder, n, "new");
    path_of(&whole, folder, n, "exit");
    rc = fs_write(path.s, text, strlen(text), true, err);
    if (rc == 0 && rename(path.s, whole.s) < 0)
        rc = error_system(err, "cannot write %s", whole.s);
    free(text);
    json_decref(all);
    buf_release(&whole);
    buf_release(&path);
    return rc;
}

static const char *text_of(const json_t *all, const char *name, struct arena *arena)
{
    const char *text = json_string_value(json_object_get(all, name));

    return arena_strdup(arena, text ? text : "");
}

static int take_end(const json_t *all, struct member_end *end, struct arena *arena)
{
    const char *word = text_of(all, "outcome", arena);
    size_t i = 0;

    while (i <= MEMBER_ERROR && strcmp(outcome_word[i], word) != 0)
        i++;
    *end = (struct member_end){
        .outcome = (enum member_outcome)i,
        .ran = json_is_true(json_object_get(all, "ran")),
        .seconds = json_number_value(json_object_get(all, "seconds")),
        .message = text_of(all, "message", arena),
        .out_of_memory = json_is_true(json_object_get(all, "out_of_memory")),
    };
    end->has_log = digest_parse(&end->log, text_of(all, "log", arena));
    return i <= MEMBER_ERROR ? 1 : E_INPUT;
}

int member_read_end(const char *folder, size_t n, struct member_end *end,
                    struct arena *arena, struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    json_t *all = NULL;
    int rc;

    path_of(&path, folder, n, "exit");
    if (!fs_exists(path.s)) {
        buf_release(&path);
        return 0;
    }
    rc = fs_read(path.s, &text, err);
    if (rc == 0) {
        all = json_loadb(text.s, text.len, 0, NULL);
        rc = all ? take_end(all, end, arena) : E_INPUT;
        if (rc == E_INPUT)
            error_set(err, E_INPUT, "%s does not tell how a job ended", path.s);
    }
    json_decref(all);
    buf_release(&text);
    buf_release(&path);
    return rc;
}
