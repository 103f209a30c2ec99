/* libcuda.so.1 of the double: load.c opens the driver before the plug-in, and finds this
 * one, which has nothing to do. */
int cuInit(unsigned flags);

int cuInit(unsigned flags)
{
    (void)flags;
    return 0;
}
