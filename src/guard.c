#include "guard.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"

enum sandbox_mode guard_mode(const struct session *s, const struct step *step)
{
    enum sandbox_mode user = config_sandbox(&s->config);

    return step->sandbox < user ? step->sandbox : user;
}

/* Opened by the first step that runs. */
static const struct sandbox *sandbox_of(struct session *s)
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
static int permit_executable(struct fence *f, const struct step *step, struct error *err)
{
    struct buf folder = { 0 };
    int rc;

    if (!step->program)
        return step->executable && step->executable[0] == '/'
                   ? fence_permit(f, step->executable, PERMIT_READ, err)
                   : 0;
    fs_dirname(&folder, step->program->path);
    rc = fence_permit(f, buf_str(&folder), PERMIT_READ, err);
    buf_release(&folder);
    return rc;
}

static int permit_tools(struct fence *f, const struct step *step, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < step->n_tools && rc == 0; i++)
        if (step->tool[i].path)
            rc = fence_permit(f, step->tool[i].path, PERMIT_READ, err);
    return rc;
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
            rc = fence_permit(f, buf_str(&device),
                              PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE, err);
        buf_release(&device);
    }
    for (size_t i = 0; i < sizeof path / sizeof path[0] && rc == 0; i++)
        rc = fence_permit(f, path[i], PERMIT_READ | PERMIT_WRITE | PERMIT_DEVICE, err);
    free(name);
    return rc;
}

static int permit_own(struct fence *f, const struct desk *d,
                      const struct allowance *given, struct error *err)
{
    static const char *const folder[] = { "step", "home", "tmp" };
    int rc = fence_permit(f, d->root, PERMIT_READ, err);

    for (size_t i = 0; i < sizeof folder / sizeof folder[0] && rc == 0; i++) {
        struct buf path = { 0 };

        fs_join(&path, d->root, folder[i]);
        rc = fence_permit(f, buf_str(&path), PERMIT_READ | PERMIT_WRITE, err);
        buf_release(&path);
    }
    if (rc == 0 && given->checkpoint)
        rc = fence_permit(f, given->checkpoint, PERMIT_READ | PERMIT_WRITE, err);
    for (size_t i = 0; i < d->n_linked && rc == 0; i++)
        rc = fence_permit(f, d->linked[i], PERMIT_READ, err);
    return rc;
}

static int watch(struct guard *g, const struct desk *d, const struct step *step,
                 struct error *err)
{
    int rc = trace_new(&g->trace, d->root, d->step,
                       g->mode == SANDBOX_ENFORCE && !step->network, err);

    return rc < 0 ? rc : 0;
}

int guard_open(struct guard *g, struct session *s, const struct work *w,
               const struct desk *d, const struct allowance *given, bool asked,
               struct error *err)
{
    const struct step *step = w->step;
    int rc;

    *g = (struct guard){ .mode = guard_mode(s, step) };
    if (g->mode == SANDBOX_OFF)
        return 0;
    rc = fence_open(&g->fence, sandbox_of(s), g->mode == SANDBOX_ENFORCE, step->network,
                    err);
    if (rc == 0)
        rc = permit_own(&g->fence, d, given, err);
    if (rc == 0)
        rc = permit_executable(&g->fence, step, err);
    if (rc == 0)
        rc = permit_tools(&g->fence, step, err);
    if (rc == 0 && given->gpus)
        rc = permit_gpus(&g->fence, err);
    if (rc == 0 && (asked || g->mode == SANDBOX_WARN || s->cli->trace))
        rc = watch(g, d, step, err);
    return rc;
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
