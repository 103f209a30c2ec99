/*
 * comm - what the parts of the double's NCCL know of each other.
 */
#ifndef CUDA_ON_CPU_COMM_H
#define CUDA_ON_CPU_COMM_H

#include <nccl.h>
#include <stdbool.h>

#include "call.h"
#include "meet.h"
#include "work.h"

enum { COMM_ALL_REDUCE, COMM_BROADCAST, COMM_REDUCE, COMM_ALL_GATHER, COMM_KINDS };

struct ncclComm {
    struct meet *meet;
    char name[80]; /* of the file where they meet */
    int device, gpu;
    ncclResult_t async; /* what went wrong since */
    bool aborted, joined;
    struct work *last; /* what is queued on one communicator is done in that order */
};

/* One rank's part in a collective. */
struct member {
    ncclComm_t comm;
    cudaStream_t stream;
    const void *from;
    void *to;
};

/* A collective of those ranks that this thread speaks for. */
struct collective {
    struct meet_note note;
    const char *name;
    struct member member[MEET_RANKS];
    int members;
    bool published; /* its first piece is there for the others */
};

/* Bytes of a type; 0: the double has none such. */
size_t comm_size(ncclDataType_t type);
/* to = what n values of all ranks give, in their order. */
void comm_reduce(void *to, const struct meet *m, size_t n, ncclDataType_t type,
                 ncclRedOp_t op);
/* Does it; the payload of a deed. */
void comm_run(void *payload);
/* Waits until all ranks have done as many steps, or one is gone. */
enum meet_outcome comm_wait(const struct meet *m, int *lost);
double comm_clock(void);

#endif
