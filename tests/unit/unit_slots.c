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
    } c[] = { { "", 0 },        { "-1", 0 },          { "0", 1 },
              { " 0 , 1 ", 2 }, { "0,-1,1", 1 },      { "NoDevFiles", 0 },
              { "0,,1", 1 },    { "MIG-a,GPU-b", 2 }, { "3;4", 1 } };

    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct slots s;

        setenv("CUDA_VISIBLE_DEVICES", c[i].visible, 1);
        slots_init(&s, 1, 5, NULL, NULL);
        cr_assert_eq(s.machine.n_gpus, c[i].n, "%s: %zu", c[i].visible, s.machine.n_gpus);
        slots_release(&s);
    }
}
