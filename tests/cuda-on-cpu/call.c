#include "call.h"

#include <pthread.h>
#include <stdio.h>

#include "fault.h"
#include "setting.h"
#include "told.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static cudaError_t stuck[MOST_DEVICES];
static unsigned n_calls;

__thread bool call_in_host_function;

/* What this thread was told, or is still to ask for. */
static __thread struct {
    int device;
    cudaError_t last;
    const char *name, *failed; /* failed: the call that was made to fail */
    bool heard;                /* its caller knows */
} self;

/* Goes on as if nothing had failed: launches one behind the other may share a question.
 */
static void expect_heard(enum call_kind kind, const char *name)
{
    if (self.failed == NULL || !setting()->after || kind == CALL_SETUP ||
        kind == CALL_CLEANUP || (kind == CALL_LAUNCH && !self.heard))
        return;
    told_stop("%s failed and nobody heard: %s was called as if nothing had happened",
              self.failed, name);
}

static void failed(const char *name, bool heard)
{
    self.failed = name;
    self.heard = heard;
}

/* The failure of this call, asked for or of an earlier one of the device. */
static cudaError_t failure(enum call_kind kind, const char *name)
{
    cudaError_t status = stuck[self.device];

    if (kind == CALL_CLEANUP)
        return status;
    if (status != cudaSuccess) {
        failed(name, kind != CALL_LAUNCH);
        return status;
    }
    status = fault_at(name);
    if (status == cudaSuccess)
        return status;
    if (fault_stays(status))
        stuck[self.device] = status;
    if (kind == CALL_LAUNCH && status == cudaErrorLaunchFailure)
        return cudaSuccess; /* it is on its way; the next call is told */
    failed(name, kind != CALL_LAUNCH);
    return status;
}

cudaError_t call_enter(enum call_kind kind, const char *name)
{
    if (call_in_host_function)
        told_stop("%s was called by a host function of a stream, which may call nothing "
                  "of CUDA",
                  name);
    pthread_mutex_lock(&lock);
    self.name = name;
    expect_heard(kind, name);
    if (kind != CALL_CLEANUP)
        n_calls++;
    return failure(kind, name);
}

void call_done(void)
{
    pthread_mutex_unlock(&lock);
}

cudaError_t call_leave(cudaError_t status)
{
    if (status != cudaSuccess && status != cudaErrorNotReady)
        self.last = status;
    call_done();
    return status;
}

void call_pause(void)
{
    pthread_mutex_unlock(&lock);
}

void call_resume(void)
{
    pthread_mutex_lock(&lock);
}

void call_wait(void)
{
    pthread_cond_wait(&woken, &lock);
}

void call_wake(void)
{
    pthread_cond_broadcast(&woken);
}

const char *call_name(void)
{
    return self.name != NULL ? self.name : "the program";
}

unsigned call_number(void)
{
    return n_calls;
}

cudaError_t call_last(bool forget)
{
    cudaError_t status = self.last;

    if (self.heard && forget && !call_stuck())
        self.failed =
            NULL; /* known already, and now put away: the caller goes on without */
    if (self.failed != NULL)
        self.heard = true;
    if (forget && !call_stuck())
        self.last = cudaSuccess;
    return status;
}

void call_launch_failed(cudaError_t status)
{
    self.last = status;
}

void call_stick(int device, cudaError_t status)
{
    stuck[device] = status;
}

bool call_stuck(void)
{
    return stuck[self.device] != cudaSuccess;
}

bool call_any_stuck(void)
{
    for (int i = 0; i < MOST_DEVICES; i++)
        if (stuck[i] != cudaSuccess)
            return true;
    return false;
}

cudaError_t call_error(void)
{
    if (call_stuck())
        failed(self.name, true);
    return stuck[self.device];
}

int call_device(void)
{
    return self.device;
}

void call_set_device(int device)
{
    self.device = device;
}

static __attribute__((destructor)) void tell_calls(void)
{
    FILE *f = setting()->calls != NULL ? fopen(setting()->calls, "w") : NULL;

    if (f == NULL)
        return;
    fprintf(f, "%u\n", fault_calls());
    fclose(f);
}
