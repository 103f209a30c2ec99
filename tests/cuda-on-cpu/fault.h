/*
 * fault - the one failure that a test asks for: CUDA_ON_CPU_FAIL=N[:ERROR[:FUNCTION]],
 * at the Nth call that can fail (of FUNCTION). ERROR: memory (the default), launch (told
 * late, and it stays), lost (it stays), unsupported, internal. cudaSetDevice fails only
 * when it is named: programs call it on their way out too, where nobody can be told.
 */
#ifndef CUDA_ON_CPU_FAULT_H
#define CUDA_ON_CPU_FAULT_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

/* What this call is to end with; cudaSuccess for all but one. */
cudaError_t fault_at(const char *function);
/* How many calls could have failed. */
unsigned fault_calls(void);
/* An error that every later call of the device ends with. */
bool fault_stays(cudaError_t status);

#endif
