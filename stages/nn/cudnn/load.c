#include "nn/cudnn/load.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/buf.h"
#include "nn/cudnn/plugin.h"

#include "larder/banned.h"

#define PLUGIN "larder-cudnn.so"

/* The N of "cuda:N", or of several, "cuda:N,N,...", that of this process. */
static int number_of(const char *device, struct error *err)
{
    const char *at = strncmp(device, "cuda:", 5) == 0 ? device + 5 : "";
    const char *rank = getenv("LARDER_RANK");
    long mine = rank != NULL ? strtol(rank, NULL, 10) : 0, found = -1;
    char *end = NULL;

    for (long k = 0; *at >= '0' && *at <= '9'; k++) {
        long n = strtol(at, &end, 10);

        if (n > INT_MAX || (*end != ',' && *end != '\0'))
            break;
        found = k == mine ? n : found;
        at = *end == ',' ? end + 1 : end;
        if (*end == '\0' && found >= 0)
            return (int)found;
    }
    return error_set(err, E_USAGE, "device %s: it is cpu or cuda:N, N from 0", device);
}

/* ../lib/larder of the folder of the program that runs. */
static void library_folder(struct buf *folder)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    path[n < 0 ? 0 : n] = '\0';
    *(strrchr(path, '/') != NULL ? strrchr(path, '/') : path) = '\0';
    buf_printf(folder, "%s/../lib/larder", path);
}

static void *open_plugin(const char *device, struct error *err)
{
    const char *set = getenv("LARDER_CUDNN");
    struct buf path = { 0 };
    void *handle = NULL;

    if (set != NULL)
        buf_adds(&path, set);
    else
        library_folder(&path);
    buf_adds(&path, "/" PLUGIN);
    if (access(path.s, R_OK) < 0)
        error_set(err, E_DEVICE,
                  "device %s: this build has no %s; build where CUDA and cuDNN are "
                  "installed, or compute on the CPU",
                  device, path.s);
    else if ((handle = dlopen(path.s, RTLD_NOW | RTLD_LOCAL)) == NULL)
        error_set(err, E_DEVICE, "device %s: %s cannot be opened: %s", device, path.s,
                  dlerror());
    buf_release(&path);
    return handle;
}

bool cudnn_driver(void)
{
    return dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) != NULL;
}

int cudnn_plugin(const struct nn_plugin **plugin, const char *device, struct error *err)
{
    void *handle;

    if (!cudnn_driver())
        return error_set(err, E_DEVICE,
                         "device %s: there is no NVIDIA driver here (libcuda.so.1); "
                         "compute on the CPU with LARDER_DEVICE=cpu",
                         device);
    handle = open_plugin(device, err);
    if (handle == NULL)
        return E_DEVICE;
    *plugin = dlsym(handle, NN_PLUGIN_SYMBOL);
    if (*plugin == NULL || (*plugin)->abi != NN_PLUGIN_ABI)
        return error_set(
            err, E_DEVICE,
            "device %s: %s is of another version of Larder; install both anew", device,
            PLUGIN);
    return 0;
}

int cudnn_load(const struct nn_backend **b, const char *device, struct error *err)
{
    int gpu = number_of(device, err), rc;
    const struct nn_plugin *plugin;

    rc = gpu < 0 ? gpu : cudnn_plugin(&plugin, device, err);
    if (rc < 0)
        return rc;
    rc = plugin->start(gpu, err);
    if (rc < 0)
        return error_context(err, "device %s", device);
    *b = plugin->backend;
    return 0;
}
