/*
 * identity - a build tool: what a program is, as a digest of its source.
 *
 *     larder_identity ROOT stages/train.c OUT.c OUT.d
 *
 * From the program's .c it follows #include "..."; for each project header x.h it takes
 * x.c beside it too (one noun, one pair), for include/larder/x.h the one x.c under src/,
 * src/base/ or cache/. It hashes the C tokens of these files in the order of their paths:
 * comments and layout do not count, nor do compiler, flags and linker, so two labs with
 * different compilers agree. OUT.c defines the program's name and identity; OUT.d tells
 * the build which files it read.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct closure {
    const char *root;
    struct map file; /* path relative to root -> its text, a struct buf * */
};

static int closure_add(struct closure *c, const char *path, struct error *err);

/* Adds dir/name.c for the header dir/name.h, where there is one. */
static int add_pair(struct closure *c, const char *header, struct error *err)
{
    static const char *const homes[] = { "src/base/", "src/", "cache/" };
    static const char crossing[] = "include/larder/";
    struct buf pair = { 0 }, full = { 0 };
    size_t n_homes = 1, cut = 0;
    int rc = 0;

    if (strncmp(header, crossing, sizeof crossing - 1) == 0) {
        cut = sizeof crossing - 1;
        n_homes = sizeof homes / sizeof *homes;
    }
    for (size_t i = 0; i < n_homes && rc == 0; i++) {
        buf_reset(&pair);
        buf_reset(&full);
        buf_adds(&pair, cut ? homes[i] : "");
        buf_adds(&pair, header + cut);
        pair.s[pair.len - 1] = 'c';
        fs_join(&full, c->root, pair.s);
        if (fs_exists(full.s))
            rc = closure_add(c, pair.s, err);
    }
    buf_release(&pair);
    buf_release(&full);
    return rc;
}

/* Adds the file that `#include "name"` in the file `from` means. */
static int add_include(struct closure *c, const char *from, const char *name,
                       struct error *err)
{
    struct buf beside = { 0 }, path = { 0 }, full = { 0 };
    const char *place[3] = { NULL, "stages", "include" };
    int rc = E_INPUT;

    fs_dirname(&beside, from);
    place[0] = beside.s;
    for (size_t i = 0; i < 3; i++) {
        buf_reset(&path);
        buf_reset(&full);
        fs_join(&path, place[i], name);
        fs_join(&full, c->root, path.s);
        if (fs_exists(full.s))
            break;
    }
    if (!fs_exists(full.s))
        rc = error_set(err, E_INPUT, "%s: cannot find \"%s\"", from, name);
    else
        rc = closure_add(c, path.s, err);
    if (rc == 0)
        rc = add_pair(c, path.s, err);
    buf_release(&beside);
    buf_release(&path);
    buf_release(&full);
    return rc;
}

/* Follows the #include lines of a text. Conditions are not evaluated: both branches of an
 * #if count. */
static int follow(struct closure *c, const char *path, const char *text,
                  struct error *err)
{
    int rc = 0;

    for (const char *line = text; line && rc == 0; line = strchr(line, '\n')) {
        const char *open, *close;
        char *name;

        line += *line == '\n';
        line += strspn(line, " \t");
        if (*line != '#')
            continue;
        open = line + 1 + strspn(line + 1, " \t");
        if (strncmp(open, "include", 7) != 0)
            continue;
        open += 7 + strspn(open + 7, " \t");
        if (*open != '"' || !(close = strchr(open + 1, '"')))
            continue;
        name = xstrndup(open + 1, (size_t)(close - open - 1));
        rc = add_include(c, path, name, err);
        free(name);
    }
    return rc;
}

static int closure_add(struct closure *c, const char *path, struct error *err)
{
    struct buf full = { 0 }, *text;
    int rc;

    if (map_find(&c->file, path))
        return 0;
    text = xcalloc(1, sizeof *text);
    map_set(&c->file, path, text);
    fs_join(&full, c->root, path);
    rc = fs_read(full.s, text, err);
    if (rc == 0)
        rc = follow(c, path, buf_str(text), err);
    buf_release(&full);
    return rc;
}

static void closure_release(struct closure *c)
{
    for (size_t i = 0; i < c->file.n; i++) {
        buf_release(c->file.entry[i].value);
        free(c->file.entry[i].value);
    }
    map_release(&c->file);
}

/* The end of the comment, splice or white space that begins at s, or s. */
static const char *skip_blank(const char *s, bool *newline)
{
    if (s[0] == '\\' && s[1] == '\n')
        return s + 2;
    if (s[0] == '/' && s[1] == '/') {
        while (*s && *s != '\n')
            s++;
        return s;
    }
    if (s[0] == '/' && s[1] == '*') {
        const char *end = strstr(s + 2, "*/");

        return end ? end + 2 : s + strlen(s);
    }
    if (*s && isspace((unsigned char)*s)) {
        *newline |= *s == '\n';
        return s + 1;
    }
    return s;
}

/* The end of a literal, a name or a number. */
static const char *word_end(const char *s)
{
    char quote = *s;

    if (quote == '"' || quote == '\'') {
        for (s++; *s && *s != quote; s++)
            s += *s == '\\' && s[1];
        return *s ? s + 1 : s;
    }
    for (; isalnum((unsigned char)*s) || *s == '_' || *s == '.'; s++) {
        bool exponent = *s == 'e' || *s == 'E' || *s == 'p' || *s == 'P';

        s += exponent && isdigit((unsigned char)quote) && (s[1] == '+' || s[1] == '-');
    }
    return s;
}

/* The end of the token that begins at s, the longest there is. */
static const char *token_end(const char *s)
{
    static const char *const punctuator[] = {
        "...", "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=",
        "&&",  "||",  "*=",  "/=", "%=", "+=", "-=", "&=", "^=", "|=", "##",
    };

    if (isalnum((unsigned char)*s) || *s == '_' || *s == '"' || *s == '\'' ||
        (*s == '.' && isdigit((unsigned char)s[1])))
        return word_end(s);
    for (size_t i = 0; i < sizeof punctuator / sizeof *punctuator; i++)
        if (strncmp(s, punctuator[i], strlen(punctuator[i])) == 0)
            return s + strlen(punctuator[i]);
    return s + 1;
}

/* Appends the tokens of a text, one a line. Preprocessor lines are the exception: where
 * they end and where they have blanks means something, so they stay one line, each run of
 * blanks a space. */
static void add_tokens(struct buf *to, const char *s)
{
    bool directive = false, newline = true, gap = false;

    while (*s) {
        const char *end = skip_blank(s, &newline);

        if (end != s) {
            gap = true;
            s = end;
            continue;
        }
        if (newline)
            directive = *s == '#';
        if (!directive || newline)
            buf_addc(to, '\n');
        else if (gap)
            buf_addc(to, ' ');
        newline = gap = false;
        end = token_end(s);
        buf_add(to, s, (size_t)(end - s));
        s = end;
    }
    buf_addc(to, '\n');
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

static void closure_digest(struct closure *c, struct digest *d)
{
    struct map_entry *sorted = xmalloc(c->file.n * sizeof *sorted);
    struct buf tokens = { 0 };

    memcpy(sorted, c->file.entry, c->file.n * sizeof *sorted);
    qsort(sorted, c->file.n, sizeof *sorted, compare_entries);
    buf_adds(&tokens, "larder-identity 1\n");
    for (size_t i = 0; i < c->file.n; i++) {
        buf_printf(&tokens, "file %s\n", sorted[i].key);
        add_tokens(&tokens, buf_str(sorted[i].value));
    }
    digest_bytes(d, tokens.s, tokens.len);
    buf_release(&tokens);
    free(sorted);
}

/* Writes path unless it holds these bytes already, so that nothing is compiled again. */
static int write_if_changed(const char *path, const struct buf *text, struct error *err)
{
    struct buf former = { 0 };
    bool same = fs_exists(path) && fs_read(path, &former, err) == 0 &&
                former.len == text->len && memcmp(former.s, text->s, text->len) == 0;

    buf_release(&former);
    return same ? 0 : fs_write(path, text->s, text->len, false, err);
}

static int write_outputs(const struct closure *c, const char *program, const char *out,
                         const char *depfile, const struct digest *d, struct error *err)
{
    struct buf text = { 0 }, folder = { 0 };
    char hex[DIGEST_HEX + 1];
    const char *name = fs_basename(program);
    int rc;

    fs_dirname(&folder, out);
    rc = fs_mkdirs(folder.s, err);
    if (rc < 0)
        goto out;
    buf_printf(&text,
               "extern const char larder_program_name[], larder_program_identity[];\n"
               "const char larder_program_name[] = \"%.*s\";\n"
               "const char larder_program_identity[] = \"sha256:%s\";\n",
               (int)strcspn(name, "."), name, digest_hex(d, hex));
    rc = write_if_changed(out, &text, err);
    if (rc < 0)
        goto out;
    buf_reset(&text);
    buf_printf(&text, "%s:", out);
    for (size_t i = 0; i < c->file.n; i++)
        buf_printf(&text, " \\\n %s/%s", c->root, c->file.entry[i].key);
    buf_addc(&text, '\n');
    rc = fs_write(depfile, text.s, text.len, false, err);
out:
    buf_release(&text);
    buf_release(&folder);
    return rc;
}

int main(int argc, char **argv)
{
    struct closure c = { 0 };
    struct error err = { 0 };
    struct digest d;
    int rc;

    if (argc != 5) {
        fprintf(stderr, "usage: larder_identity ROOT PROGRAM.c OUT.c OUT.d\n");
        return 2;
    }
    c.root = argv[1];
    rc = closure_add(&c, argv[2], &err);
    if (rc == 0) {
        closure_digest(&c, &d);
        rc = write_outputs(&c, argv[2], argv[3], argv[4], &d, &err);
    }
    closure_release(&c);
    if (rc < 0)
        fprintf(stderr, "larder_identity: %s\n", err.text);
    return rc < 0;
}
