/*
 * criterion - as much of Criterion as the unit tests of the base, the store and keys ask
 * for, in plain C: for machines that Debian's cross compilers know and Criterion does
 * not, and for sanitizers that want no library between them and the code (tests/keys, the
 * preset tsan). plain.c has the main.
 */
#ifndef PLAIN_CRITERION_H
#define PLAIN_CRITERION_H

#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

struct plain_test {
    const char *suite, *name;
    void (*run)(void);
    void (*init)(void), (*fini)(void); /* may be NULL */
    double timeout;                    /* seconds; 0: none */
    bool parameterized;
    struct plain_test *next;
};

void plain_add(struct plain_test *t);       /* takes t, which is static */
void plain_add_suite(struct plain_test *s); /* likewise; for its init and fini */
void plain_fail(const char *file, int line, const char *what, ...);
void plain_say(const char *what, ...);
void plain_skip(const char *why, ...);

#define Test(s, n, ...)                                            \
    static void s##_##n(void);                                     \
    __attribute__((constructor)) static void add_##s##_##n(void)   \
    {                                                              \
        static struct plain_test t = {                             \
            .suite = #s, .name = #n, .run = s##_##n, ##__VA_ARGS__ \
        };                                                         \
        plain_add(&t);                                             \
    }                                                              \
    static void s##_##n(void)
#define TestSuite(s, ...)                                            \
    __attribute__((constructor)) static void add_suite_##s(void)     \
    {                                                                \
        static struct plain_test t = { .suite = #s, ##__VA_ARGS__ }; \
        plain_add_suite(&t);                                         \
    }                                                                \
    struct plain_test

/* One test that goes through all of its parameters; those that are skipped count for
 * nothing. */
extern jmp_buf plain_next_parameter;
struct plain_params {
    void *at;
    size_t size, count;
};
#define ParameterizedTestParameters(s, n) \
    static struct plain_params s##_##n##_parameters(void)
#define cr_make_param_array(type, array, n) \
    ((struct plain_params){ array, sizeof(type), n })
#define ParameterizedTest(param, s, n, ...)                          \
    static void s##_##n##_with(param);                               \
    static struct plain_params s##_##n##_parameters(void);           \
    Test(s, n, .parameterized = true, ##__VA_ARGS__)                 \
    {                                                                \
        struct plain_params p = s##_##n##_parameters();              \
        for (volatile size_t i = 0; i < p.count; i++)                \
            if (!setjmp(plain_next_parameter))                       \
                s##_##n##_with((void *)((char *)p.at + i * p.size)); \
    }                                                                \
    static void s##_##n##_with(param)

/* The message that may follow is left out: the place and the words of the test tell. */
#define PLAIN(good, what)                               \
    do {                                                \
        if (!(good))                                    \
            plain_fail(__FILE__, __LINE__, "%s", what); \
    } while (0)
#define cr_assert(x, ...) PLAIN(x, #x)
#define cr_assert_not(x, ...) PLAIN(!(x), "not " #x)
#define cr_assert_null(x, ...) PLAIN((x) == NULL, #x " is NULL")
#define cr_assert_not_null(x, ...) PLAIN((x) != NULL, #x " is not NULL")
#define cr_assert_eq(a, b, ...) PLAIN((a) == (b), #a " == " #b)
#define cr_assert_neq(a, b, ...) PLAIN((a) != (b), #a " != " #b)
#define cr_assert_lt(a, b, ...) PLAIN((a) < (b), #a " < " #b)
#define cr_assert_leq(a, b, ...) PLAIN((a) <= (b), #a " <= " #b)
#define cr_assert_gt(a, b, ...) PLAIN((a) > (b), #a " > " #b)
#define cr_assert_geq(a, b, ...) PLAIN((a) >= (b), #a " >= " #b)
#define cr_assert_float_eq(a, b, eps, ...) \
    PLAIN((a) - (b) <= (eps) && (b) - (a) <= (eps), #a " is about " #b)
#define cr_assert_arr_eq(a, b, n, ...) PLAIN(memcmp(a, b, n) == 0, #a " is " #b)
#define cr_assert_str_neq(a, b, ...) PLAIN(strcmp(a, b) != 0, #a " is not " #b)
#define cr_assert_str_eq(a, b, ...)                                                      \
    do {                                                                                 \
        const char *plain_a = (a), *plain_b = (b);                                       \
        if (strcmp(plain_a, plain_b) != 0)                                               \
            plain_fail(__FILE__, __LINE__, #a " is\n%s\nand not\n%s", plain_a, plain_b); \
    } while (0)
#define cr_log_info(...) ((void)0)
#define cr_log_error(...) plain_say(__VA_ARGS__)
#define cr_expect_arr_eq cr_assert_arr_eq
#define cr_expect cr_assert
#define cr_expect_not cr_assert_not
#define cr_expect_eq cr_assert_eq
#define cr_expect_str_eq cr_assert_str_eq
#define cr_skip_test(...) plain_skip(__VA_ARGS__)

#endif
