#include "fault.h"

#include <stdlib.h>
#include <string.h>

#include "setting.h"
#include "told.h"

static const struct {
    const char *name;
    cudaError_t status;
} faults[] = {
    { "memory", cudaErrorMemoryAllocation },    { "launch", cudaErrorLaunchFailure },
    { "lost", cudaErrorDevicesUnavailable },    { "unsupported", cudaErrorNotSupported },
    { "internal", cudaErrorUnknown },
};

static cudaError_t named(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strlen(faults[i].name) == n && strncmp(faults[i].name, name, n) == 0)
            return faults[i].status;
    told_stop("CUDA_ON_CPU_FAIL: no error is called %.*s", (int)n, name);
}

static unsigned n_calls;

unsigned fault_calls(void)
{
    return n_calls;
}

cudaError_t fault_at(const char *function)
{
    static long left = -1;
    const char *text = setting()->fail, *error, *only = NULL;
    bool spared = strcmp("cudaSetDevice", function) == 0;
    char *end;
    cudaError_t status = cudaErrorMemoryAllocation;

    n_calls += !spared;
    if (text == NULL)
        return cudaSuccess;
    if (left < 0)
        left = strtol(text, NULL, 10);
    strtol(text, &end, 10);
    if (*end == ':') {
        error = end + 1;
        only = strchr(error, ':');
        status = named(error, only != NULL ? (size_t)(only - error) : strlen(error));
    }
    if (left == 0 || (only != NULL ? strcmp(only + 1, function) != 0 : spared))
        return cudaSuccess;
    return --left == 0 ? status : cudaSuccess;
}

bool fault_stays(cudaError_t status)
{
    return status == cudaErrorLaunchFailure || status == cudaErrorDevicesUnavailable ||
           status == cudaErrorIllegalAddress || status == cudaErrorLaunchTimeout;
}
