#define _GNU_SOURCE
#include <nccl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels.h"
#include "mistakes.h"

enum {
    RANKS = 3,
    MANY = 700 * 1000
}; /* several pieces of what the double sends at once */

/* part(rank) in a process a rank; 1 if any of them gives 1, or dies. */
static int in_processes(int (*part)(ncclUniqueId id, int rank, bool wrong), bool wrong)
{
    ncclUniqueId id;
    int bad, status;

    if (ncclGetUniqueId(&id) != ncclSuccess)
        return 2;
    for (int rank = 1; rank < RANKS; rank++)
        if (fork() == 0)
            exit(part(id, rank, wrong));
    bad = part(id, 0, wrong);
    while (wait(&status) > 0)
        bad |= status != 0;
    return bad;
}

static ncclResult_t join(ncclComm_t *comm, ncclUniqueId id, int rank)
{
    cudaSetDevice(rank);
    return ncclCommInitRank(comm, RANKS, id, rank);
}

/* MANY floats that differ by rank. */
static float *of_rank(int rank)
{
    float *host = malloc(MANY * sizeof *host), *x;

    for (int i = 0; i < MANY; i++)
        host[i] = (float)(i % 1000) * .1f + (float)rank;
    cudaMalloc((void **)&x, MANY * sizeof *x);
    cudaMemcpy(x, host, MANY * sizeof *x, cudaMemcpyHostToDevice);
    free(host);
    return x;
}

/* Whether x has the sum over the ranks, added up in their order. Frees x. */
static int check_sum(float *x)
{
    float *host = malloc(MANY * sizeof *host);
    int bad = cudaMemcpy(host, x, MANY * sizeof *x, cudaMemcpyDeviceToHost) != 0;

    for (int i = 0; i < MANY; i++) {
        float v = (float)(i % 1000) * .1f;
        for (int rank = 1; rank < RANKS; rank++)
            v += (float)(i % 1000) * .1f + (float)rank;
        bad |= host[i] != v;
    }
    free(host);
    cudaFree(x);
    return bad;
}

static int sum_part(ncclUniqueId id, int rank, bool wrong)
{
    cudaStream_t s;
    ncclComm_t comm;
    float *x;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    x = of_rank(rank);
    cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
    cudaDeviceSynchronize();
    ncclAllReduce(x, x, MANY, ncclFloat32, ncclSum, comm, s);
    if (!wrong)
        cudaStreamSynchronize(s);
    int bad = check_sum(x);
    cudaStreamSynchronize(s);
    cudaStreamDestroy(s);
    ncclCommDestroy(comm);
    return bad;
}

static int sum_not_awaited(bool wrong)
{
    return in_processes(sum_part, wrong);
}

static int broadcast_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclComm_t comm;
    float *x;
    int bad;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    x = counted((float)rank);
    ncclBroadcast(x, x, VALUES, ncclFloat32, wrong && rank == 2 ? 0 : 1, comm, 0);
    bad = check_device(x, 1);
    ncclCommDestroy(comm);
    return bad;
}

static int root_differs(bool wrong)
{
    return in_processes(broadcast_part, wrong);
}

static int count_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclComm_t comm;
    float *x;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    x = counted(0);
    ncclAllReduce(x, x, VALUES - (wrong && rank == 1), ncclFloat32, ncclMax, comm, 0);
    ncclCommDestroy(cudaDeviceSynchronize() == cudaSuccess ? comm : NULL);
    return check_device(x, 0);
}

static int count_differs(bool wrong)
{
    return in_processes(count_part, wrong);
}

/* A rank that ends early: the others are told, and do not wait for ever. */
static int gone_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclResult_t error = ncclSuccess;
    ncclComm_t comm;
    cudaError_t e;
    float *x;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    if (wrong && rank == 1)
        _exit(0);
    x = counted(0);
    ncclAllReduce(x, x, VALUES, ncclFloat32, ncclMax, comm, 0);
    e = cudaDeviceSynchronize();
    ncclCommGetAsyncError(comm, &error);
    ncclCommAbort(comm);
    cudaFree(x);
    if (wrong && (e != cudaErrorLaunchTimeout || error != ncclRemoteError))
        return 2;
    return e != cudaSuccess;
}

static int rank_gone(bool wrong)
{
    return in_processes(gone_part, wrong);
}

/* The same for a rank that asks, and gives up: its GPU can go on. */
static int asking_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclResult_t error = ncclSuccess;
    ncclComm_t comm;
    cudaError_t e;
    float *x;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    if (wrong && rank == 2)
        _exit(0);
    x = counted(0);
    cudaDeviceSynchronize();
    ncclAllReduce(x, x, VALUES, ncclFloat32, ncclMax, comm, 0);
    while ((e = cudaStreamQuery(0)) == cudaErrorNotReady && error == ncclSuccess) {
        usleep(100);
        ncclCommGetAsyncError(comm, &error);
    }
    if (error == ncclSuccess)
        ncclCommDestroy(comm);
    else
        ncclCommAbort(comm);
    e = cudaDeviceSynchronize();
    cudaFree(x);
    if (wrong && (e != cudaSuccess || error != ncclRemoteError))
        return 2;
    return error != ncclSuccess;
}

static int rank_gone_while_asking(bool wrong)
{
    return in_processes(asking_part, wrong);
}

static int late_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclComm_t comm;
    ncclResult_t r;

    if (wrong && rank == 1)
        return 0;
    r = join(&comm, id, rank);
    if (r == ncclSuccess)
        ncclCommDestroy(comm);
    return wrong && r != ncclRemoteError ? 2 : r != ncclSuccess;
}

static int rank_never_comes(bool wrong)
{
    return in_processes(late_part, wrong);
}

static int same_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclComm_t comm;
    ncclResult_t r;

    cudaSetDevice(wrong && rank == 2 ? 1 : rank);
    r = ncclCommInitRank(&comm, RANKS, id, rank);
    if (r == ncclSuccess)
        ncclCommDestroy(comm);
    return r != ncclSuccess;
}

static int gpu_of_two_ranks(bool wrong)
{
    return in_processes(same_part, wrong);
}

/* All ranks in one thread: it has to say so, by a group. */
static int group_forgotten(bool wrong)
{
    ncclComm_t comm[RANKS];
    float *x[RANKS];
    int bad = 0;

    ncclCommInitAll(comm, RANKS, NULL);
    for (int i = 0; i < RANKS; i++) {
        cudaSetDevice(i);
        x[i] = of_rank(i);
    }
    if (!wrong)
        ncclGroupStart();
    for (int i = 0; i < RANKS; i++)
        ncclAllReduce(x[i], x[i], MANY, ncclFloat32, ncclSum, comm[i], 0);
    if (!wrong)
        ncclGroupEnd();
    for (int i = 0; i < RANKS && !bad; i++) {
        cudaSetDevice(i);
        bad = cudaDeviceSynchronize() != cudaSuccess || check_sum(x[i]);
    }
    for (int i = 0; i < RANKS; i++)
        ncclCommDestroy(comm[i]);
    return bad;
}

struct part {
    ncclComm_t comm;
    int rank, bad;
};

static void *thread_part(void *argument)
{
    struct part *p = argument;
    float *x;

    cudaSetDevice(p->rank);
    x = of_rank(p->rank);
    ncclAllReduce(x, x, MANY, ncclFloat32, ncclSum, p->comm, 0);
    p->bad = check_sum(x);
    return NULL;
}

/* A thread a rank; each waits for its own GPU. */
static int rank_without_a_thread(bool wrong)
{
    ncclComm_t comm[RANKS];
    pthread_t thread[RANKS];
    struct part part[RANKS];
    int bad = 0;

    ncclCommInitAll(comm, RANKS, NULL);
    for (int i = 0; i < RANKS - wrong; i++) {
        part[i] = (struct part){ comm[i], i, 0 };
        pthread_create(&thread[i], NULL, thread_part, &part[i]);
    }
    for (int i = 0; i < RANKS - wrong; i++) {
        pthread_join(thread[i], NULL);
        bad |= part[i].bad;
    }
    for (int i = 0; i < RANKS; i++)
        ncclCommDestroy(comm[i]);
    return bad;
}

/* In a graph, launched twice. */
static int graph_part(ncclUniqueId id, int rank, bool wrong)
{
    cudaGraphExec_t exec;
    cudaGraph_t g;
    cudaStream_t s;
    ncclComm_t comm;
    float *x;
    int bad;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    x = counted(1);
    cudaDeviceSynchronize();
    cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
    cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal);
    ncclAllReduce(x, x, VALUES, ncclFloat32, ncclAvg, comm, s);
    mistake_add(x, x, 1, VALUES, s);
    cudaStreamEndCapture(s, &g);
    cudaGraphInstantiate(&exec, g, 0);
    cudaGraphDestroy(g);
    for (int k = 0; k < 2 + (wrong && rank == 0 ? 1 : 0); k++)
        cudaGraphLaunch(exec, s);
    bad = cudaStreamSynchronize(s) != cudaSuccess;
    cudaGraphExecDestroy(exec);
    cudaStreamDestroy(s);
    ncclCommDestroy(comm);
    return bad || check_device(x, 3);
}

static int graph_launched_too_often(bool wrong)
{
    return in_processes(graph_part, wrong);
}

static int comm_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclComm_t comm;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    if (!wrong || rank != 0)
        ncclCommDestroy(comm);
    return 0;
}

static int comm_kept(bool wrong)
{
    return in_processes(comm_part, wrong);
}

static int early_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclComm_t comm;
    float *x;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    x = counted(0);
    ncclAllReduce(x, x, VALUES, ncclFloat32, ncclMax, comm, 0);
    if (!wrong)
        cudaStreamSynchronize(0);
    ncclCommDestroy(comm);
    return check_device(x, 0);
}

static int comm_destroyed_too_early(bool wrong)
{
    return in_processes(early_part, wrong);
}

/* Rank 0 waits for another's end before it destroys its own, and that one for rank 0. */
static int parting_part(ncclUniqueId id, int rank, bool wrong)
{
    ncclComm_t comm;
    siginfo_t end;

    if (join(&comm, id, rank) != ncclSuccess)
        return 1;
    if (wrong && rank == 0)
        waitid(P_ALL, 0, &end, WEXITED | WNOWAIT);
    ncclCommDestroy(comm);
    return 0;
}

static int destroyed_one_by_one(bool wrong)
{
    return in_processes(parting_part, wrong);
}

/* The second is for those that go on only when they have waited long enough. */
#define THREE                                              \
    {                                                      \
        "CUDA_ON_CPU_DEVICES=3", "CUDA_ON_CPU_PATIENCE=60" \
    }
#define HASTY                                             \
    {                                                     \
        "CUDA_ON_CPU_DEVICES=3", "CUDA_ON_CPU_PATIENCE=1" \
    }

const struct mistake mistakes_ranks[] = {
    { "sum_not_awaited", sum_not_awaited, NULL, THREE },
    { "root_differs", root_differs, "roots differ", THREE },
    { "count_differs", count_differs, "does an all-reduce of 64 values", THREE },
    { "rank_gone", rank_gone, NULL, THREE },
    { "rank_gone_while_asking", rank_gone_while_asking, NULL, THREE },
    { "rank_never_comes", rank_never_comes, NULL, HASTY },
    { "gpu_of_two_ranks", gpu_of_two_ranks, NULL, THREE },
    { "group_forgotten", group_forgotten, NULL, HASTY },
    { "rank_without_a_thread", rank_without_a_thread, NULL, HASTY },
    { "graph_launched_too_often", graph_launched_too_often, NULL, HASTY },
    { "comm_kept", comm_kept, "a handle: communicator", HASTY },
    { "comm_destroyed_too_early", comm_destroyed_too_early, "is still queued", THREE },
    { "destroyed_one_by_one", destroyed_one_by_one, NULL, HASTY },
    { 0 },
};
