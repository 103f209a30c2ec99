#define _GNU_SOURCE
#include "fiber.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "told.h"

enum { STACK = 128 << 10, GUARD = 4096 };

/* Stacks begin at different places of a page: else they would share few lines of the
 * processor's cache. */
static size_t shift(void)
{
    static size_t n;

    return n++ * 192 % 4096;
}

/* Twenty nanoseconds in place of two microseconds, where there is no sanitizer that would
 * have to be told. */
#if defined __x86_64__ && !defined __SANITIZE_ADDRESS__
#if defined __has_feature
#if __has_feature(address_sanitizer)
#define BY_CONTEXT
#endif
#endif
#else
#define BY_CONTEXT
#endif

#ifdef BY_CONTEXT
#include <ucontext.h>
#endif

struct fiber {
    unsigned char *stack;
    void (*function)(void);
#ifdef BY_CONTEXT
    ucontext_t context;
#else
    void *at; /* its stack pointer */
#endif
};

static struct fiber home, *running = &home; /* home: the stack of the process */

static void loop(void)
{
    for (;;)
        running->function();
}

static unsigned char *stack_new(void)
{
    unsigned char *p = mmap(NULL, STACK + GUARD, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED || mprotect(p, GUARD, PROT_NONE) < 0)
        told_stop("no memory for the stack of a thread");
    return p + GUARD;
}

bool fiber_owns(const void *p)
{
    return (size_t)((const unsigned char *)p - running->stack) < STACK;
}

#ifdef BY_CONTEXT

struct fiber *fiber_new(void (*function)(void))
{
    struct fiber *f = calloc(1, sizeof *f);

    f->function = function;
    f->stack = stack_new();
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK - shift();
    makecontext(&f->context, loop, 0);
    return f;
}

void fiber_go(struct fiber *f)
{
    struct fiber *from = running;

    running = f != NULL ? f : &home;
    swapcontext(&from->context, &running->context);
}

#else

/* Keeps what a called function must keep, in *from; goes on where `to` was kept. */
void fiber_swap(void **from, void *to) __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".globl fiber_swap\n"
        ".hidden fiber_swap\n"
        ".type fiber_swap, @function\n"
        "fiber_swap:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size fiber_swap, .-fiber_swap\n");

struct fiber *fiber_new(void (*function)(void))
{
    struct fiber *f = calloc(1, sizeof *f);
    void **top;

    f->function = function;
    f->stack = stack_new();
    top = (void **)(f->stack + STACK - shift());
    *--top = NULL;               /* loop() returns to nowhere */
    *--top = (void *)(uintptr_t)loop;
    top -= 6;                    /* the registers, of no meaning yet */
    f->at = top;
    return f;
}

void fiber_go(struct fiber *f)
{
    struct fiber *from = running;

    running = f != NULL ? f : &home;
    fiber_swap(&from->at, running->at);
}

#endif
