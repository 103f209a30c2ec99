#include "prefix.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

static bool has(const char *prefix, const char *name)
{
    struct buf path = { 0 };
    bool there;

    fs_join(&path, prefix, name);
    there = fs_exists(buf_str(&path));
    buf_release(&path);
    return there;
}

/* Whether path is folder, or in it. */
static bool is_in(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return !strncmp(path, folder, n) && (path[n] == '/' || path[n] == '\0');
}

static bool is_too_much(const char *prefix)
{
    const char *home = getenv("HOME");
    char *real = home ? realpath(home, NULL) : NULL;
    struct buf local = { 0 };
    bool yes = false;

    if (real && !strcmp(real, "/"))
        yes = false;
    else if (real) {
        fs_join(&local, real, ".local");
        yes = is_in(real, prefix) || !strcmp(prefix, local.s);
    }
    buf_release(&local);
    free(real);
    return yes;
}

/* The folder of modules that path is in, or NULL. */
static const char *modules_of(struct arena *arena, const char *path)
{
    static const char *const name[] = { "/site-packages/", "/dist-packages/" };

    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        const char *at = strstr(path, name[i]);

        if (at)
            return arena_strndup(arena, path, (size_t)(at - path) + strlen(name[i]) - 1);
    }
    return NULL;
}

static bool is_part(const char *name, size_t n)
{
    static const char *const part[] = { "bin", "lib", "lib64", "libexec" };

    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        if (strlen(part[i]) == n && !strncmp(name, part[i], n))
            return true;
    return false;
}

const char *prefix_of(struct arena *arena, const char *path, const char *ours)
{
    for (const char *at = path; (at = strchr(at, '/')) != NULL; at++) {
        const char *prefix;

        if (at == path || !is_part(at + 1, strcspn(at + 1, "/")))
            continue;
        prefix = arena_strndup(arena, path, (size_t)(at - path));
        if (is_in(prefix, ours)) {
            if (has(prefix, "pyvenv.cfg") || has(prefix, "conda-meta"))
                return prefix;
            continue;
        }
        if (!is_too_much(prefix))
            return prefix;
        if (modules_of(arena, path))
            return modules_of(arena, path);
    }
    return NULL;
}

/* The first word of a file, or NULL. */
static const char *first_word(struct arena *arena, const char *folder, const char *name)
{
    static const char blank[] = " \t\r\n";
    struct buf path = { 0 }, text = { 0 };
    const char *word = NULL;

    fs_join(&path, folder, name);
    if (fs_read(path.s, &text, NULL) == 0 && text.len) {
        const char *start = text.s + strspn(text.s, blank);

        word = arena_strndup(arena, start, strcspn(start, blank));
    }
    buf_release(&text);
    buf_release(&path);
    return word && *word ? word : NULL;
}

const char *prefix_of_shim(struct arena *arena, const char *path, const char *ours)
{
    const char *pyenv = prefix_of(arena, path, ours), *version, *prefix;

    if (!pyenv || !has(pyenv, "shims") || !has(pyenv, "versions"))
        return NULL;
    version = first_word(arena, ours, ".python-version");
    if (!version)
        version = first_word(arena, pyenv, "version");
    prefix = arena_printf(arena, "%s/versions/%s", pyenv, version ? version : "");
    return version && fs_is_dir(prefix) ? prefix : NULL;
}

static bool has_module(const char *folder, const char *module)
{
    struct buf name = { 0 };
    bool there;

    buf_printf(&name, "%s.py", module);
    there = has(folder, module) || has(folder, name.s);
    buf_release(&name);
    return there;
}

const char *prefix_of_module(struct arena *arena, const char *module)
{
    const char *home = getenv("HOME"), *found = NULL;
    char *lib = arena_printf(arena, "%s/.local/lib", home ? home : "");
    char **name = NULL;
    size_t n = 0;

    if (!*module || strchr(module, '/') || fs_list(lib, &name, &n, NULL) < 0)
        return NULL;
    for (size_t i = n; i-- > 0 && !found;) { /* the newest Python first */
        const char *folder = arena_printf(arena, "%s/%s/site-packages", lib, name[i]);

        if (!strncmp(name[i], "python", 6) && has_module(folder, module))
            found = folder;
    }
    free(name);
    return found;
}

const char *prefix_name(struct arena *arena, const char *prefix)
{
    char *name =
        arena_strdup(arena, fs_basename(prefix) + strspn(fs_basename(prefix), "."));

    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            *c = '_';
    if (isalpha((unsigned char)*name) || *name == '_')
        return name;
    return has(prefix, "bin/python3") ? "python" : "software";
}
