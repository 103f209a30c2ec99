/* Which devices there are, and the last error. */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "memory.h"
#include "setting.h"
#include "told.h"

cudaError_t cudaGetDeviceCount(int *n)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaGetDeviceCount");

    if (e == cudaSuccess && setting()->devices == 0)
        e = cudaErrorNoDevice;
    if (e == cudaSuccess)
        *n = setting()->devices;
    return call_leave(e);
}

static bool there_is(int device)
{
    return device >= 0 && device < setting()->devices;
}

cudaError_t cudaSetDevice(int device)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaSetDevice");

    if (e == cudaSuccess && !there_is(device))
        e = cudaErrorInvalidDevice;
    if (e == cudaSuccess)
        call_set_device(device);
    return call_leave(e);
}

cudaError_t cudaGetDevice(int *device)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaGetDevice");

    if (e == cudaSuccess)
        *device = call_device();
    return call_leave(e);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaGetDeviceProperties");

    if (e == cudaSuccess && !there_is(device))
        e = cudaErrorInvalidDevice;
    if (e != cudaSuccess)
        return call_leave(e);
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "CPU in place of a GPU");
    p->major = setting()->capability / 10;
    p->minor = setting()->capability % 10;
    p->totalGlobalMem = setting()->memory;
    p->sharedMemPerBlock = 48 << 10;
    p->regsPerBlock = 65536;
    p->warpSize = 32;
    p->maxThreadsPerBlock = 1024;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->multiProcessorCount = 4;
    p->maxThreadsPerMultiProcessor = 2048;
    p->asyncEngineCount = 2;
    p->concurrentKernels = 1;
    p->unifiedAddressing = 1;
    p->pciBusID = setting()->gpu[device] + 1;
    return call_leave(e);
}

/* Of the many attributes, those of the struct above that programs ask for. */
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaDeviceGetAttribute");

    if (e == cudaSuccess && !there_is(device))
        e = cudaErrorInvalidDevice;
    if (e != cudaSuccess)
        return call_leave(e);
    if (attribute == cudaDevAttrMultiProcessorCount)
        *value = 4;
    else if (attribute == cudaDevAttrMaxThreadsPerBlock)
        *value = 1024;
    else if (attribute == cudaDevAttrMaxSharedMemoryPerBlock)
        *value = 48 << 10;
    else if (attribute == cudaDevAttrWarpSize)
        *value = 32;
    else if (attribute == cudaDevAttrComputeCapabilityMajor)
        *value = setting()->capability / 10;
    else if (attribute == cudaDevAttrComputeCapabilityMinor)
        *value = setting()->capability % 10;
    else
        told_stop("cudaDeviceGetAttribute: the double does not know attribute %d",
                  (int)attribute);
    return call_leave(e);
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int n, int device)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaDeviceGetPCIBusId");

    if (e == cudaSuccess && !there_is(device))
        e = cudaErrorInvalidDevice;
    if (e == cudaSuccess)
        snprintf(id, (size_t)n, "0000:%02X:00.0", setting()->gpu[device] + 1);
    return call_leave(e);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaDriverGetVersion");

    *version = CUDART_VERSION;
    return call_leave(e);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaRuntimeGetVersion");

    *version = CUDART_VERSION;
    return call_leave(e);
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaDeviceCanAccessPeer");

    if (e == cudaSuccess && (!there_is(device) || !there_is(peer)))
        e = cudaErrorInvalidDevice;
    if (e == cudaSuccess)
        *can = 0;
    return call_leave(e);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaDeviceGetStreamPriorityRange");

    *least = 0;
    *greatest = -5;
    return call_leave(e);
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t e;

    call_enter(CALL_CLEANUP, "cudaGetLastError");
    e = call_last(true);
    call_done();
    return e;
}

cudaError_t cudaPeekAtLastError(void)
{
    cudaError_t e;

    call_enter(CALL_CLEANUP, "cudaPeekAtLastError");
    e = call_last(false);
    call_done();
    return e;
}

static const struct {
    cudaError_t status;
    const char *name, *text;
} words[] = {
    { cudaSuccess, "cudaSuccess", "no error" },
    { cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument" },
    { cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory" },
    { cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
      "invalid configuration argument" },
    { cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection",
      "invalid copy direction for memcpy" },
    { cudaErrorDevicesUnavailable, "cudaErrorDevicesUnavailable",
      "CUDA-capable device(s) is/are busy or unavailable" },
    { cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal" },
    { cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle",
      "invalid resource handle" },
    { cudaErrorIllegalState, "cudaErrorIllegalState",
      "the operation cannot be performed in the present state" },
    { cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected" },
    { cudaErrorNotReady, "cudaErrorNotReady", "device not ready" },
    { cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
      "an illegal memory access was encountered" },
    { cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout",
      "the launch timed out and was terminated" },
    { cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure" },
    { cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported" },
    { cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
      "operation not permitted when stream is capturing" },
    { cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
      "operation failed due to a previous error during capture" },
    { cudaErrorStreamCaptureMerge, "cudaErrorStreamCaptureMerge",
      "operation would result in a merge of separate capture sequences" },
    { cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
      "capture was not ended in the same stream as it began" },
    { cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
      "capturing stream has unjoined work" },
    { cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
      "dependency created on uncaptured work in another stream" },
    { cudaErrorStreamCaptureImplicit, "cudaErrorStreamCaptureImplicit",
      "operation would make the legacy stream depend on a capturing blocking stream" },
    { cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
      "operation not permitted on an event last recorded in a capturing stream" },
    { cudaErrorStreamCaptureWrongThread, "cudaErrorStreamCaptureWrongThread",
      "attempt to terminate a thread-local capture sequence from another thread" },
    { cudaErrorUnknown, "cudaErrorUnknown", "unknown error" },
};

const char *cudaGetErrorString(cudaError_t e)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].status == e)
            return words[i].text;
    return "unrecognized error code";
}

const char *cudaGetErrorName(cudaError_t e)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].status == e)
            return words[i].name;
    return "unrecognized error code";
}
