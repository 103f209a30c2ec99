#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/map.h"

#include "bring.h"
#include "kept.h"
#include "lab.h"
#include "larder/remotes.h"
#include "larder/trust.h"
#include "larder/use.h"

#include "place.h"
#include "sharing.h"

enum { LITTER_AGE_S = 3600 };

int cache_folder(struct buf *path, struct error *err)
{
    const char *own = getenv("LARDER_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");

    if (own && *own) {
        char *absolute = own[0] == '/' ? NULL : getcwd(NULL, 0);

        fs_join(path, absolute ? absolute : "/", own);
        free(absolute);
    } else if (xdg && xdg[0] == '/') {
        fs_join(path, xdg, "larder");
    } else if (home && home[0] == '/') {
        fs_join(path, home, ".cache/larder");
    } else {
        return error_set(err, E_USAGE, "where is the cache? set LARDER_CACHE or HOME");
    }
    return 0;
}

static char *keep(struct session *s, struct buf *b)
{
    char *kept = arena_strdup(&s->arena, buf_str(b));

    buf_release(b);
    return kept;
}

static char *joined(struct session *s, const char *dir, const char *name)
{
    struct buf b = { 0 };

    fs_join(&b, dir, name);
    return keep(s, &b);
}

/* The folder of the running executable: programs lie beside it. */
static int own_folder(struct session *s, char **folder, struct error *err)
{
    char path[4096];
    struct buf b = { 0 };
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n < 0)
        return error_system(err, "/proc/self/exe");
    path[n] = '\0';
    fs_dirname(&b, path);
    *folder = keep(s, &b);
    return 0;
}

int session_go(const struct cli *cli, struct error *err)
{
    if (!cli->folder || chdir(cli->folder) == 0)
        return 0;
    error_set(err, E_SYSTEM, "-C %s: %s; name the folder of the project", cli->folder,
              strerror(errno));
    return EXIT_NO_PROJECT;
}

/* Enters the project and finds its recipe. */
static int find_project(struct session *s, const char **recipe, struct error *err)
{
    char *here;

    if (session_go(s->cli, err) != 0)
        return EXIT_NO_PROJECT;
    here = getcwd(NULL, 0);
    if (!here) {
        error_system(err, "the current folder");
        return EXIT_NO_PROJECT;
    }
    s->project = arena_strdup(&s->arena, here);
    free(here);
    s->own = joined(s, s->project, ".larder");
    *recipe = s->cli->recipe ? s->cli->recipe : "larder.yaml";
    if (fs_exists(*recipe))
        return 0;
    if (s->cli->recipe)
        error_set(err, E_USAGE,
                  "-f %s: no such file; name one from the current folder, or that of -C",
                  *recipe);
    else
        error_set(
            err, E_USAGE,
            "no larder.yaml in this folder: go to the project, or name it with -C, or "
            "name a recipe with -f");
    return EXIT_NO_PROJECT;
}

/* .larder/ with what keeps it out of git. */
static int make_own(struct session *s, struct error *err)
{
    const char *ignore = joined(s, s->own, ".gitignore");
    const char *kept = kept_folder(&s->arena, s->own);
    int rc;

    if (fs_exists(ignore) && fs_exists(kept))
        return 0;
    rc = fs_mkdirs(kept, err);
    if (rc == 0)
        rc = fs_write(ignore, "*\n", 2, false, err);
    return rc;
}

/* The words of the command line, else `default: {target:}`, else everything. */
int session_choose(struct session *s, const char *const *word, size_t n,
                   struct error *err)
{
    int rc = 0;

    s->chosen = arena_alloc(&s->arena, s->plan->n_steps + 1);
    s->target = arena_alloc(&s->arena, s->plan->n_targets + 1);
    s->wanted = arena_alloc(&s->arena, s->plan->n_steps + 1);
    if (n) {
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = plan_choose(s->plan, word[i], s->chosen, s->target, err);
    } else if (s->plan->standard) {
        rc = plan_choose(s->plan, s->plan->standard, s->chosen, s->target, err);
        if (rc < 0) {
            char *story = xstrdup(err->text);

            rc = pos_error(&s->plan->standard_pos, err, "%s", story);
            free(story);
        }
    } else {
        memset(s->chosen, true, s->plan->n_steps);
        memset(s->target, true, s->plan->n_targets);
    }
    memcpy(s->wanted, s->chosen, s->plan->n_steps);
    if (n || s->plan->standard) /* else all are wanted already */
        plan_close(s->plan, s->wanted);
    return rc;
}

/* ---- a plan that was kept ------------------------------------------------------------
 */

/* All that decides, with the witness, which plan it is. */
static const char *plan_question(struct session *s, const char *recipe)
{
    struct buf b = { 0 };

    buf_printf(&b, "larder %s\nrecipe %s\n", LARDER_VERSION, recipe);
    buf_printf(&b, "project %s\n", s->project);
    if (s->cli->profile)
        buf_printf(&b, "profile %s\n", s->cli->profile);
    for (size_t i = 0; i < s->cli->n_settings; i++)
        buf_printf(&b, "setting %s=%s\n", s->cli->setting[i].name,
                   s->cli->setting[i].value);
    return keep(s, &b);
}

int session_enter(struct session *s, const struct cli *cli, struct error *err)
{
    int rc;

    if (s->question)
        return 0;
    *s = (struct session){ .cli = cli };
    say_init(&s->say, cli, stderr);
    rc = find_project(s, &s->recipe_path, err);
    if (rc != 0)
        return rc;
    s->question = plan_question(s, s->recipe_path);
    s->image_path = kept_path(&s->arena, s->own, s->question, "plan");
    image_open(&s->image, s->image_path, s->question);
    return 0;
}

/* A rebuilt larder may lay a plan out in another way. */
static void tell_witness_of_self(struct session *s)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    path[n > 0 ? n : 0] = '\0';
    witness_file(&s->witness, path);
}

static int bring(void *self, const struct source *source, struct buf *path,
                 struct error *err)
{
    return bring_included(self, source, path, err);
}

static int build_plan(struct session *s, struct error *err)
{
    const struct recipe_bring bringing = { bring, s };
    const struct cli *cli = s->cli;
    char *beside;
    int rc = own_folder(s, &beside, err);

    image_close(s->image);
    s->image = NULL;
    tell_witness_of_self(s);
    /* no part of the plan, but a proof found with it rests on whom we trust */
    witness_file(&s->witness, joined(s, s->project, TRUST_FILE));
    if (rc == 0)
        rc = programs_open(&s->programs, beside, state_program_memory(s->state),
                           &s->witness, err);
    if (rc == 0)
        rc = recipe_read(&s->recipe, s->project, s->recipe_path, cli->profile,
                         cli->setting, cli->n_settings, &s->witness, &bringing, err);
    if (rc == 0)
        rc = plan_build(&s->built, s->recipe, s->programs, err);
    s->plan = s->built;
    return rc;
}

int session_program(struct session *s, const char *name, const struct program **program,
                    struct error *err)
{
    char *beside;
    int rc = s->programs ? 0 : own_folder(s, &beside, err);

    if (rc == 0 && !s->programs)
        rc = programs_open(&s->programs, beside, state_program_memory(s->state), NULL,
                           err);
    return rc == 0 ? programs_find(s->programs, name, program, err) : rc;
}

int session_open(struct session *s, const struct cli *cli, struct error *err)
{
    int rc = session_enter(s, cli, err);

    if (rc == 0)
        rc = state_open(&s->state, joined(s, s->own, "state"), err);
    if (rc != 0 ||
        (s->image && image_plan(s->image, s->proof ? proof_image_state(s->proof) : NULL,
                                &s->plan) == IMAGE_FOUND))
        return rc;
    return build_plan(s, err);
}

/* ---- settings and store ---------------------------------------------------------------
 */

static int read_config(struct session *s, struct error *err)
{
    return s->config.value[0].text ? 0 : config_read(&s->config, s->project, s->cli, err);
}

int session_open_store(struct session *s, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    if (s->store)
        return 0;
    rc = cache_folder(&path, err);
    s->cache = keep(s, &path);
    return rc == 0 ? store_open(&s->store, s->cache, NULL, err) : rc;
}

/* ---- what we rely on ------------------------------------------------------------------
 */

int session_use(struct session *s, struct error *err)
{
    int rc = session_open_store(s, err);

    if (rc == 0 && !s->uses)
        rc = use_open(&s->use, s->store, err);
    s->uses = rc == 0;
    return rc;
}

/* 16 hex digits for what was asked for, in this project. */
static const char *use_name(struct session *s, const char *const *word, size_t n)
{
    struct buf b = { 0 };
    struct digest d;
    char hex[DIGEST_HEX + 1];

    buf_printf(&b, "%s%zu\n", s->question, n);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "for %s\n", word[i]);
    digest_bytes(&d, b.s, b.len);
    buf_release(&b);
    return arena_strndup(&s->arena, digest_hex(&d, hex), USE_NAME_SIZE);
}

bool session_use_again(struct session *s, const char *const *word, size_t n_words)
{
    return use_again(s->store, use_name(s, word, n_words));
}

/* Files that no record names: imports, whatever a step has looked at of them in this run,
 * and the logs of failures. */
static void use_files(struct session *s)
{
    for (size_t i = 0; i < s->plan->n_sources; i++) {
        const struct source *source = s->plan->source[i];

        if (source->is_import && source->pin.full)
            use_note(s->store, source->kind == OBJECT_TREE ? USE_TREE : USE_FILE,
                     &source->pin.digest);
    }
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->work[i].has_failed_log)
            use_note(s->store, USE_FILE, &s->work[i].failed_log);
}

/* One that is not whole does not stand for the last that was, but beside it. */
void session_keep_use(struct session *s, bool whole)
{
    const char *name;

    if (!s->use || s->member)
        return;
    use_files(s);
    name = use_name(s, s->cli->arg, s->cli->n_args);
    if (!whole)
        name = arena_printf(&s->arena, "%.*s-part", USE_NAME_SIZE, name);
    use_keep(s->use, name, s->image != NULL);
}

int session_open_cache(struct session *s, const struct cli *cli, struct error *err)
{
    *s = (struct session){ .cli = cli };
    say_init(&s->say, cli, stderr);
    return session_open_store(s, err);
}

int session_connect(struct session *s, struct error *err)
{
    int rc = read_config(s, err);

    if (rc == 0)
        rc = make_own(s, err);
    if (rc == 0)
        rc = session_use(s, err);
    if (rc < 0)
        return rc;
    lab_open(s);
    store_set_memory(s->store, state_store_memory(s->state));
    facts_new(&s->facts, s->plan, s->state, s->store);
    work_new(&s->work, s->plan, s->wanted);
    return 0;
}

/* ---- what was found before ------------------------------------------------------------
 */

static const char *proof_question(struct session *s, const char *const *word, size_t n)
{
    struct buf b = { 0 };

    buf_printf(&b, "%scache %s\n", s->question, store_path(s->store));
    if (config_sandbox(&s->config) == SANDBOX_OFF) /* what ran so answers no other */
        buf_adds(&b, "sandbox off\n");
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "for %s\n", word[i]);
    return keep(s, &b);
}

static void look_at_doubt(const struct session *s, struct fs_state *state)
{
    struct buf path = { 0 };

    *state = (struct fs_state){ 0 };
    store_doubt_path(s->store, &path);
    fs_stat(path.s, state, NULL);
    buf_release(&path);
}

/* The records of a proof are not read: gc is told of them all, and what it had taken
 * before that is seen by the doubt it left (store_doubt()), which is looked at first. */
static void use_proof(struct session *s)
{
    struct digest *key = xcalloc(s->plan->n_steps + 1, sizeof *key);
    size_t n = 0;

    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct proof_step step;

        if (s->wanted[i] && proof_step(s->proof, i, &step))
            key[n++] = step.key;
    }
    use_note_keys(s->store, key, n);
    free(key);
}

static void read_proof(struct session *s, const char *path, const char *question)
{
    if (!s->image ||
        proof_open(&s->proof, path, question, image_id(s->image)) != PROOF_FOUND)
        return;
    if (s->use)
        use_proof(s);
    look_at_doubt(s, &s->doubt);
    proof_check(s->proof, s->store, s->project);
}

/* One that was held against the store before anything was noted. */
static void note_proof(struct session *s)
{
    struct fs_state doubt;

    if (!s->proof || !s->use)
        return;
    use_proof(s);
    look_at_doubt(s, &doubt);
    if (state_same(&doubt, &s->doubt))
        return;
    proof_close(s->proof);
    s->proof = NULL;
    read_proof(s, s->proof_path, s->proof_question);
}

static void open_proof(struct session *s, const char *const *word, size_t n_words)
{
    if (s->proof_path)
        return;
    s->proof_question = proof_question(s, word, n_words);
    s->proof_path = kept_path(&s->arena, s->own, s->proof_question, "proof");
    read_proof(s, s->proof_path, s->proof_question);
}

void session_borrow_proof(struct session *s)
{
    const char *question;

    if (s->proof)
        return;
    question = proof_question(s, NULL, 0);
    read_proof(s, kept_path(&s->arena, s->own, question, "proof"), question);
}

int session_begin(struct session *s, const struct cli *cli, const char *const *word,
                  size_t n_words, struct error *err)
{
    int rc = session_open(s, cli, err);

    if (rc == 0)
        rc = session_choose(s, word, n_words, err);
    if (rc == 0)
        rc = session_connect(s, err);
    if (rc == 0 && s->proof_path)
        note_proof(s);
    else if (rc == 0)
        open_proof(s, word, n_words);
    return rc;
}

bool session_stands(struct session *s, const char *const *word, size_t n_words,
                    size_t *n_wanted)
{
    if (!s->image || read_config(s, NULL) < 0 || session_open_store(s, NULL) < 0)
        return false;
    open_proof(s, word, n_words);
    return s->proof && proof_stands(s->proof, n_wanted);
}

void session_keep(struct session *s)
{
    struct error err;
    uint64_t id = 0;
    int rc = 0;

    if (s->proof && proof_stands_but_for_places(s->proof) &&
        (!s->places || !places_changed(s->places)))
        return;
    if (s->image)
        id = image_id(s->image);
    else if (witness_settle(&s->witness))
        rc = image_write(s->image_path, s->question, s->plan, &s->witness, &id, &err);
    else
        return; /* the recipe is too young to be known by its state; the next run keeps it
                 */
    if (rc == 0)
        rc = proof_write(s, s->proof_path, s->proof_question, id, &err);
    if (rc < 0)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "larder: what was learnt is not kept, the next run takes longer: %s",
                 err.text);
    kept_sweep(s->own);
}

/* Everything in .larder/ that is none of these is temporary. */
static bool is_lasting(const char *name)
{
    static const char *const lasting[] = { ".gitignore", "config", "state", "state.more",
                                           "placed",     "runs",   "kept",  "slurm" };

    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++)
        if (!strcmp(name, lasting[i]))
            return true;
    return false;
}

static void sweep_folder(const char *folder, bool (*lasts)(const char *name))
{
    char **name = NULL;
    size_t n = 0;

    if (fs_list(folder, &name, &n, NULL) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        struct buf path = { 0 };
        struct stat st;

        fs_join(&path, folder, name[i]);
        if (!lasts(name[i]) && lstat(buf_str(&path), &st) == 0 &&
            time(NULL) - st.st_mtime > LITTER_AGE_S)
            fs_remove_tree(buf_str(&path), NULL);
        buf_release(&path);
    }
    free(name);
}

static bool is_run(const char *name)
{
    return name[0] != '.';
}

void session_sweep(const struct session *s)
{
    struct buf runs = { 0 };

    sweep_folder(s->own, is_lasting);
    fs_join(&runs, s->own, "runs");
    sweep_folder(buf_str(&runs), is_run);
    buf_release(&runs);
}

void session_close(struct session *s)
{
    struct error err;

    if (s->own && s->state && !s->member && fs_is_dir(s->own) &&
        state_save(s->state, &err) < 0)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "larder: what was learnt is not kept, the next run takes longer: %s",
                 err.text);
    proof_close(s->proof);
    if (s->plan)
        work_free(s->work, s->plan);
    queue_release(&s->recalled);
    map_release(&s->lost);
    map_release(&s->would_fetch.seen);
    map_release(&s->discovered);
    map_release(&s->looked);
    remotes_close(s->remotes);
    trust_close(s->trust);
    facts_free(s->facts);
    rooms_release(&s->rooms);
    sandbox_close(&s->sandbox);
    use_close(s->use);
    store_close(s->lab);
    store_close(s->store);
    plan_free(s->built);
    image_close(s->image);
    recipe_free(s->recipe);
    programs_close(s->programs);
    state_close(s->state);
    config_release(&s->config);
    witness_release(&s->witness);
    arena_release(&s->arena);
    *s = (struct session){ 0 };
}
