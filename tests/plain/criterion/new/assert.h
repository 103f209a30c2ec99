/* The comparisons that cr_assert() takes, of numbers, pointers and texts. */
#ifndef PLAIN_NEW_ASSERT_H
#define PLAIN_NEW_ASSERT_H

#include "../criterion.h"

#define PLAIN_EQ_str(a, b) (strcmp(a, b) == 0)
#define PLAIN_EQ_ptr(a, b) ((a) == (b))
#define PLAIN_EQ_int(a, b) ((a) == (b))
#define PLAIN_EQ_long PLAIN_EQ_int
#define PLAIN_EQ_sz PLAIN_EQ_int
#define PLAIN_EQ_u8 PLAIN_EQ_int
#define PLAIN_EQ_u32 PLAIN_EQ_int
#define PLAIN_EQ_u64 PLAIN_EQ_int
#define PLAIN_EQ_dbl PLAIN_EQ_int
#define PLAIN_EQ_flt PLAIN_EQ_int
#define eq(type, a, b) PLAIN_EQ_##type(a, b)
#define ne(type, a, b) (!PLAIN_EQ_##type(a, b))
#define le(type, a, b) ((a) <= (b))
#define lt(type, a, b) ((a) < (b))
#define ge(type, a, b) ((a) >= (b))
#define gt(type, a, b) ((a) > (b))
#define not(good) (!(good))
#define zero(type, a) ((a) == 0)
#define epsilon_eq(type, a, b, eps) ((a) - (b) <= (eps) && (b) - (a) <= (eps))

#endif
