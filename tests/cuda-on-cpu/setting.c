#include "setting.h"

#include <stdlib.h>
#include <string.h>

#include "told.h"

static int number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    char *end;
    long n;

    if (text == NULL)
        return otherwise;
    n = strtol(text, &end, 10);
    if (end == text || *end != '\0' || n < 1 || n > 1000000)
        told_stop("%s=%s: it is a number from 1", name, text);
    return (int)n;
}

static enum order ordered(const char *name, const char *up, const char *down,
                          uint64_t *seed)
{
    const char *text = getenv(name);

    if (text == NULL || strcmp(text, up) == 0)
        return ASCENDING;
    if (strcmp(text, down) == 0)
        return DESCENDING;
    if (strncmp(text, "shuffled", 8) != 0)
        told_stop("%s=%s: it is %s, %s or shuffled:SEED", name, text, up, down);
    if (text[8] == ':')
        *seed = strtoull(text + 9, NULL, 10);
    return SHUFFLED;
}

static bool forbidden(const char *name)
{
    const char *text = getenv(name);

    return text == NULL || strcmp(text, "allow") != 0;
}

/* Of n GPUs, those that may be seen: all, or a list that ends before what is none. */
static void see(struct settings *s, int n)
{
    const char *text = getenv("CUDA_VISIBLE_DEVICES");
    char *end;

    for (int i = 0; i < n; i++)
        s->gpu[i] = i;
    s->devices = text == NULL ? n : 0;
    while (text != NULL && s->devices < n) {
        long gpu = strtol(text, &end, 10);
        if (end == text || gpu < 0 || gpu >= n)
            break;
        s->gpu[s->devices++] = (int)gpu;
        text = *end == ',' ? end + 1 : NULL;
    }
}

const struct settings *setting(void)
{
    static struct settings s;
    static bool read;
    int devices;

    if (read)
        return &s;
    s.seed = 1;
    s.memory = (size_t)number("CUDA_ON_CPU_MEMORY", 4096) << 20;
    s.threads = ordered("CUDA_ON_CPU_THREADS", "ascending", "descending", &s.seed);
    s.streams = ordered("CUDA_ON_CPU_STREAMS", "oldest", "newest", &s.seed);
    s.fail = getenv("CUDA_ON_CPU_FAIL");
    s.calls = getenv("CUDA_ON_CPU_CALLS");
    s.leaks = forbidden("CUDA_ON_CPU_LEAKS");
    s.after = forbidden("CUDA_ON_CPU_AFTER");
    s.capability = number("CUDA_ON_CPU_CAPABILITY", 90);
    s.patience = number("CUDA_ON_CPU_PATIENCE", 20);
    devices = number("CUDA_ON_CPU_DEVICES", 1);
    if (devices > MOST_DEVICES)
        told_stop("CUDA_ON_CPU_DEVICES=%d: %d at most", devices, MOST_DEVICES);
    see(&s, devices);
    read = true;
    return &s;
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b != 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* A shuffle: equal strides that have no factor in common with n. */
struct walk walk_in(enum order order, uint64_t seed, size_t n)
{
    uint64_t h = (seed + 1) * 0x9E3779B97F4A7C15u;
    size_t step;

    if (order == ASCENDING || n < 2)
        return (struct walk){ 0, 1, n };
    if (order == DESCENDING)
        return (struct walk){ n - 1, n - 1, n };
    for (step = 1 + (size_t)(h >> 8) % n; common_divisor(step, n) != 1; step++)
        ;
    return (struct walk){ (size_t)(h >> 40) % n, step % n, n };
}
