#include "slurm.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "ask.h"
#include "onpath.h"
#include "shell.h"

enum { ASK_S = 60 };

/* The first line, without its end. */
static void first_line(struct buf *text)
{
    size_t n = strcspn(buf_str(text), "\n");

    if (n < text->len)
        text->s[text->len = n] = '\0';
}

int slurm_run(const char *const argv[], struct buf *out, struct error *err)
{
    struct buf said = { 0 };
    int rc = ask(argv, ASK_S, out, &said, err);

    if (rc > 0) {
        first_line(&said);
        error_set(err, E_SYSTEM, "%s: %s", argv[0],
                  said.len ? said.s : "it failed and does not say why");
    }
    buf_release(&said);
    return rc;
}

char *slurm_state(const char *id, size_t i)
{
    static const char field[] = "JobState=";
    struct buf out = { 0 }, name = { 0 };
    const char *at;
    char *state = NULL;

    buf_printf(&name, "%s_%zu", id, i);
    if (slurm_run((const char *const[]){ "scontrol", "show", "job", "-o", name.s, NULL },
                  &out, NULL) == 0 &&
        (at = strstr(buf_str(&out), field)) != NULL) {
        at += sizeof field - 1;
        state = xstrndup(at, strcspn(at, " \n"));
    }
    buf_release(&name);
    buf_release(&out);
    return state;
}

char *slurm_find(const char *folder)
{
    struct buf path = { 0 }, text = { 0 }, name = { 0 };
    char *id = NULL;

    fs_join(&path, folder, "job");
    if (fs_exists(path.s))
        fs_read(path.s, &text, NULL);
    if (text.len == 0) {
        buf_printf(&name, "larder-%s", fs_basename(folder));
        slurm_run((const char *const[]){ "squeue", "-h", "-o", "%F", "-n", name.s, NULL },
                  &text, NULL);
    }
    first_line(&text);
    if (text.len)
        id = buf_take(&text);
    buf_release(&name);
    buf_release(&text);
    buf_release(&path);
    return id;
}

static void add_option(struct buf *to, const char *option, const char *value)
{
    if (value) {
        buf_printf(to, " %s ", option);
        shell_add_word(to, value);
    }
}

/* The larder on the node is asked what we were asked, of one step. */
static int write_script(const struct session *s, const char *folder, const char *path,
                        struct error *err)
{
    const struct cli *cli = s->cli;
    struct buf text = { 0 }, self = { 0 };
    int rc;

    own_path(&self);
    buf_adds(&text, "#!/bin/sh\nexport LARDER_CACHE=");
    shell_add_word(&text, s->cache);
    buf_adds(&text, "\nn=$SLURM_ARRAY_TASK_ID\nexec ");
    shell_add_word(&text, buf_str(&self));
    add_option(&text, "-C", s->project);
    add_option(&text, "-f", cli->recipe);
    add_option(&text, "-P", cli->profile);
    for (size_t i = 0; i < cli->n_settings; i++) {
        struct buf setting = { 0 };

        buf_printf(&setting, "%s=%s", cli->setting[i].name, cli->setting[i].value);
        add_option(&text, "-S", setting.s);
        buf_release(&setting);
    }
    if (cli->sandbox)
        add_option(&text, "--sandbox", cli->sandbox);
    buf_adds(&text, " --events job ");
    shell_add_word(&text, folder);
    buf_adds(&text, " \"$n\" >");
    shell_add_word(&text, folder);
    buf_adds(&text, "/$n.events 2>>");
    shell_add_word(&text, folder);
    buf_adds(&text, "/$n.err\n");
    rc = fs_write(path, text.s, text.len, false, err);
    buf_release(&self);
    buf_release(&text);
    return rc;
}

/* The words of sbatch; texts in the arena. */
static const char **sbatch_words(const struct session *s, struct arena *a,
                                 const char *folder, const char *script,
                                 const struct resources *r, size_t n)
{
    const char *options = config_slurm_options(&s->config);
    const char **word = arena_alloc(a, (20 + strlen(options)) * sizeof *word);
    size_t k = 0;

    word[k++] = "sbatch";
    word[k++] = "--parsable";
    word[k++] = "--requeue";
    word[k++] = "--open-mode=append";
    word[k++] = arena_printf(a, "--array=0-%zu", n - 1);
    word[k++] = arena_printf(a, "--job-name=larder-%s", fs_basename(folder));
    word[k++] = arena_printf(a, "--output=%s/%%a.err", folder);
    word[k++] = arena_printf(a, "--cpus-per-task=%d", r->cpu);
    if (r->memory)
        word[k++] = arena_printf(a, "--mem=%lldK", (r->memory + 1023) / 1024);
    if (r->gpu)
        word[k++] = arena_printf(a, "--gres=gpu:%d", r->gpu);
    if (r->time > 0) /* larder ends it before, and tells why */
        word[k++] = arena_printf(a, "--time=%ld", (long)(r->time / 60) + 3);
    for (const char *p = options; *p; p += strspn(p, " ")) {
        size_t length = strcspn(p, " ");

        word[k++] = arena_strndup(a, p, length);
        p += length;
    }
    word[k++] = script;
    return word;
}

int slurm_submit(const struct session *s, const char *folder, const struct member *m,
                 size_t n, const struct resources *r, char **id, struct error *err)
{
    struct arena arena = { 0 };
    struct buf script = { 0 }, out = { 0 }, job = { 0 };
    int rc = fs_mkdirs(folder, err);

    *id = NULL;
    fs_join(&script, folder, "job.sh");
    fs_join(&job, folder, "job");
    if (rc == 0)
        rc = member_write_list(folder, m, n, err);
    if (rc == 0)
        rc = write_script(s, folder, script.s, err);
    if (rc == 0)
        rc = slurm_run(sbatch_words(s, &arena, folder, script.s, r, n), &out, err);
    rc = rc > 0 ? E_SYSTEM : rc;
    if (rc == 0) {
        *id = xstrndup(out.s, strcspn(out.s, ";\n"));
        rc = fs_write(job.s, *id, strlen(*id), true, err);
    }
    arena_release(&arena);
    buf_release(&job);
    buf_release(&out);
    buf_release(&script);
    return rc;
}
