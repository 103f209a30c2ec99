/* A plug-in whose driver never answers, and that no plea ends. */
#include <signal.h>
#include <unistd.h>

__attribute__((constructor)) static void hang(void)
{
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}
