#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { WAITING = 128, PORT_MAX = 65535 };

/* host and port are new; port is NULL where none is said. */
static int split(const char *address, char **host, char **port, struct error *err)
{
    const char *end = strrchr(address, ':'), *bracket = strchr(address, ']');
    bool six = address[0] == '[' && bracket;

    *host = *port = NULL;
    if (six && !bracket[1])
        end = NULL;
    if (six ? bracket[1] && bracket + 1 != end : end && strchr(address, ':') != end)
        return error_set(err, E_USAGE,
                         "--listen takes ADDRESS:PORT, with brackets around an address "
                         "of IPv6, [::1]:5273, not '%s'",
                         address);
    if (end)
        *port = xstrdup(end + 1);
    *host = six ? xstrndup(address + 1, (size_t)(bracket - address - 1))
                : xstrndup(address, end ? (size_t)(end - address) : strlen(address));
    if (*port && (!**port || strspn(*port, "0123456789") != strlen(*port) ||
                  strlen(*port) > 5 || strtol(*port, NULL, 10) > PORT_MAX))
        return error_set(
            err, E_USAGE,
            "--listen takes ADDRESS:PORT with a port of at most %d, not '%s'", PORT_MAX,
            address);
    if (!**host)
        return error_set(err, E_USAGE,
                         "--listen takes ADDRESS:PORT; for every address of this machine "
                         "write 0.0.0.0:PORT, not '%s'",
                         address);
    return 0;
}

static bool is_loopback(const struct sockaddr *a)
{
    const struct in6_addr *six = &((const struct sockaddr_in6 *)a)->sin6_addr;

    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(six);
}

/* As others would write it. */
static void name_host(struct listener *l, const char *host, const struct sockaddr *a)
{
    char own[256] = "";
    bool six = a->sa_family == AF_INET6;
    bool every =
        six ? IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a)->sin6_addr)
            : ((const struct sockaddr_in *)a)->sin_addr.s_addr == htonl(INADDR_ANY);

    if (every && gethostname(own, sizeof own - 1) == 0)
        buf_adds(&l->host, own);
    else
        buf_printf(&l->host, strchr(host, ':') ? "[%s]" : "%s", host);
}

static int bind_to(struct listener *l, const struct addrinfo *a, const char *address,
                   struct error *err)
{
    struct sockaddr_storage is = { 0 };
    socklen_t size = sizeof is;
    int on = 1;

    l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return error_system(err, "no socket for %s", address);
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l->fd, a->ai_addr, a->ai_addrlen) < 0 || listen(l->fd, WAITING) < 0 ||
        getsockname(l->fd, (struct sockaddr *)&is, &size) < 0) {
        if (errno == EADDRINUSE)
            return error_set(err, E_SYSTEM,
                             "another program listens at %s, perhaps another `larder "
                             "serve`: choose another port with --listen=ADDRESS:PORT",
                             address);
        return error_system(err, "cannot listen at %s", address);
    }
    l->port = ntohs(is.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&is)->sin6_port
                                             : ((struct sockaddr_in *)&is)->sin_port);
    l->loopback = is_loopback(a->ai_addr);
    return 0;
}

int listener_open(struct listener *l, const char *address, int standard_port,
                  struct error *err)
{
    const struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    struct buf standard = { 0 };
    char *host = NULL, *port = NULL;
    int rc, why;

    *l = (struct listener){ .fd = -1 };
    buf_printf(&standard, "%d", standard_port);
    rc = split(address, &host, &port, err);
    if (rc == 0 &&
        (why = getaddrinfo(host, port ? port : standard.s, &want, &found)) != 0)
        rc = error_set(err, E_USAGE, "--listen: %s is no address of this machine: %s",
                       host, gai_strerror(why));
    if (rc == 0)
        rc = bind_to(l, found, address, err);
    if (rc == 0)
        name_host(l, host, found->ai_addr);
    else
        listener_close(l);
    if (found)
        freeaddrinfo(found);
    buf_release(&standard);
    free(host);
    free(port);
    return rc;
}

void listener_close(struct listener *l)
{
    if (l->fd >= 0)
        io_close(l->fd);
    buf_release(&l->host);
    *l = (struct listener){ .fd = -1 };
}
