#include "larder/pins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"
#include "larder/keyring.h"
#include "layout.h"
#include "tempfile.h"

#include "larder/banned.h"

bool pins_name_is_valid(const char *name)
{
    return key_name_is_valid(name);
}

static void pin_path(const struct store *st, const char *name, struct buf *path)
{
    buf_printf(path, "%s/pins/%s", st->path, name);
}

/* ---- the text ---------------------------------------------------------------------- */

static void write_sum(struct buf *to)
{
    struct digest d;
    char hex[DIGEST_HEX + 1];

    digest_bytes(&d, to->s, to->len);
    buf_printf(to, "sha256 %s\n", digest_hex(&d, hex));
}

static void write_pin(const struct pins_entry *pin, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_adds(to, FORMAT_PIN "\nproject ");
    buf_add_escaped(to, pin->project);
    buf_addc(to, '\n');
    for (size_t i = 0; i < pin->n; i++) {
        buf_printf(to, "step sha256:%s ", digest_hex(&pin->step[i].key, hex));
        buf_add_escaped(to, pin->step[i].name);
        buf_addc(to, '\n');
    }
    write_sum(to);
}

/* Whether the last line is right for those above. */
static bool is_whole(const struct buf *text)
{
    const size_t n = strlen("sha256 ") + DIGEST_HEX + 1;
    struct buf want = { 0 };
    bool whole;

    if (text->len <= n)
        return false;
    buf_add(&want, text->s, text->len - n);
    write_sum(&want);
    whole = want.len == text->len && memcmp(want.s, text->s, want.len) == 0;
    buf_release(&want);
    return whole;
}

/* The rest of a line, in arena memory; the scan is then behind it. */
static const char *rest(const char **at, struct arena *arena)
{
    size_t n = strcspn(*at, "\n");
    const char *text = arena_strndup(arena, *at, n);

    *at += n + (*at)[n] / '\n';
    return text;
}

static bool begins(const char **at, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*at, word, n) != 0)
        return false;
    *at += n;
    return true;
}

/* Of a text that is whole. */
static bool read_steps(struct pins_entry *pin, const char *at, struct arena *arena)
{
    size_t cap = 0;

    for (const char *p = at; *p; p++)
        cap += *p == '\n';
    pin->step = arena_alloc(arena, (cap + 1) * sizeof *pin->step);
    while (begins(&at, "step sha256:")) {
        struct pins_step *step = &pin->step[pin->n++];
        char hex[DIGEST_HEX + 1] = { 0 };

        strncat(hex, at, DIGEST_HEX);
        if (!layout_is_digest(hex, &step->key) || at[DIGEST_HEX] != ' ')
            return false;
        at += DIGEST_HEX + 1;
        step->name = rest(&at, arena);
    }
    return !strncmp(at, "sha256 ", 7);
}

static int read_pin(struct store *st, struct pins_entry *pin, struct arena *arena,
                    struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    struct fs_state state = { 0 };
    const char *at;
    int rc;

    pin_path(st, pin->name, &path);
    rc = fs_stat(path.s, &state, err);
    if (rc == FS_FOUND)
        rc = fs_read(path.s, &text, err);
    at = buf_str(&text);
    pin->made = state.mtime_ns / 1000000000;
    if (rc < 0 && errno != EIO)
        goto out;
    rc = 0;
    if (!is_whole(&text) || !begins(&at, FORMAT_PIN "\nproject ") ||
        !(pin->project = rest(&at, arena)) || !read_steps(pin, at, arena))
        rc = error_set(err, E_CORRUPT,
                       "the pin %s is damaged, and what it keeps is not known: pin it "
                       "again after `larder unpin %s`",
                       pin->name, pin->name);
out:
    buf_release(&text);
    buf_release(&path);
    return rc;
}

/* ---- the calls --------------------------------------------------------------------- */

static int exists_already(struct store *st, const struct pins_entry *pin,
                          const struct buf *text, struct error *err)
{
    struct buf path = { 0 }, there = { 0 };
    int rc;

    pin_path(st, pin->name, &path);
    rc = fs_read(path.s, &there, err);
    if (rc == 0 && (there.len != text->len || memcmp(there.s, text->s, text->len)))
        rc = error_set(err, E_USAGE,
                       "there is another pin %s: give this one a name with --name, or "
                       "`larder unpin %s` first",
                       pin->name, pin->name);
    buf_release(&there);
    buf_release(&path);
    return rc;
}

int pins_add(struct store *st, const struct pins_entry *pin, struct error *err)
{
    struct tempfile temp = { 0 };
    struct buf text = { 0 }, path = { 0 };
    int rc = tempfile_open(&temp, st, err);

    write_pin(pin, &text);
    pin_path(st, pin->name, &path);
    if (rc == 0)
        rc = tempfile_write(&temp, text.s, text.len, err);
    if (rc == 0)
        rc = tempfile_publish(&temp, &path, false, true, NULL, err);
    if (rc == PUBLISH_EXISTS)
        rc = exists_already(st, pin, &text, err);
    tempfile_release(&temp);
    buf_release(&path);
    buf_release(&text);
    return rc;
}

int pins_remove(struct store *st, const char *name, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    pin_path(st, name, &path);
    if (!pins_name_is_valid(name) || !fs_exists(path.s))
        rc = error_set(err, E_USAGE, "there is no pin %s; `larder pin` lists them", name);
    else
        rc = fs_remove(path.s, err);
    buf_release(&path);
    return rc;
}

bool pins_is_whole(struct store *st, const char *name)
{
    struct pins_entry pin = { .name = name };
    struct arena arena = { 0 };
    int rc = read_pin(st, &pin, &arena, NULL);

    arena_release(&arena);
    return rc == 0;
}

int pins_list(struct store *st, struct arena *arena, struct pins_entry **pin, size_t *n,
              struct error *err)
{
    struct buf folder = { 0 };
    char **name = NULL;
    size_t n_names = 0;
    int rc;

    *n = 0;
    fs_join(&folder, st->path, "pins");
    rc = fs_list(folder.s, &name, &n_names, err);
    if (rc < 0 && errno == ENOENT)
        rc = 0;
    *pin = arena_alloc(arena, (n_names + 1) * sizeof **pin);
    for (size_t i = 0; i < n_names && rc == 0; i++) {
        if (!pins_name_is_valid(name[i]))
            continue; /* fsck's business */
        (*pin)[*n] = (struct pins_entry){ .name = arena_strdup(arena, name[i]) };
        rc = read_pin(st, &(*pin)[(*n)++], arena, err);
    }
    free(name);
    buf_release(&folder);
    return rc;
}
