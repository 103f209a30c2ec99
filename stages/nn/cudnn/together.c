#include "nn/cudnn/together.h"

#include <nccl.h>
#include <string.h>

#include "nn/cudnn/kernels.h"
#include "nn/ranks.h"

#include "larder/banned.h"

/* Floats of a gradient that go at once. */
enum { BUCKET = 4 << 20 };

static struct {
    ncclComm_t comm;
    int n;
    float *bucket; /* n x BUCKET, device */
} all;

/* What another rank or the machine did to us may be over when we try again. */
static int told(ncclResult_t status, const char *what, struct error *err)
{
    bool passes = status == ncclRemoteError || status == ncclSystemError;
    const char *more;

    if (status == ncclSuccess)
        return 0;
    if (gpu_state(what, err) < 0)
        return gpu_state(what, err);
    more = ncclGetLastError(all.comm);
    return error_set(err, passes ? E_AGAIN : E_DEVICE,
                     "NCCL: %s: %s%s%s; see that all GPUs of the step work", what,
                     ncclGetErrorString(status), more[0] != '\0' ? ": " : "", more);
}

static size_t bucket_size(void)
{
    return (size_t)all.n * BUCKET * sizeof *all.bucket;
}

int together_meet(unsigned char id[], struct error *err)
{
    ncclUniqueId unique;
    int rc = told(ncclGetUniqueId(&unique), "meeting", err);

    _Static_assert(sizeof unique == RANKS_ID, "an id has another size");
    memcpy(id, &unique, sizeof unique);
    return rc;
}

int together_join(const struct ranks *r, struct error *err)
{
    ncclUniqueId id;
    int rc;

    if (all.comm != NULL)
        return 0;
    memcpy(&id, r->id, sizeof id);
    all.n = r->n;
    rc = told(ncclCommInitRank(&all.comm, r->n, id, r->rank), "joining the other GPUs",
              err);
    return rc < 0 ? rc
                  : gpu_take((void **)&all.bucket, bucket_size(), "taking memory", err);
}

void together_leave(void)
{
    gpu_give(all.bucket, bucket_size());
    if (all.comm != NULL)
        ncclCommDestroy(all.comm);
    all.bucket = NULL;
    all.comm = NULL;
}

int together_gather(float *to, const float *mine, size_t n, struct error *err)
{
    return told(ncclAllGather(mine, to, n, ncclFloat, all.comm, kernel_stream),
                "gathering", err);
}

int together_share(float *mem, size_t n, struct error *err)
{
    return told(ncclBroadcast(mem, mem, n, ncclFloat, 0, all.comm, kernel_stream),
                "sharing", err);
}

/* NCCL's own sums come in an order that depends on how the GPUs are connected; these are
 * gathered, and summed here. */
int together_reduce(float *g, size_t n, struct error *err)
{
    int rc = 0;

    for (size_t at = 0; at < n && rc == 0; at += BUCKET) {
        size_t some = n - at < BUCKET ? n - at : BUCKET;

        rc = together_gather(all.bucket, g + at, some, err);
        if (rc == 0)
            rc = gpu_cuda(kernel_sum_ranks(g + at, all.bucket, all.n, some),
                          "the sum of gradients", err);
    }
    return rc;
}
