/* A plug-in whose libraries crash when they are opened. */
#include <stdlib.h>

__attribute__((constructor)) static void crash(void)
{
    abort();
}
