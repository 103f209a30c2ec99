#include <criterion/criterion.h>
#include <stdlib.h>

#include "slots.h"

static void check_ids(const struct slots *s, const struct share *share, const char *want)
{
    struct buf ids = { 0 };

    slots_gpu_ids(s, share, &ids);
    cr_assert_str_eq(buf_str(&ids), want);
    buf_release(&ids);
}

Test(slots, each_gpu_is_given_once)
{
    const struct resources one = { .cpu = 1, .gpu = 1 }, two = { .cpu = 1, .gpu = 2 };
    struct share a, b, c;
    struct slots s;

    setenv("CUDA_VISIBLE_DEVICES", "6,GPU-1,3", 1);
    slots_init(&s, 8, 0, NULL, NULL);
    cr_assert(slots_take(&s, &one, &a));
    cr_assert(slots_take(&s, &two, &b));
    check_ids(&s, &a, "6");
    check_ids(&s, &b, "GPU-1,3");
    cr_assert_not(slots_take(&s, &one, &c));
    cr_assert_eq(s.free_cpu, 6, "what does not fit takes nothing");
    slots_give(&s, &a);
    cr_assert_not(slots_take(&s, &two, &c));
    slots_give(&s, &b);
    cr_assert(slots_take(&s, &two, &c));
    check_ids(&s, &c, "6,GPU-1");
    slots_release(&s);
}

Test(slots, shares_of_a_gpu_are_put_together)
{
    const struct resources half = { .gpu = 1, .gpu_part = 500 },
                           third = { .gpu = 1, .gpu_part = 333 }, one = { .gpu = 1 };
    struct share a, b, c, d, e;
    struct slots s;

    setenv("CUDA_VISIBLE_DEVICES", "GPU-a,MIG-b", 1);
    slots_init(&s, 8, 0, NULL, NULL);
    cr_assert(slots_take(&s, &half, &a));
    cr_assert(slots_take(&s, &third, &b));
    check_ids(&s, &a, "GPU-a");
    check_ids(&s, &b, "GPU-a");
    cr_assert(slots_take(&s, &half, &c), "what does not fit beside them has another");
    check_ids(&s, &c, "MIG-b");
    cr_assert_not(slots_take(&s, &one, &d), "nobody has a whole one beside others");
    cr_assert(slots_take(&s, &half, &d));
    check_ids(&s, &d, "MIG-b");
    cr_assert_not(slots_take(&s, &third, &e));
    slots_give(&s, &a);
    cr_assert_not(slots_take(&s, &one, &e));
    slots_give(&s, &b);
    cr_assert(slots_take(&s, &one, &e));
    check_ids(&s, &e, "GPU-a");
    cr_assert_not(slots_take(&s, &third, &a), "nor a share beside who has it whole");
    slots_release(&s);
}

Test(slots, more_than_there_is)
{
    const struct resources all = { .cpu = 64, .memory = 1LL << 62, .gpu = 9 };
    struct share a, b;
    struct slots s;

    unsetenv("CUDA_VISIBLE_DEVICES");
    slots_init(&s, 4, 2, NULL, NULL);
    cr_assert(slots_take(&s, &all, &a));
    cr_assert_eq(a.cpu, 4);
    cr_assert_eq(a.memory, s.machine.memory);
    check_ids(&s, &a, "0,1");
    cr_assert_not(slots_take(&s, &(struct resources){ .cpu = 1 }, &b));
    slots_give(&s, &a);
    cr_assert(slots_take(&s, &(struct resources){ .cpu = 1 }, &b));
    check_ids(&s, &b, "");
    slots_release(&s);
}

Test(slots, visible_devices_as_the_driver_reads_them)
{
    static const struct {
        const char *visible;
        size_t n;
    } c[] = { { "", 0 },       { "-1", 0 },         { "0", 1 },    { " 0 , 1 ", 2 },
              { "0,-1,1", 1 }, { "NoDevFiles", 0 }, { "0,,1", 1 }, { "MIG-a,GPU-b", 2 },
              { "3;4", 1 },    { "0,1,0", 2 } };

    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct slots s;

        setenv("CUDA_VISIBLE_DEVICES", c[i].visible, 1);
        slots_init(&s, 1, 5, NULL, NULL);
        cr_assert_eq(s.machine.n_gpus, c[i].n, "%s: %zu", c[i].visible, s.machine.n_gpus);
        slots_release(&s);
    }
}
