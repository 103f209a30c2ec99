/* A library of CUDA that lies where the system's are not. */
int larder_cuda_apart(void);

int larder_cuda_apart(void)
{
    return 0;
}
