#include "interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include "larder/banned.h"

static bool is_ignored(int signal)
{
    struct sigaction is;

    return sigaction(signal, NULL, &is) == 0 && is.sa_handler == SIG_IGN;
}

int interrupts_open(struct interrupts *i, struct error *err)
{
    static const int heard[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCONT };
    sigset_t set;

    *i = (struct interrupts){ 0 };
    sigemptyset(&set);
    for (size_t k = 0; k < sizeof heard / sizeof heard[0]; k++)
        if (heard[k] != SIGHUP || !is_ignored(SIGHUP))
            sigaddset(&set, heard[k]);
    sigprocmask(SIG_BLOCK, &set, &i->before);
    i->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (i->fd < 0) {
        error_system(err, "signalfd");
        sigprocmask(SIG_SETMASK, &i->before, NULL);
        return E_SYSTEM;
    }
    i->open = true;
    return 0;
}

int interrupts_next(struct interrupts *i)
{
    struct signalfd_siginfo info;
    int signal;

    if (!i->open || read(i->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    signal = (int)info.ssi_signo;
    if (signal != SIGUSR1 && signal != SIGCONT && i->n++ == 0)
        i->first = signal;
    return signal;
}

bool interrupts_pending(void)
{
    sigset_t set;

    return sigpending(&set) == 0 &&
           (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) ||
            sigismember(&set, SIGHUP));
}

void interrupts_close(struct interrupts *i)
{
    if (!i->open)
        return;
    close(i->fd);
    sigprocmask(SIG_SETMASK, &i->before, NULL);
    i->open = false;
}
