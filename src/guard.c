#include "guard.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "runpath.h"

enum sandbox_mode guard_mode(const struct session *s, const struct step *step)
{
    enum sandbox_mode user = config_sandbox(&s->config);

    return step->sandbox < user ? step->sandbox : user;
}

/* Opened by the first step that runs. */
static struct sandbox *sandbox_of(struct session *s)
{
    if (s->sandbox.n_system)
        return &s->sandbox;
    sandbox_open(&s->sandbox);
    if (!s->sandbox.abi)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "this kernel has no Landlock: nothing keeps a step from files that the "
                 "recipe does not name");
    return &s->sandbox;
}

/* One of Larder's own programs comes with what lies beside it. */
static void permit_program(struct fence *f, const struct program *program)
{
    struct buf folder = { 0 };

    fs_dirname(&folder, program->path);
    fence_permit(f, buf_str(&folder), PERMIT_READ);
    buf_release(&folder);
}

static void permit_executable(struct fence *f, const struct step *step)
{
    if (step->program)
        permit_program(f, step->program);
    else if (step->executable && step->executable[0] == '/')
        fence_permit(f, step->executable, PERMIT_READ);
}

static void permit_tools(struct fence *f, const struct step *step)
{
    for (size_t i = 0; i < step->n_tools; i++)
        if (step->tool[i].path)
            fence_permit(f, step->tool[i].path, PERMIT_READ);
}

/* CUDA names its threads through /proc; where it cannot, cuInit() gives 304. */
static int permit_gpus(struct fence *f, struct error *err)
{
    static const char *const path[] = { "/dev/dri", "/proc" };
    char **name = NULL;
    size_t n = 0;
    int rc = fs_list("/dev", &name, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++) {
        struct buf device = { 0 };

        fs_join(&device, "/dev", name[i]);
        if (!strncmp(name[i], "nvidia", 6))
            fence_permit(f, buf_str(&device), PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE);
        buf_release(&device);
    }
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++)
        fence_permit(f, path[i], PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE);
    free(name);
    return rc;
}

/* The plug-in for GPUs, where a program looks for it, and the folders of CUDA that it
 * names itself: the loader reads them there, and a step has no LD_LIBRARY_PATH. */
static void permit_plugin(struct fence *f, const struct program *program)
{
    struct buf folder = { 0 }, plugin = { 0 }, libraries = { 0 };
    char *real = realpath(program->path, NULL), *save = NULL;

    fs_dirname(&folder, real ? real : program->path);
    buf_adds(&folder, "/../lib/larder");
    fs_join(&plugin, folder.s, "larder-cudnn.so");
    runpath_of(plugin.s, &libraries);
    fence_permit(f, folder.s, PERMIT_READ);
    for (char *w = strtok_r(libraries.s, ":", &save); w; w = strtok_r(NULL, ":", &save))
        if (w[0] == '/')
            fence_permit(f, w, PERMIT_READ);
    buf_release(&libraries);
    buf_release(&plugin);
    buf_release(&folder);
    free(real);
}

static void permit_room(struct fence *f, const char *root)
{
    static const char *const folder[] = { "step", "home", "tmp" };

    fence_permit(f, root, PERMIT_READ);
    for (size_t i = 0; i < sizeof folder / sizeof folder[0]; i++) {
        struct buf path = { 0 };

        fs_join(&path, root, folder[i]);
        fence_permit(f, buf_str(&path), PERMIT_READ | PERMIT_WRITE);
        buf_release(&path);
    }
}

static void permit_own(struct fence *f, const struct desk *d,
                       const struct allowance *given)
{
    permit_room(f, d->root);
    if (given->checkpoint)
        fence_permit(f, given->checkpoint, PERMIT_READ | PERMIT_WRITE);
    for (size_t i = 0; i < d->n_linked; i++)
        fence_permit(f, d->linked[i], PERMIT_READ);
}

/* NCCL has the processes of several GPUs find each other through an internet socket. */
static bool may_reach_network(const struct step *step, const struct allowance *given)
{
    return step->network || (given->gpus && strchr(given->gpus, ','));
}

static int watch(struct guard *g, const struct desk *d, struct error *err)
{
    int rc = trace_new(&g->trace, d->root, d->step,
                       g->mode == SANDBOX_ENFORCE && !g->fence.network, err);

    return rc < 0 ? rc : 0;
}

int guard_open(struct guard *g, struct session *s, const struct work *w,
               const struct desk *d, const struct allowance *given, bool asked,
               struct error *err)
{
    const struct step *step = w->step;
    int rc = 0;

    *g = (struct guard){ .mode = guard_mode(s, step) };
    if (g->mode == SANDBOX_OFF)
        return 0;
    fence_open(&g->fence, sandbox_of(s), g->mode == SANDBOX_ENFORCE,
               may_reach_network(step, given));
    permit_own(&g->fence, d, given);
    permit_executable(&g->fence, step);
    permit_tools(&g->fence, step);
    if (given->gpus)
        rc = permit_gpus(&g->fence, err);
    if (given->gpus && step->program)
        permit_plugin(&g->fence, step->program);
    if (rc == 0 && (asked || g->mode == SANDBOX_WARN || s->cli->trace))
        rc = watch(g, d, err);
    return rc;
}

void guard_program(struct fence *f, struct session *s, const struct program *program,
                   const char *root)
{
    fence_open(f, sandbox_of(s), true, false);
    permit_room(f, root);
    permit_program(f, program);
}

struct fence *guard_fence(struct guard *g)
{
    return g->mode == SANDBOX_OFF ? NULL : &g->fence;
}

void guard_close(struct guard *g)
{
    trace_free(g->trace);
    fence_release(&g->fence);
    *g = (struct guard){ 0 };
}
