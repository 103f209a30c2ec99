#include "desk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "child.h"
#include "item.h"
#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "meet.h"
#include "provenance.h"
#include "shell.h"

extern char **environ;

enum { COPY_AT_MOST = 16 << 20 };

static char *below(struct desk *d, const char *dir, const char *name)
{
    return arena_printf(&d->arena, "%s/%s", dir, name);
}

/* The name below step/in/ of a path there, or NULL. */
static const char *name_in(const struct desk *d, const char *path)
{
    size_t n = strlen(d->step);
    const char *name = path + n + sizeof "/in/" - 1;

    return !strncmp(path + n, "/in/", sizeof "/in/" - 1) && !strchr(name, '/') ? name
                                                                               : NULL;
}

/* A folder of `code:`, as facts.c names it: without what Python leaves in it. */
static int copy_folder(const char *from, const char *to, struct error *err)
{
    struct buf path = { 0 }, place = { 0 };
    struct stat st;
    char **name = NULL;
    size_t n = 0;
    int rc = fs_mkdirs(to, err);

    if (rc == 0)
        rc = fs_list(from, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!strcmp(name[i], "__pycache__"))
            continue;
        buf_reset(&path);
        buf_reset(&place);
        fs_join(&path, from, name[i]);
        fs_join(&place, to, name[i]);
        if (lstat(path.s, &st) < 0)
            rc = error_system(err, "cannot look at %s", path.s);
        else if (S_ISDIR(st.st_mode))
            rc = copy_folder(path.s, place.s, err);
        else
            rc = fs_copy(path.s, place.s, st.st_mode & S_IXUSR ? 0555 : 0444, err);
    }
    free(name);
    buf_release(&place);
    buf_release(&path);
    return rc;
}

/* A folder of the user's, by way of the store: a link to it would be no folder to many
 * programs. */
static int put_folder(struct session *s, const struct source *source,
                      const struct located *at, const char *path, struct error *err)
{
    struct object o = at->object;
    int rc = store_check(s->store, &o, false, NULL, err);

    if (rc == OBJECT_ABSENT || rc == OBJECT_DAMAGED)
        rc = store_import(s->store, at->path, OBJECT_TREE, false, &o, err);
    if (rc == 0 && !digest_equal(&o.id, &at->object.id))
        rc = error_set(err, E_INPUT, "%s changes while it is read; run again",
                       source->name);
    return rc < 0 ? rc : store_lend(s->store, &o, path, err);
}

/* is_code: never a link, since some programs look beside what it leads to. */
static int put_source(struct desk *d, struct session *s, const struct source *source,
                      const char *path, bool is_code, struct error *err)
{
    const struct located *at;
    const char *name = name_in(d, path);
    int rc = facts_locate(s->facts, source, &at, err);
    bool executable;

    if (rc < 0)
        return rc;
    executable = at->object.kind == OBJECT_EXEC;
    if (name && at->path && source->kind == OBJECT_FILE && !executable &&
        at->state.size <= COPY_AT_MOST)
        return room_copy(d->room, name, at->path, at->state.size, err);
    if (name)
        rc = room_free_name(d->room, name, err);
    if (rc < 0)
        return rc;
    if (source->is_code)
        return copy_folder(at->path, path, err);
    if (at->path && source->kind == OBJECT_TREE)
        return put_folder(s, source, at, path, err);
    if (!at->path)
        return store_lend(s->store, &at->object, path, err);
    if (at->state.size > COPY_AT_MOST && !executable && !is_code) {
        GROW(d->linked, d->n_linked + 1, d->cap_linked);
        d->linked[d->n_linked++] = at->path;
        return fs_symlink(at->path, path, err);
    }
    return fs_copy(at->path, path, executable ? 0555 : 0444, err);
}

static int put_item(struct desk *d, struct session *s, const struct item *item,
                    const char *path, struct error *err)
{
    struct object o;
    int rc;

    if (item->source)
        return put_source(d, s, item->source, path, false, err);
    rc = item_publish(s->store, s->work, item, &o, err);
    return rc < 0 ? rc : store_lend(s->store, &o, path, err);
}

/* The manifest of a list, and its items beside it. */
static int put_list(struct desk *d, struct session *s, const struct input *in,
                    const char *path, struct error *err)
{
    const char *folder = arena_printf(&d->arena, "%s.d", path);
    struct buf text = { 0 };
    int rc = fs_mkdirs(folder, err);

    for (size_t c = 0; c < in->n_columns; c++) {
        buf_add_escaped(&text, in->column[c]);
        buf_addc(&text, '\t');
    }
    buf_adds(&text, "path\n");
    for (size_t j = 0; j < in->n_items && rc == 0; j++) {
        for (size_t c = 0; c < in->n_columns; c++) {
            buf_add_escaped(&text, in->item[j].value[c]);
            buf_addc(&text, '\t');
        }
        buf_printf(&text, "in/%s.d/%04zu\n", in->name, j);
        rc = put_item(d, s, &in->item[j], arena_printf(&d->arena, "%s/%04zu", folder, j),
                      err);
    }
    if (rc == 0)
        rc = fs_write(path, text.s, text.len, false, err);
    buf_release(&text);
    return rc;
}

static int put_provenance(struct session *s, const struct work *w, const char *path,
                          struct error *err)
{
    struct buf text = { 0 };
    int rc;

    rc = provenance_write(s, w, &text, err);
    if (rc == 0)
        rc = fs_write(path, text.s, text.len, false, err);
    buf_release(&text);
    return rc;
}

static int put_inputs(struct desk *d, struct session *s, const struct work *w,
                      struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < w->step->n_inputs && rc == 0; i++) {
        const struct input *in = &w->step->input[i];
        const char *path = arena_printf(&d->arena, "%s/in/%s", d->step, in->name);

        switch (in->kind) {
        case INPUT_ONE:
            rc = put_item(d, s, &in->item[0], path, err);
            break;
        case INPUT_LIST:
            rc = put_list(d, s, in, path, err);
            break;
        case INPUT_PROVENANCE:
            rc = put_provenance(s, w, path, err);
            break;
        }
        if (rc < 0)
            return rc == E_INPUT ? rc : error_context(err, "input %s", in->name);
    }
    for (size_t i = 0; i < w->step->n_code && rc == 0; i++) {
        char *path = below(d, d->step, w->step->code_path[i]);
        size_t n = strlen(path);

        if (path[n - 1] == '/') /* a folder */
            path[n - 1] = '\0';
        rc = fs_make_parent(path, err);
        if (rc == 0)
            rc = put_source(d, s, w->step->code[i], path, true, err);
    }
    return rc;
}

static const struct input *find_input(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->n_inputs; i++)
        if (!strcmp(step->input[i].name, name))
            return &step->input[i];
    return NULL;
}

/* An input that room_copy() will write, as far as the plan knows. */
static bool is_copied(const void *step, const char *name)
{
    const struct input *in = find_input(step, name);

    return in && in->kind == INPUT_ONE && in->item[0].source;
}

/* Folders for outputs that are not right below out/. */
static int make_folders(struct desk *d, const struct step *step, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < step->n_outputs && rc == 0; i++)
        if (strchr(step->output[i].path, '/'))
            rc = fs_make_parent(
                arena_printf(&d->arena, "%s/out/%s", d->step, step->output[i].path), err);
    return rc;
}

struct words {
    char **word;
    size_t n, cap;
};

static void add_word(struct words *w, char *word)
{
    GROW(w->word, w->n + 2, w->cap);
    w->word[w->n++] = word;
    w->word[w->n] = NULL;
}

/* Keeps the list in the desk's arena. */
static char **keep_words(struct desk *d, struct words *w)
{
    char **kept = arena_alloc(&d->arena, (w->n + 1) * sizeof *kept);

    memcpy(kept, w->word, w->n * sizeof *kept);
    free(w->word);
    *w = (struct words){ 0 };
    return kept;
}

static void program_arguments(struct desk *d, const struct step *step, struct words *argv)
{
    add_word(argv, arena_strdup(&d->arena, step->program->name));
    for (size_t i = 0; i < step->n_inputs; i++)
        add_word(argv, arena_printf(&d->arena, "%s=in/%s", step->input[i].name,
                                    step->input[i].name));
    for (size_t i = 0; i < step->n_outputs; i++)
        add_word(argv, arena_printf(&d->arena, "%s=out/%s", step->output[i].name,
                                    step->output[i].path));
    for (size_t i = 0; i < step->n_options; i++)
        add_word(argv, arena_printf(&d->arena, "--%s=%s", step->option[i].name,
                                    step->option[i].text));
}

static const char *path_of_output(const struct step *step, const char *name)
{
    return step->output[step_output_index(step, name)].path;
}

static void add_output_word(const struct step *step, const char *name, struct buf *to)
{
    struct buf path = { 0 };

    buf_printf(&path, "out/%s", path_of_output(step, name));
    shell_add_word(to, buf_str(&path));
    buf_release(&path);
}

/* One element of `run:`; ${in.x[*]} stands alone and gives one argument an item. */
static void add_argument(struct desk *d, const struct step *step, const struct arg *arg,
                         struct words *argv)
{
    struct buf text = { 0 };

    for (size_t k = 0; k < arg->n_words; k++) {
        const struct word *word = &arg->word[k];
        const struct input *in;

        switch (word->kind) {
        case WORD_TEXT:
            buf_adds(&text, word->text);
            break;
        case WORD_IN:
            buf_printf(&text, "in/%s", word->text);
            break;
        case WORD_OUT:
            buf_printf(&text, "out/%s", path_of_output(step, word->text));
            break;
        case WORD_TOOL:
            buf_adds(&text, step_tool(step, word->text)->path);
            break;
        case WORD_IN_EACH:
            in = find_input(step, word->text);
            for (size_t j = 0; in && j < in->n_items; j++)
                add_word(argv, arena_printf(&d->arena, "in/%s.d/%04zu", in->name, j));
            buf_release(&text);
            return;
        }
    }
    add_word(argv, arena_strdup(&d->arena, buf_str(&text)));
    buf_release(&text);
}

/* The text of `sh:`; what stands for a path is a word of the shell. */
static void add_script(struct desk *d, const struct step *step, struct words *argv)
{
    const struct arg *arg = &step->arg[0];
    struct buf text = { 0 };

    for (size_t k = 0; k < arg->n_words; k++) {
        const struct word *word = &arg->word[k];
        const struct input *in = find_input(step, word->text);

        if (word->kind == WORD_TEXT)
            buf_adds(&text, word->text);
        else if (word->kind == WORD_IN)
            buf_printf(&text, "in/%s", word->text);
        else if (word->kind == WORD_OUT)
            add_output_word(step, word->text, &text);
        else if (word->kind == WORD_TOOL)
            shell_add_word(&text, step_tool(step, word->text)->path);
        for (size_t j = 0; word->kind == WORD_IN_EACH && j < in->n_items; j++)
            buf_printf(&text, "%sin/%s.d/%04zu", j ? " " : "", in->name, j);
    }
    add_word(argv, arena_strdup(&d->arena, "sh"));
    add_word(argv, arena_strdup(&d->arena, "-eu"));
    add_word(argv, arena_strdup(&d->arena, "-c"));
    add_word(argv, arena_strdup(&d->arena, buf_str(&text)));
    buf_release(&text);
}

static void set_arguments(struct desk *d, const struct step *step)
{
    struct words argv = { 0 };

    if (step->program) {
        d->path = step->program->path;
        program_arguments(d, step, &argv);
    } else {
        if (step->shell)
            add_script(d, step, &argv);
        for (size_t i = 0; i < step->n_args && !step->shell; i++)
            add_argument(d, step, &step->arg[i], &argv);
        d->path = step->executable ? step->executable : argv.word[0];
    }
    d->argv = keep_words(d, &argv);
}

/* A declared variable takes the place of ours. */
static void set_variable(struct desk *d, struct words *env, const char *name,
                         const char *value)
{
    char *word = arena_printf(&d->arena, "%s=%s", name, value);
    size_t n = strlen(name) + 1;

    for (size_t i = 0; i < env->n; i++)
        if (!strncmp(env->word[i], word, n)) {
            env->word[i] = word;
            return;
        }
    add_word(env, word);
}

/* The same of "NAME=VALUE". */
static void set_text(struct desk *d, struct words *env, const char *text)
{
    size_t n = strcspn(text, "=");

    set_variable(d, env, arena_strndup(&d->arena, text, n), text + n + 1);
}

/* "cuda:0,1" for two. */
static const char *device_of(struct desk *d, const char *gpus)
{
    struct buf text = { 0 };
    const char *device;

    if (!gpus)
        return "cpu";
    buf_adds(&text, "cuda:0");
    for (int n = 1; (gpus = strchr(gpus, ',')) != NULL; n++, gpus++)
        buf_printf(&text, ",%d", n);
    device = arena_strdup(&d->arena, text.s);
    buf_release(&text);
    return device;
}

/* What of our own environment says how GPUs are numbered and how several reach each
 * other; they are summed in the order of the ranks, so no result depends on it. */
static void add_gpu_words(struct desk *d, struct words *env, const char *gpus)
{
    const char *order = getenv("CUDA_DEVICE_ORDER");

    if (gpus && order)
        add_word(env, arena_printf(&d->arena, "CUDA_DEVICE_ORDER=%s", order));
    for (char **word = environ; gpus && strchr(gpus, ',') && *word; word++)
        if (!strncmp(*word, "NCCL_", 5))
            add_word(env, arena_strdup(&d->arena, *word));
}

/* Nothing else of it reaches a step but what is declared. */
static void set_environment(struct desk *d, const struct session *s,
                            const struct step *step, const struct allowance *given)
{
    const char *gpus = given->gpus;
    struct words env = { 0 };

    add_word(&env, arena_strdup(&d->arena, "PATH=/usr/local/bin:/usr/bin:/bin"));
    add_word(&env, arena_printf(&d->arena, "HOME=%s/home", d->root));
    add_word(&env, arena_printf(&d->arena, "TMPDIR=%s/tmp", d->root));
    add_word(&env, arena_strdup(&d->arena, "LANG=C.UTF-8"));
    add_word(&env, arena_strdup(&d->arena, "TZ=UTC"));
    add_word(&env, arena_printf(&d->arena, "LARDER_DEVICE=%s", device_of(d, gpus)));
    add_word(&env, arena_printf(&d->arena, "CUDA_VISIBLE_DEVICES=%s", gpus ? gpus : ""));
    add_gpu_words(d, &env, gpus);
    add_word(&env, arena_printf(&d->arena, "LARDER_THREADS=%d", given->threads));
    add_word(&env, arena_printf(&d->arena, "LARDER_PROGRESS=%d", CHILD_PROGRESS));
    if (step->has_seed)
        add_word(&env, arena_printf(&d->arena, "LARDER_SEED=%016llx",
                                    (unsigned long long)step->seed));
    if (given->makeflags)
        add_word(&env, arena_printf(&d->arena, "MAKEFLAGS=%s", given->makeflags));
    if (given->checkpoint)
        add_word(&env,
                 arena_printf(&d->arena, "LARDER_CHECKPOINT=%s", given->checkpoint));
    for (size_t i = 0; i < step->n_env; i++)
        set_variable(d, &env, step->env[i], step->env_value[i]);
    for (size_t i = 0; i < step->n_passed; i++)
        if (getenv(step->passed[i]))
            set_variable(d, &env, step->passed[i], getenv(step->passed[i]));
    for (size_t i = 0; i < s->n_again_env; i++)
        set_text(d, &env, s->again_env[i]);
    d->env = keep_words(d, &env);
}

int desk_open(struct desk *d, struct session *s, struct work *w,
              const struct allowance *given, struct error *err)
{
    int rc;

    *d = (struct desk){ .rooms = &s->rooms };
    rc = rooms_take(d->rooms, &d->room, s->store, given->lease, err);
    if (rc < 0)
        return rc;
    d->root = arena_strdup(&d->arena, room_path(d->room));
    d->step = below(d, d->root, "step");
    d->log = below(d, d->root, "log");
    rc = room_free_others(d->room, is_copied, w->step, err);
    if (rc == 0)
        rc = make_folders(d, w->step, err);
    if (rc == 0)
        rc = put_inputs(d, s, w, err);
    if (rc < 0)
        return rc;
    set_arguments(d, w->step);
    set_environment(d, s, w->step, given);
    return 0;
}

/* A sharded set has its folders and nothing else. */
static int check_shards(const struct output *out, const char *path, struct error *err)
{
    struct buf wanted = { 0 };
    char **name = NULL;
    size_t n = 0, i = 0;
    int rc = fs_list(path, &name, &n, err);

    for (; i < out->n_shards && rc == 0; i++) {
        buf_reset(&wanted);
        fs_join(&wanted, path, "");
        shard_name(i, out->n_shards, &wanted);
        if (!fs_is_dir(buf_str(&wanted)))
            rc = error_set(err, E_STAGE,
                           "its output %s (%s) is a set of %zu shards, and "
                           "the folder %s is not there",
                           out->name, out->path, out->n_shards, fs_basename(wanted.s));
    }
    if (rc == 0 && n > out->n_shards)
        rc = error_set(err, E_STAGE,
                       "its output %s (%s) is a set of %zu shards, and "
                       "has %zu entries",
                       out->name, out->path, out->n_shards, n);
    buf_release(&wanted);
    free(name);
    return rc;
}

static int other_kind(const struct output *out, mode_t mode, struct error *err)
{
    const char *wanted = out->kind == OBJECT_TREE ? "folder" : "regular file";

    if (S_ISLNK(mode))
        return error_set(err, E_STAGE,
                         "its output %s (%s) is a symbolic link, and not a %s; let it "
                         "write a copy of what that leads to",
                         out->name, out->path, wanted);
    if (S_ISDIR(mode))
        return error_set(err, E_STAGE,
                         "its output %s (%s) is a folder, and not a %s; the recipe "
                         "writes a folder with / at its end",
                         out->name, out->path, wanted);
    return error_set(err, E_STAGE, "its output %s (%s) is not a %s", out->name, out->path,
                     wanted);
}

static int check_output(const struct output *out, const char *path, struct error *err)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return error_set(err, E_STAGE, "it did not make its output %s (%s)", out->name,
                         out->path);
    if (out->kind == OBJECT_TREE ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return other_kind(out, st.st_mode, err);
    return out->n_shards ? check_shards(out, path, err) : 0;
}

/* The shards stand in the record too, so that a step that takes one of them has its key
 * without the set. */
static int add_shards(struct session *s, const struct step *step,
                      const struct object *set, struct record *rec, struct error *err)
{
    struct store_entry *entry;
    struct buf name = { 0 };
    size_t n;
    int rc = store_list(s->store, set, &rec->arena, &entry, &n, err);

    if (rc > 0)
        return error_set(err, E_CORRUPT, "a set that was just added is damaged");
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct record_output *o = &rec->output[rec->n_outputs];

        buf_reset(&name);
        step_object_name(step, rec->n_outputs++, &name);
        o->name = arena_strdup(&rec->arena, buf_str(&name));
        o->object = entry[i].object;
        o->temp = step->output[step_object_output(step, (size_t)(o - rec->output))].temp;
    }
    buf_release(&name);
    return rc;
}

int desk_collect(struct desk *d, struct session *s, const struct work *w, bool sync,
                 struct record *rec, struct error *err)
{
    const struct step *step = w->step;
    int rc = 0;

    rec->output = arena_alloc(&rec->arena, (step->n_objects + 1) * sizeof *rec->output);
    for (size_t i = 0; i < step->n_outputs && rc == 0;
         i++) /* none is moved if one is not there */
        rc = check_output(
            &step->output[i],
            arena_printf(&d->arena, "%s/out/%s", d->step, step->output[i].path), err);
    for (size_t i = 0; i < step->n_outputs && rc == 0; i++) {
        const struct output *out = &step->output[i];
        const char *path = arena_printf(&d->arena, "%s/out/%s", d->step, out->path);

        rec->output[i].name = arena_strdup(&rec->arena, out->name);
        rec->output[i].temp = out->temp;
        rc = store_add(s->store, path, out->kind, sync, &rec->output[i].object, err);
        if (rc < 0)
            return error_context(err, "output %s", out->name);
    }
    for (size_t i = 0; i < step->n_outputs && rc == 0; i++)
        rc = meet_output(s->store, &step->output[i], &rec->output[i].object, err);
    rec->n_outputs = step->n_outputs;
    for (size_t i = 0; i < step->n_outputs && rc == 0; i++)
        if (step->output[i].n_shards)
            rc = add_shards(s, step, &rec->output[i].object, rec, err);
    return rc;
}

/* Most steps print nothing, and what nothing is in the store need only be looked at. */
int desk_keep_log(struct desk *d, struct session *s, bool sync, struct object *log,
                  struct error *err)
{
    struct fs_state st;
    int found;

    if (!sync && fs_stat(d->log, &st, NULL) == FS_FOUND && st.size == 0) {
        *log = (struct object){ .kind = OBJECT_FILE };
        digest_bytes(&log->id, "", 0);
        found = store_check(s->store, log, false, NULL, err);
        if (found <= OBJECT_FINE)
            return found;
    }
    found = store_add(s->store, d->log, OBJECT_FILE, sync, log, err);
    log->kind = OBJECT_FILE; /* whatever the step has made of it */
    return found;
}

void desk_close(struct desk *d, enum room_fate fate)
{
    rooms_give(d->rooms, d->room, fate);
    free(d->linked);
    arena_release(&d->arena);
    *d = (struct desk){ 0 };
}
