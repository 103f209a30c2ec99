#include "nn_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "larder/buf.h"
#include "nn/safetensors.h"
#include "weights/take.h"
#include "weights/view.h"

static const struct named_options usual = { .key = "" };

/* A file with a tensor of one element, its number, under each name. */
static struct buf file_with(const char *const *name, size_t n)
{
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct buf b = { 0 };

    for (size_t i = 0; i < n; i++)
        tensors_add(&t, name[i], 1, (const long[]){ 1 })->value[0] = (float)i;
    must(safetensors_format(&t, &b, &err));
    tensors_release(&t);
    return b;
}

static struct tensors wanted(const char *const *name, size_t n)
{
    struct tensors t = { 0 };

    for (size_t i = 0; i < n; i++)
        tensors_add(&t, name[i], 1, (const long[]){ 1 });
    return t;
}

/* What becomes of the names: 0, with the tensors in *to, or an error. */
static int taken(const char *const *name, size_t n, struct take_options *o,
                 struct tensors *to, struct error *err)
{
    struct buf b = file_with(name, n);
    struct named f;
    struct take t = { 0 };
    int rc = named_open_bytes(&f, b.s, b.len, &usual, err);

    if (rc == 0)
        rc = take_names(&t, &f, o, err);
    if (rc == 0)
        rc = take_read(&t, &f, to, err);
    take_release(&t);
    named_close(&f);
    buf_release(&b);
    return rc;
}

#define N(a) (sizeof(a) / sizeof(a[0]))

/* The tensors have these names, and the values 0, 1, ... */
static void check_taken(const struct tensors *t, const char *const *name, size_t n)
{
    cr_assert(eq(sz, t->n, n));
    for (size_t i = 0; i < n; i++) {
        const struct tensor *x = tensors_find(t, name[i]);

        cr_assert(not(zero(ptr, (void *)x)), "%s", name[i]);
        cr_assert(eq(flt, x->value[0], (float)i));
    }
}

Test(weights_take, the_usual_prefixes_come_off)
{
    static const struct {
        const char *in[4], *out[4];
        int n_in, n_out;
    } cases[] = {
        { { "fc.weight", "module.bias" }, { "fc.weight", "module.bias" }, 2, 2 },
        { { "module.fc.weight", "module.fc.bias" }, { "fc.weight", "fc.bias" }, 2, 2 },
        { { "module.model.a", "module.model.b", "module.normalizer.new_mean",
            "module.attacker.model.a" },
          { "a", "b" },
          4,
          2 },
        { { "model.a", "attacker.model.a" }, { "a" }, 2, 1 },
        { { "model.a", "head.b" }, { "model.a", "head.b" }, 2, 2 },
        { { "normalizer.x" }, { "normalizer.x" }, 1, 1 },
    };

    for (size_t i = 0; i < N(cases); i++) {
        struct take_options o = { .prefix = "auto" };
        struct tensors t = { 0 };
        struct error err = { 0 };

        must(taken(cases[i].in, (size_t)cases[i].n_in, &o, &t, &err));
        check_taken(&t, cases[i].out, (size_t)cases[i].n_out);
        tensors_release(&t);
    }
}

Test(weights_take, names_of_other_programs_become_the_networks)
{
    static const char *const in[] = { "last_layer.weight",
                                      "inception3a.branch4_conv.conv.weight", "fc.weight",
                                      "bn1.num_batches_tracked", "aux1.fc1.weight" };
    static const char *const want[] = { "classifier.6.weight",
                                        "inception3a.branch4.1.conv.weight",
                                        "fc.weight" };
    struct tensors w = wanted(want, 3), t = { 0 };
    struct take_options o = { .prefix = "auto", .want = &w, .network = "a network" };
    struct error err = { 0 };

    must(taken(in, 5, &o, &t, &err));
    check_taken(&t, want, 3);
    tensors_release(&t);
    tensors_release(&w);
}

/* A network that has an auxiliary head gets it. */
Test(weights_take, what_is_wanted_is_never_left_out)
{
    static const char *const in[] = { "aux1.fc1.weight", "bn1.num_batches_tracked" };
    struct tensors w = wanted(in, 2), t = { 0 };
    struct take_options o = { .prefix = "auto", .want = &w, .network = "a network" };
    struct error err = { 0 };

    must(taken(in, 2, &o, &t, &err));
    check_taken(&t, in, 2);
    tensors_release(&t);
    tensors_release(&w);
}

static void refused(const char *const *in, size_t n, struct take_options *o,
                    const char *says)
{
    struct tensors t = { 0 };
    struct error err = { 0 };

    cr_assert(eq(int, taken(in, n, o, &t, &err), E_INPUT), "%s", says);
    cr_assert(not(zero(ptr, strstr(err.text, says))), "%s: %s", says, err.text);
    cr_assert(zero(sz, t.n));
}

Test(weights_take, what_does_not_fit_is_named)
{
    static const char *const in[] = { "a", "b", "c" }, *const want[] = { "a", "d" };
    static const char *const twice[] = { "last_layer.x", "classifier.6.x" };
    static const char *const one[] = { "classifier.6.x" };
    struct tensors w = wanted(want, 2), w1 = wanted(one, 1);
    struct take_options o = { .prefix = "auto", .want = &w, .network = "net" };

    refused(in, 3, &o,
            "not the weights of net: 1 tensor missing: d; 2 tensors unknown: b, c");
    w.tensor[1].dim[0] = 2;
    w.tensor[1].name[0] = 'b';
    refused(in, 2, &o, "tensor b is 1, the network's is 2");
    o.want = &w1;
    refused(twice, 2, &o, "two tensors would be called classifier.6.x");
    o = (struct take_options){ .prefix = "x." };
    refused(in, 3, &o, "no name begins with x.");
    o.prefix = "a";
    refused(in, 3, &o, "cannot be called \"\"");
    tensors_release(&w1);
    tensors_release(&w);
}

Test(weights_take, a_table_takes_exactly_its_names)
{
    static const char *const in[] = { "module.a", "module.b", "module.c" };
    static const char *const out[] = { "y", "x" };
    char text[] = "name\tfrom\nx\tmodule.b\ny\tmodule.a\n";
    char path[] = "/tmp/larder-names-XXXXXX";
    struct take_options o = { .prefix = "auto" };
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct tsv names = { 0 };
    FILE *f = fdopen(mkstemp(path), "w");

    fputs(text, f);
    fclose(f);
    must(tsv_read(&names, path, &err));
    remove(path);
    o.names = &names;
    must(taken(in, 3, &o, &t, &err));
    check_taken(&t, out, 2);
    tensors_release(&t);
    refused(in, 1, &o, "the file has no tensor module.b");
    tsv_release(&names);
}

/* Element types: the bytes, and the float32 that they are, or none. */
Test(weights_take, every_element_type_becomes_float32)
{
    static const struct {
        enum dtype d;
        uint8_t byte[8];
        uint32_t bits;
        bool none;
    } cases[] = {
        { DTYPE_F32, { 1, 0, 0xc0, 0x7f }, 0x7fc00001, false }, /* a NaN keeps its bits */
        { DTYPE_F32, { 1, 0, 0, 0x80 }, 0x80000001, false },
        { DTYPE_F64,
          { 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f },
          0x3dcccccd,
          false },
        { DTYPE_F64, { 0, 0, 0, 0, 0, 0, 0xf0, 0x7f }, 0x7f800000, false },
        { DTYPE_F64, { 0, 0, 0, 0, 0, 0, 0xf0, 0x7e }, 0, true }, /* 2^1008 */
        { DTYPE_F16, { 0x00, 0x3c }, 0x3f800000, false },
        { DTYPE_F16, { 0x01, 0x80 }, 0xb3800000, false }, /* -2^-24 */
        { DTYPE_F16, { 0xff, 0x03 }, 0x387fc000, false }, /* the largest subnormal */
        { DTYPE_F16, { 0xff, 0x7b }, 0x477fe000, false }, /* 65504 */
        { DTYPE_F16, { 0x00, 0xfc }, 0xff800000, false },
        { DTYPE_F16, { 0x01, 0x7e }, 0x7fc02000, false },
        { DTYPE_F16, { 0x00, 0x80 }, 0x80000000, false },
        { DTYPE_BF16, { 0x80, 0xbf }, 0xbf800000, false },
        { DTYPE_I64,
          { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
          0xbf800000,
          false },
        { DTYPE_I64, { 0, 0, 0, 0, 0, 0, 0, 0x80 }, 0xdf000000, false }, /* -2^63 */
        { DTYPE_I64, { 1, 0, 0, 1 }, 0, true },                          /* 2^24 + 1 */
        { DTYPE_I64, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f }, 0, true },
        { DTYPE_I32, { 0, 0, 0, 0x80 }, 0xcf000000, false },
        { DTYPE_I32, { 0xff, 0xff, 0xff, 0x7f }, 0, true },
        { DTYPE_I16, { 0, 0x80 }, 0xc7000000, false },
        { DTYPE_I8, { 0x80 }, 0xc3000000, false },
        { DTYPE_U8, { 0x80 }, 0x43000000, false },
        { DTYPE_BOOL, { 2 }, 0x3f800000, false },
    };

    for (size_t i = 0; i < N(cases); i++) {
        uint8_t at_any_place[9];
        uint32_t bits;
        float x = 0;

        memcpy(at_any_place + 1, cases[i].byte, 8);
        cr_assert(eq(sz, dtype_convert(cases[i].d, at_any_place + 1, 1, &x),
                     cases[i].none ? 0 : 1),
                  "%zu", i);
        memcpy(&bits, &x, sizeof bits);
        if (!cases[i].none)
            cr_assert(eq(u32, bits, cases[i].bits), "%zu", i);
    }
}

Test(weights_take, views_stay_inside_their_storage)
{
    static const struct {
        size_t first;
        int n_dims;
        long dim[3], stride[3];
        bool fits;
    } cases[] = {
        { 0, 1, { 10 }, { 1 }, true },
        { 0, 1, { 11 }, { 1 }, false },
        { 1, 1, { 10 }, { 1 }, false },
        { 9, 0, { 0 }, { 0 }, true },
        { 10, 0, { 0 }, { 0 }, false },
        { 10, 1, { 0 }, { 1 }, true },
        { 11, 1, { 0 }, { 1 }, false },
        { 0, 2, { 5, 2 }, { 1, 5 }, true },
        { 0, 2, { 5, 2 }, { 1, 6 }, false },
        { 0, 2, { 2, 2 }, { -1, 1 }, false },
        { 0, 1, { -1 }, { 1 }, false },
        { 0, 2, { 2, 2 }, { LONG_MAX, LONG_MAX }, false },
        { 0, 3, { INT32_MAX, INT32_MAX, INT32_MAX }, { 0, 0, 0 }, false },
        { 0, 1, { 1L << 40 }, { 0 }, false },
        { SIZE_MAX, 1, { 2 }, { 1 }, false },
    };

    for (size_t i = 0; i < N(cases); i++) {
        struct block b = { .items = 10, .dtype = DTYPE_F32 };
        struct view v = { .block = &b,
                          .first = cases[i].first,
                          .n_dims = cases[i].n_dims };
        struct error err = { 0 };

        memcpy(v.dim, cases[i].dim, sizeof cases[i].dim);
        memcpy(v.stride, cases[i].stride, sizeof cases[i].stride);
        cr_assert(eq(int, view_check(&v, &err), cases[i].fits ? 0 : E_INPUT), "%zu", i);
    }
}

Test(weights_take, strides_are_followed_row_by_row)
{
    static const float all[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
    static const float want[] = { 1, 5, 9, 1, 5, 9, 2, 6, 10, 2, 6, 10 };
    struct source f = source_of(all, sizeof all);
    struct block b = { .items = 12, .dtype = DTYPE_F32 };
    struct view v = {
        .block = &b, .first = 1, .n_dims = 3, .dim = { 2, 2, 3 }, .stride = { 1, 0, 4 }
    };
    struct error err = { 0 };
    float to[12];

    must(view_check(&v, &err));
    must(view_read(&v, &f, to, &err));
    cr_assert(zero(int, memcmp(to, want, sizeof want)));
}

#define PUT(b, text) buf_add(b, text, sizeof(text) - 1)

/* A storage of one element that is said to be n of them. */
static struct buf expanded(uint32_t n)
{
    static const uint64_t one = 1;
    struct buf b = { 0 };

    PUT(&b, "\x80\2\x8a\n\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.");
    PUT(&b, "\x80\2}U\15little_endian\x88s.");
    PUT(&b, "\x80\2}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\n"
            "FloatStorage\nU\0010U\3cpuK\1tQK\0J");
    buf_add(&b, &n, 4);
    PUT(&b, "\x85K\0\x85\x89NtRs.\x80\2]U\0010a.");
    buf_add(&b, &one, 8);
    PUT(&b, "\0\0\x80\x3f");
    return b;
}

Test(weights_take, a_small_file_does_not_fill_memory)
{
    struct take_options o = { .prefix = "auto" };

    for (uint32_t n = 1000; n <= 1000000000; n *= 1000) {
        struct buf b = expanded(n);
        struct named f;
        struct take t = { 0 };
        struct error err = { 0 };

        must(named_open_bytes(&f, b.s, b.len, &usual, &err));
        if (n == 1000) {
            must(take_names(&t, &f, &o, &err));
        } else {
            cr_assert(eq(int, take_names(&t, &f, &o, &err), E_INPUT));
            cr_assert(not(zero(ptr, strstr(err.text, "16 times as large"))), "%s",
                      err.text);
        }
        take_release(&t);
        named_close(&f);
        buf_release(&b);
    }
}
