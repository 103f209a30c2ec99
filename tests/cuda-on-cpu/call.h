/*
 * call - what every function of the double begins and ends with: one lock for all, the
 * count of calls, the failure that a test asked for, errors that stay, and whether a
 * failure was heard.
 */
#ifndef CUDA_ON_CPU_CALL_H
#define CUDA_ON_CPU_CALL_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

enum call_kind {
    CALL_SETUP,   /* may fail; may follow a failure */
    CALL_WORK,    /* may fail; after a failure that the caller was told it is a mistake */
    CALL_LAUNCH,  /* work whose failure only cudaGetLastError() tells */
    CALL_CLEANUP, /* never made to fail */
};

/* Takes the lock. cudaSuccess, or the error that the call is to end with. */
cudaError_t call_enter(enum call_kind kind, const char *name);
/* Gives the lock back; an error becomes the thread's last. Returns it. */
cudaError_t call_leave(cudaError_t status);
/* The same for the libraries, which do not touch the last error. */
void call_done(void);

/* For a collective that waits for others: all else may go on meanwhile. */
void call_pause(void);
void call_resume(void);
/* Waits until another thread has called call_wake(). */
void call_wait(void);
void call_wake(void);

const char *call_name(void);     /* of the call that runs in this thread */
unsigned call_number(void);      /* how many there were, this one included */
cudaError_t call_last(bool forget);
/* The error becomes the thread's last, as of a launch. */
void call_launch_failed(cudaError_t status);

/* An error of the device that every later call ends with. */
void call_stick(int device, cudaError_t status);
bool call_stuck(void);
bool call_any_stuck(void); /* on any device */
/* What a wait found to have gone wrong. */
cudaError_t call_error(void);

int call_device(void); /* the thread's current one */
void call_set_device(int device);

/* Whether this thread is inside a function that cudaLaunchHostFunc() queued. */
extern __thread bool call_in_host_function;

#endif
