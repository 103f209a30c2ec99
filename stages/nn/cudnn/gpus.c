/*
 * larder-gpus - tells whether networks can be computed on GPUs here, and on which.
 *
 * Lines of three columns: "fine" or "note" (it cannot be used), what it is, and what to
 * know of it; exit status 0 when there is a GPU to compute on, else 1. It lies beside the
 * plug-in. `larder doctor` reads the lines: `larder` itself opens no library of CUDA, and
 * a driver that hangs or crashes takes this process along and no other.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/cudnn/load.h"

#include "larder/banned.h"

/* The plug-in is in our own folder, where nobody has named another. */
static void name_folder(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n <= 0)
        return;
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    setenv("LARDER_CUDNN", path, 0);
}

/* The version that the kernel's module tells: the word of digits and points. */
static void driver_version(char *version, size_t size)
{
    char line[300] = "", *save = NULL;
    FILE *f = fopen("/proc/driver/nvidia/version", "r");

    snprintf(version, size, "of a version that the kernel does not tell");
    if (f == NULL)
        return;
    if (fgets(line, sizeof line, f) == NULL)
        line[0] = '\0';
    fclose(f);
    for (char *w = strtok_r(line, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save))
        if (strchr(w, '.') != NULL && strspn(w, "0123456789.") == strlen(w)) {
            snprintf(version, size, "%s", w);
            return;
        }
}

int main(void)
{
    const struct nn_plugin *plugin;
    struct error err = { 0 };
    char version[60];
    int rc;

    if (!cudnn_driver()) {
        printf("fine\tGPU driver\tnone (libcuda.so.1); networks are computed on the "
               "processors\n");
        return 1;
    }
    driver_version(version, sizeof version);
    printf("fine\tGPU driver\t%s\n", version);
    fflush(stdout);
    name_folder();
    rc = cudnn_plugin(&plugin, "cuda", &err);
    if (rc == 0)
        printf("fine\tGPU plug-in\t%s/larder-cudnn.so, which fits\n",
               getenv("LARDER_CUDNN"));
    if (rc == 0)
        rc = plugin->describe(stdout, &err);
    if (rc < 0)
        printf("note\tGPU plug-in\t%s\n", err.text);
    return rc < 0;
}
