/* NCCL: communicators, groups, and the collectives that a program calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "comm.h"
#include "handle.h"
#include "memory.h"
#include "setting.h"
#include "stream.h"
#include "told.h"

enum { MOST_GROUPED = 256 };

static __thread char last_words[200];

/* What a group of calls of this thread has gathered. */
static __thread struct {
    int depth;
    struct collective *call; /* of one member each; kept for the thread's next group */
    int calls;
    ncclComm_t joining[MEET_RANKS];
    int joins;
} group;

static ncclResult_t enter(enum call_kind kind, const char *name)
{
    switch (call_enter(kind, name)) {
    case cudaSuccess:
        return ncclSuccess;
    case cudaErrorMemoryAllocation:
        return ncclSystemError;
    case cudaErrorNotSupported:
        return ncclInvalidUsage;
    case cudaErrorUnknown:
        return ncclInternalError;
    default:
        return ncclUnhandledCudaError;
    }
}

static ncclResult_t leave(ncclResult_t r)
{
    call_done();
    return r;
}

static ncclResult_t refuse(ncclResult_t r, const char *why)
{
    snprintf(last_words, sizeof last_words, "%s: %s", call_name(), why);
    return r;
}

const char *ncclGetErrorString(ncclResult_t r)
{
    static const char *const words[] = {
        "no error",
        "unhandled cuda error",
        "unhandled system error",
        "internal error",
        "invalid argument",
        "invalid usage",
        "remote process exited or there was a network error",
        "NCCL operation in progress",
    };

    return (unsigned)r < sizeof words / sizeof words[0] ? words[r]
                                                        : "unknown result code";
}

const char *ncclGetLastError(ncclComm_t comm)
{
    (void)comm;
    return last_words;
}

ncclResult_t ncclGetVersion(int *version)
{
    *version = NCCL_VERSION_CODE;
    return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *id)
{
    ncclResult_t r = enter(CALL_SETUP, "ncclGetUniqueId");

    memset(id, 0, sizeof *id);
    if (r == ncclSuccess && !meet_make(id->internal, 80))
        r = refuse(ncclSystemError, "no file to meet in can be made");
    return leave(r);
}

/* Waits for the other ranks; no GPU may have two of them. */
static ncclResult_t join(ncclComm_t comm)
{
    struct meet *m = comm->meet;
    int lost;

    if (comm_wait(m, &lost) != MEET_ALL)
        return refuse(ncclRemoteError, "another rank never came");
    meet_forget(comm->name);
    for (int r = 0; r < meet_ranks(m); r++)
        if (r != meet_rank(m) && meet_gpu(m, r) == comm->gpu)
            return refuse(ncclInvalidUsage, "two ranks have the same GPU");
    comm->joined = true;
    return ncclSuccess;
}

static ncclResult_t come(ncclComm_t *comm, const char *name, int ranks, int rank)
{
    struct meet *m;

    if (comm == NULL || ranks < 1 || rank < 0 || rank >= ranks)
        return refuse(ncclInvalidArgument, "a rank or how many there are");
    if (ranks > MEET_RANKS)
        told_stop("ncclCommInitRank: %d ranks, the double has room for %d", ranks,
                  MEET_RANKS);
    m = meet_join(name, rank, ranks, setting()->gpu[call_device()]);
    if (m == NULL)
        return refuse(ncclSystemError, "no such id, or the rank is taken");
    *comm = handle_new(HANDLE_COMM, sizeof **comm);
    (*comm)->meet = m;
    (*comm)->device = call_device();
    (*comm)->gpu = setting()->gpu[call_device()];
    snprintf((*comm)->name, sizeof(*comm)->name, "%s", name);
    meet_step(m);
    return ncclSuccess;
}

static void go(ncclComm_t comm)
{
    work_drop(comm->last);
    comm->last = NULL;
    meet_leave(comm->meet);
    handle_end(HANDLE_COMM, comm);
}

static ncclResult_t join_all(ncclComm_t *comm, int n)
{
    ncclResult_t r = ncclSuccess;

    for (int i = 0; i < n; i++) {
        ncclResult_t one = join(comm[i]);
        r = r == ncclSuccess ? one : r;
    }
    for (int i = 0; i < n && r != ncclSuccess; i++)
        go(comm[i]);
    return r;
}

ncclResult_t ncclCommInitRank(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank)
{
    ncclResult_t r = enter(CALL_SETUP, "ncclCommInitRank");

    if (r == ncclSuccess)
        r = come(comm, id.internal, ranks, rank);
    if (r != ncclSuccess)
        return leave(r);
    if (group.depth == 0)
        r = join_all(comm, 1);
    else
        group.joining[group.joins++] = *comm;
    if (r != ncclSuccess)
        *comm = NULL;
    return leave(r);
}

ncclResult_t ncclCommInitAll(ncclComm_t *comm, int n, const int *devices)
{
    ncclResult_t r = enter(CALL_SETUP, "ncclCommInitAll");
    int before = call_device();
    char name[80];

    if (r == ncclSuccess && (n < 1 || n > setting()->devices))
        r = refuse(ncclInvalidArgument, "more ranks than GPUs");
    if (r == ncclSuccess && !meet_make(name, sizeof name))
        r = refuse(ncclSystemError, "no file to meet in can be made");
    for (int i = 0; i < n && r == ncclSuccess; i++) {
        call_set_device(devices != NULL ? devices[i] : i);
        r = come(&comm[i], name, n, i);
    }
    call_set_device(before);
    return leave(r == ncclSuccess ? join_all(comm, n) : r);
}

/* Its proxy thread ends when those of the other processes have closed what is open
 * between them. */
static void part_together(ncclComm_t comm)
{
    double until = comm_clock() + setting()->patience;

    while (!meet_all_leave(comm->meet)) {
        if (comm_clock() > until)
            told_stop(
                "ncclCommDestroy: other ranks do not destroy theirs: it waits for ever");
        call_pause();
        usleep(100);
        call_resume();
    }
}

ncclResult_t ncclCommDestroy(ncclComm_t comm)
{
    ncclResult_t r = enter(CALL_CLEANUP, "ncclCommDestroy");

    if (comm == NULL)
        return leave(r);
    handle_check(HANDLE_COMM, comm);
    if (!work_done(comm->last) && !call_any_stuck())
        told_stop("ncclCommDestroy: a collective of it is still queued");
    part_together(comm);
    go(comm);
    return leave(r);
}

/* What is queued is given up: its results are never written. */
ncclResult_t ncclCommAbort(ncclComm_t comm)
{
    ncclResult_t r = enter(CALL_CLEANUP, "ncclCommAbort");

    if (comm == NULL)
        return leave(r);
    handle_check(HANDLE_COMM, comm);
    comm->aborted = true;
    go(comm);
    return leave(r);
}

ncclResult_t ncclCommFinalize(ncclComm_t comm)
{
    ncclResult_t r = enter(CALL_CLEANUP, "ncclCommFinalize");

    handle_check(HANDLE_COMM, comm);
    work_demand(comm->last);
    return leave(r);
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *error)
{
    ncclResult_t r = enter(CALL_SETUP, "ncclCommGetAsyncError");

    handle_check(HANDLE_COMM, comm);
    *error = comm->async;
    return leave(r);
}

#define ASK(Name, value)                                       \
    ncclResult_t ncclComm##Name(const ncclComm_t comm, int *n) \
    {                                                          \
        ncclResult_t r = enter(CALL_SETUP, "ncclComm" #Name);  \
        handle_check(HANDLE_COMM, comm);                       \
        *n = value;                                            \
        return leave(r);                                       \
    }

ASK(Count, meet_ranks(comm->meet))
ASK(UserRank, meet_rank(comm->meet))
ASK(CuDevice, comm->device)

/* Several ranks of this thread in one: it follows what each of their streams has. */
static ncclResult_t queue_together(struct collective *c)
{
    struct works after = { 0 };
    struct work *w;

    for (int i = 0; i < c->members; i++) {
        struct CUstream_st *s = c->member[i].stream;
        if (s->capture != NULL)
            told_stop("%s: the double captures one rank of a process only", c->name);
        stream_follows(s, &after);
        works_add(&after, c->member[i].comm->last);
    }
    w = work_queue(deed_new(comm_run, c, sizeof *c), &after);
    works_clear(&after);
    for (int i = 0; i < c->members; i++) {
        stream_ends_with(c->member[i].stream, work_ref(w));
        work_drop(c->member[i].comm->last);
        c->member[i].comm->last = work_ref(w);
    }
    work_drop(w);
    return ncclSuccess;
}

static ncclResult_t queue(struct collective *c)
{
    if (c->members > 1 || ((struct CUstream_st *)c->member[0].stream)->capture == NULL)
        return queue_together(c);
    return stream_add(c->member[0].stream, deed_new(comm_run, c, sizeof *c)) ==
                   cudaSuccess
               ? ncclSuccess
               : ncclUnhandledCudaError;
}

/* Joins with `first` the next call of each other rank of the same communicator. */
static void gather(struct collective *first, int from)
{
    for (int i = from; i < group.calls; i++) {
        struct collective *c = &group.call[i];
        bool there = c->members == 0;
        for (int k = 0; k < first->members && !there; k++)
            there = c->member[0].comm == first->member[k].comm ||
                    strcmp(c->member[0].comm->name, first->member[k].comm->name) != 0;
        if (there)
            continue;
        first->member[first->members++] = c->member[0];
        c->members = 0;
    }
}

ncclResult_t ncclGroupStart(void)
{
    ncclResult_t r = enter(CALL_SETUP, "ncclGroupStart");

    if (r == ncclSuccess)
        group.depth++;
    return leave(r);
}

ncclResult_t ncclGroupEnd(void)
{
    ncclResult_t r = enter(CALL_WORK, "ncclGroupEnd");

    if (group.depth == 0)
        return leave(refuse(ncclInvalidUsage, "no group was begun"));
    if (--group.depth > 0)
        return leave(r);
    if (group.joins > 0 && r == ncclSuccess)
        r = join_all(group.joining, group.joins);
    for (int i = 0; i < group.calls && r == ncclSuccess; i++) {
        if (group.call[i].members == 0)
            continue;
        gather(&group.call[i], i + 1);
        r = queue(&group.call[i]);
    }
    group.calls = group.joins = 0;
    return leave(r);
}

/* Memory of the rank's own device, before and behind. */
static void check_memory(const struct collective *c)
{
    const struct member *p = &c->member[0];
    size_t size = c->note.count * comm_size((ncclDataType_t)c->note.type), all = size;
    int rank = meet_rank(p->comm->meet);

    if (c->note.what == COMM_ALL_GATHER)
        all = size * (size_t)meet_ranks(p->comm->meet);
    if (c->note.what != COMM_BROADCAST || c->note.root == rank)
        memory_check_device(p->comm->device, p->from, size, "what is sent");
    if (c->note.what != COMM_REDUCE || c->note.root == rank)
        memory_check_device(p->comm->device, p->to, all, "what is received");
    if (c->note.what == COMM_ALL_REDUCE && p->from != p->to &&
        (const char *)p->from < (const char *)p->to + size &&
        (const char *)p->to < (const char *)p->from + size)
        told_stop("%s: what is sent and what is received overlap", c->name);
}

static ncclResult_t take(struct collective *c)
{
    ncclComm_t comm = c->member[0].comm;

    if (!comm->joined)
        return refuse(ncclInvalidUsage, "the communicator is not complete yet");
    if (comm_size((ncclDataType_t)c->note.type) == 0 || c->note.op > ncclAvg ||
        c->note.root < 0 || c->note.root >= meet_ranks(comm->meet))
        return refuse(ncclInvalidArgument, "a type, an operation or a root");
    if (c->member[0].stream->device != comm->device)
        return refuse(ncclInvalidUsage, "the stream is of another device");
    if (comm->async != ncclSuccess)
        return refuse(comm->async, "the communicator has failed");
    check_memory(c);
    if (c->note.count == 0)
        return ncclSuccess;
    if (group.depth == 0)
        return queue(c);
    if (group.calls == MOST_GROUPED)
        told_stop("%s: more than %d calls in a group", c->name, MOST_GROUPED);
    if (group.call == NULL)
        group.call = calloc(MOST_GROUPED, sizeof *group.call);
    if (group.call == NULL)
        told_stop("out of memory for the double itself");
    group.call[group.calls++] = *c;
    return ncclSuccess;
}

/* The current device is that of the communicator meanwhile: whose legacy stream is meant
 * by 0. */
static ncclResult_t collect(const char *name, struct meet_note note, const void *from,
                            void *to, ncclComm_t comm, cudaStream_t stream)
{
    struct collective c = { .note = note, .name = name, .members = 1 };
    int before = call_device();
    ncclResult_t r;

    handle_check(HANDLE_COMM, comm);
    call_set_device(comm->device);
    c.member[0] = (struct member){ comm, stream_of(stream), from, to };
    r = take(&c);
    call_set_device(before);
    return r;
}

ncclResult_t ncclAllReduce(const void *from, void *to, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream)
{
    ncclResult_t r = enter(CALL_WORK, "ncclAllReduce");
    struct meet_note note = { COMM_ALL_REDUCE, (int)type, (int)op, 0, count };

    if (r == ncclSuccess)
        r = collect("ncclAllReduce", note, from, to, comm, stream);
    return leave(r);
}

ncclResult_t ncclBroadcast(const void *from, void *to, size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream)
{
    ncclResult_t r = enter(CALL_WORK, "ncclBroadcast");
    struct meet_note note = { COMM_BROADCAST, (int)type, 0, root, count };

    if (r == ncclSuccess)
        r = collect("ncclBroadcast", note, from, to, comm, stream);
    return leave(r);
}

ncclResult_t ncclBcast(void *at, size_t count, ncclDataType_t type, int root,
                       ncclComm_t comm, cudaStream_t stream)
{
    return ncclBroadcast(at, at, count, type, root, comm, stream);
}

ncclResult_t ncclReduce(const void *from, void *to, size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t comm, cudaStream_t stream)
{
    ncclResult_t r = enter(CALL_WORK, "ncclReduce");
    struct meet_note note = { COMM_REDUCE, (int)type, (int)op, root, count };

    if (r == ncclSuccess)
        r = collect("ncclReduce", note, from, to, comm, stream);
    return leave(r);
}

ncclResult_t ncclAllGather(const void *from, void *to, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream)
{
    ncclResult_t r = enter(CALL_WORK, "ncclAllGather");
    struct meet_note note = { COMM_ALL_GATHER, (int)type, 0, 0, count };

    if (r == ncclSuccess)
        r = collect("ncclAllGather", note, from, to, comm, stream);
    return leave(r);
}
