#include "nn_fixture.h"

#include "nn/spans.h"

Test(nn_spans, a_chain_is_two_places_that_take_turns)
{
    struct span s[6];
    size_t size;

    for (int i = 0; i < 6; i++) /* gradients of a chain: made at i, read at i + 1 */
        s[i] = (struct span){ .size = 100, .from = i, .to = i + 1 };
    size = spans_place(s, 6);
    cr_assert(eq(sz, size, 256));
    for (int i = 0; i < 6; i++)
        cr_assert(eq(sz, s[i].at, i % 2 == 0 ? 0 : 128));
}

Test(nn_spans, what_is_alive_at_once_never_overlaps)
{
    enum { MANY = 200 };
    struct span s[MANY];
    size_t size;

    for (uint32_t i = 0; i < MANY; i++) {
        s[i].size = counter(i, 1) % 1000;
        s[i].from = (int)(counter(i, 2) % 100);
        s[i].to = s[i].from + (int)(counter(i, 3) % 30);
    }
    size = spans_place(s, MANY);
    for (int i = 0; i < MANY; i++) {
        cr_assert(zero(sz, s[i].size > 0 ? s[i].at % 64 : 0));
        cr_assert(le(sz, s[i].size > 0 ? s[i].at + s[i].size : 0, size));
        for (int k = 0; k < i; k++) {
            if (s[i].size == 0 || s[k].size == 0 || s[i].from > s[k].to ||
                s[k].from > s[i].to)
                continue;
            cr_assert(s[i].at + s[i].size <= s[k].at || s[k].at + s[k].size <= s[i].at,
                      "%d and %d", i, k);
        }
    }
}
