/* NCCL: collectives done. Each rank lays a piece into its room of the ground where they
 * meet, waits for the others, and takes what all pieces give, in the order of the ranks;
 * then all wait once more, so that no room is filled again too early. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "comm.h"
#include "memory.h"
#include "setting.h"
#include "told.h"

static const char *const names[COMM_KINDS] = { "an all-reduce", "a broadcast", "a reduce",
                                               "an all-gather" };

double comm_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

size_t comm_size(ncclDataType_t type)
{
    switch (type) {
    case ncclInt8:
    case ncclUint8:
        return 1;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32:
        return 4;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64:
        return 8;
    default:
        return 0;
    }
}

#define COMBINE(type)                                                                \
    static type combine_##type(type a, type b, ncclRedOp_t op)                       \
    {                                                                                \
        if (op == ncclProd)                                                          \
            return (type)(a * b);                                                    \
        if (op == ncclMax)                                                           \
            return a > b ? a : b;                                                    \
        if (op == ncclMin)                                                           \
            return a < b ? a : b;                                                    \
        return (type)(a + b);                                                        \
    }                                                                                \
    static void reduce_##type(type *to, const struct meet *m, size_t n, ncclRedOp_t op) \
    {                                                                                \
        for (size_t i = 0; i < n; i++) {                                             \
            type v = ((const type *)meet_room(m, 0))[i];                             \
            for (int r = 1; r < meet_ranks(m); r++)                                  \
                v = combine_##type(v, ((const type *)meet_room(m, r))[i], op);       \
            to[i] = op == ncclAvg ? (type)(v / (type)meet_ranks(m)) : v;             \
        }                                                                            \
    }

COMBINE(float)
COMBINE(double)
COMBINE(int8_t)
COMBINE(uint8_t)
COMBINE(int32_t)
COMBINE(uint32_t)
COMBINE(int64_t)
COMBINE(uint64_t)

void comm_reduce(void *to, const struct meet *m, size_t n, ncclDataType_t type,
                 ncclRedOp_t op)
{
    switch (type) {
    case ncclFloat32:
        reduce_float(to, m, n, op);
        break;
    case ncclFloat64:
        reduce_double(to, m, n, op);
        break;
    case ncclInt8:
        reduce_int8_t(to, m, n, op);
        break;
    case ncclUint8:
        reduce_uint8_t(to, m, n, op);
        break;
    case ncclInt32:
        reduce_int32_t(to, m, n, op);
        break;
    case ncclUint32:
        reduce_uint32_t(to, m, n, op);
        break;
    case ncclInt64:
        reduce_int64_t(to, m, n, op);
        break;
    default:
        reduce_uint64_t(to, m, n, op);
    }
}

enum meet_outcome comm_wait(const struct meet *m, int *lost)
{
    double until = comm_clock() + setting()->patience;
    enum meet_outcome outcome;

    *lost = -1;
    while ((outcome = meet_look(m, lost)) == MEET_NOT_YET && comm_clock() < until) {
        call_pause();
        usleep(100);
        call_resume();
    }
    return outcome == MEET_ALL ? MEET_ALL : MEET_LOST;
}

/* The piece of n values that begins at value `at`. */
static void publish(const struct collective *c, size_t at, size_t n)
{
    size_t size = comm_size((ncclDataType_t)c->note.type);

    for (int i = 0; i < c->members; i++) {
        const struct member *p = &c->member[i];
        struct meet *m = p->comm->meet;
        bool gives = (c->note.what != COMM_BROADCAST || c->note.root == meet_rank(m));
        *meet_note(m, meet_rank(m)) = c->note;
        if (gives)
            memcpy(meet_room(m, meet_rank(m)), (const char *)p->from + at * size, n * size);
        meet_step(m);
    }
}

static void take(const struct collective *c, size_t at, size_t n)
{
    ncclDataType_t type = (ncclDataType_t)c->note.type;
    size_t size = comm_size(type);

    for (int i = 0; i < c->members; i++) {
        const struct member *p = &c->member[i];
        const struct meet *m = p->comm->meet;
        char *to = (char *)p->to + at * size;
        if (c->note.what == COMM_BROADCAST)
            memcpy(to, meet_room(m, c->note.root), n * size);
        else if (c->note.what == COMM_ALL_GATHER)
            for (int r = 0; r < meet_ranks(m); r++)
                memcpy(to + (size_t)r * c->note.count * size, meet_room(m, r), n * size);
        else if (c->note.what == COMM_ALL_REDUCE || c->note.root == meet_rank(m))
            comm_reduce(to, m, n, type, (ncclRedOp_t)c->note.op);
    }
    for (int i = 0; i < c->members; i++)
        meet_step(c->member[i].comm->meet);
}

/* All ranks must do the same. */
static void compare(const struct collective *c)
{
    const struct meet *m = c->member[0].comm->meet;

    for (int r = 0; r < meet_ranks(m); r++) {
        const struct meet_note *n = meet_note(m, r);
        if (n->what != c->note.what || n->type != c->note.type || n->op != c->note.op ||
            n->root != c->note.root || n->count != c->note.count)
            told_stop("%s: rank %d does %s of %ju values, rank %d %s of %ju; or their "
                      "types, operations or roots differ",
                      c->name, meet_rank(m), names[c->note.what],
                      (uintmax_t)c->note.count, r, names[n->what], (uintmax_t)n->count);
    }
}

/* What a collective writes is no number when a rank is gone. */
static void lose(const struct collective *c, ncclResult_t why)
{
    size_t size = c->note.count * comm_size((ncclDataType_t)c->note.type);

    for (int i = 0; i < c->members; i++) {
        c->member[i].comm->async = why;
        if (c->member[i].to != NULL)
            memory_poison(c->member[i].to, size);
        if (why == ncclRemoteError)
            call_stick(c->member[i].comm->device, cudaErrorLaunchTimeout);
    }
}

/* The first piece, which those that only ask do not wait for. */
static enum meet_outcome first_piece(struct collective *c, size_t n)
{
    const struct meet *m = c->member[0].comm->meet;
    enum meet_outcome outcome;
    int lost;

    if (!c->published)
        publish(c, 0, n);
    c->published = true;
    if (work_is_awaited())
        return comm_wait(m, &lost);
    outcome = meet_look(m, &lost);
    if (outcome == MEET_LOST)
        c->member[0].comm->async = ncclRemoteError;
    return outcome == MEET_ALL ? MEET_ALL : MEET_NOT_YET;
}

static bool aborted(const struct collective *c)
{
    for (int i = 0; i < c->members; i++)
        if (c->member[i].comm->aborted)
            return true;
    return false;
}

void comm_run(void *payload)
{
    struct collective *c = payload;
    const struct meet *m = c->member[0].comm->meet;
    size_t piece = MEET_ROOM / comm_size((ncclDataType_t)c->note.type), n;
    enum meet_outcome outcome = MEET_ALL;
    int lost;

    if (aborted(c))
        return;
    for (size_t at = 0; at < c->note.count; at += n) {
        n = c->note.count - at < piece ? c->note.count - at : piece;
        if (at > 0)
            publish(c, at, n);
        outcome = at == 0 ? first_piece(c, n) : comm_wait(m, &lost);
        if (outcome == MEET_NOT_YET) {
            work_again();
            return;
        }
        if (outcome == MEET_ALL) {
            compare(c);
            take(c, at, n);
            outcome = comm_wait(m, &lost);
        }
        if (outcome != MEET_ALL) {
            lose(c, ncclRemoteError);
            return;
        }
    }
    c->published = false; /* a graph may do it again */
}
