#include "nn/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#include "larder/mem.h"

#include "larder/banned.h"

enum { HUGE_PAGE = 2 << 20 };

static size_t rounded(size_t n)
{
    return (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

int memory_map(void **mem, size_t n, struct error *err)
{
    size_t want = rounded(n > 0 ? n : 1), head;
    char *p;

    p = mmap(NULL, want + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    if (p == MAP_FAILED)
        return error_system(err, "mapping %zu bytes for a network", want);
    head = rounded((uintptr_t)p) - (uintptr_t)p;
    if (head > 0)
        munmap(p, head);
    if (head < HUGE_PAGE)
        munmap(p + head + want, HUGE_PAGE - head);
    mem_large(p + head, want);
    *mem = p + head;
    return 0;
}

void memory_unmap(void *mem, size_t n)
{
    if (mem != NULL)
        munmap(mem, rounded(n > 0 ? n : 1));
}

size_t memory_reserve(size_t *size, size_t n)
{
    size_t at = *size;

    *size += (n + 63) / 64 * 64;
    return at;
}
