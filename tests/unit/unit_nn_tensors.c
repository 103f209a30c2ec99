#include "nn_fixture.h"

#include <unistd.h>

#include "larder/buf.h"
#include "nn/safetensors.h"

/* A file with this header and n bytes behind it. */
static void file_of(struct buf *b, const char *header, size_t n)
{
    uint64_t length = strlen(header);

    buf_reset(b);
    buf_add(b, &length, 8);
    buf_adds(b, header);
    for (size_t i = 0; i < n; i++)
        buf_addc(b, (char)i);
}

static struct tensors example(void)
{
    struct tensors t = { 0 };

    tensors_add(&t, "b.weight", 4, (const long[]){ 2, 3, 1, 2 });
    tensors_add(&t, "a \"quoted\" \xc3\xa4", 1, (const long[]){ 3 });
    tensors_add(&t, "scalar", 0, NULL);
    tensors_add(&t, "empty", 2, (const long[]){ 0, 4 });
    for (size_t k = 0; k < t.n; k++)
        for (size_t i = 0; i < t.tensor[k].n; i++)
            t.tensor[k].value[i] = (float)(k * 100 + i) / 7;
    return t;
}

Test(nn_tensors, what_is_written_reads_back)
{
    struct tensors t = example(), back = { 0 };
    struct error err = { 0 };
    char path[] = "/tmp/larder-tensors-XXXXXX";

    close(mkstemp(path));
    must(tensors_write(&t, path, &err));
    must(tensors_read(&back, path, &err));
    unlink(path);
    cr_assert(eq(sz, back.n, t.n));
    for (size_t k = 0; k < t.n; k++) {
        const struct tensor *x = tensors_find(&back, t.tensor[k].name);
        cr_assert(not(zero(ptr, (void *)x)));
        cr_assert(eq(int, x->n_dims, t.tensor[k].n_dims));
        cr_assert(eq(sz, x->n, t.tensor[k].n));
        for (int d = 0; d < x->n_dims; d++)
            cr_assert(eq(long, x->dim[d], t.tensor[k].dim[d]));
        cr_assert(
            zero(int, memcmp(x->value, t.tensor[k].value, x->n * sizeof *x->value)));
    }
    tensors_release(&back);
    tensors_release(&t);
}

Test(nn_tensors, the_bytes_of_a_file_are_fixed)
{
    static const char header[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"z\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[8,12]}}    ";
    static const float values[] = { 1, 2, -3 };
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct buf b = { 0 };
    uint64_t length;

    tensors_add(&t, "z", 2, (const long[]){ 1, 1 })->value[0] = -3;
    memcpy(tensors_add(&t, "a", 1, (const long[]){ 2 })->value, values, 8);
    must(safetensors_format(&t, &b, &err));
    memcpy(&length, b.s, 8);
    cr_assert(eq(sz, (size_t)length % 8, 0));
    cr_assert(eq(sz, b.len, 8 + (size_t)length + 12));
    cr_assert(eq(sz, (size_t)length, (strlen(header) - 4 + 7) / 8 * 8));
    cr_assert(zero(int, memcmp(b.s + 8, header, strlen(header) - 4)));
    cr_assert(zero(int, memcmp(b.s + 8 + length, values, 12)));
    buf_release(&b);
    tensors_release(&t);
}

/* A count: I64 in the file, in front of the others. */
Test(nn_tensors, counts_are_whole_numbers_in_the_file)
{
    static const char header[] =
        "{\"b.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],"
        "\"data_offsets\":[0,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
    struct tensors t = { 0 }, back = { 0 };
    struct error err = { 0 };
    struct buf b = { 0 };
    uint64_t length, raw;
    struct tensor *x;

    tensors_add(&t, "a", 1, (const long[]){ 1 });
    x = tensors_add(&t, "b.num_batches_tracked", 0, NULL);
    x->integer = true;
    x->value[0] = 450450;
    must(safetensors_format(&t, &b, &err));
    cr_assert(zero(int, memcmp(b.s + 8, header, strlen(header))));
    memcpy(&length, b.s, 8);
    memcpy(&raw, b.s + 8 + length, 8);
    cr_assert(eq(sz, (size_t)raw, 450450));
    must(safetensors_parse(&back, b.s, b.len, &err));
    cr_assert(tensors_find(&back, "b.num_batches_tracked")->integer);
    cr_assert(eq(flt, tensors_find(&back, "b.num_batches_tracked")->value[0], 450450));
    tensors_release(&back);
    raw = 1ull << 40;
    memcpy(b.s + 8 + length, &raw, 8);
    cr_assert(eq(int, safetensors_parse(&back, b.s, b.len, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "not a count"))), "%s", err.text);
    cr_assert(zero(sz, back.n));
    buf_release(&b);
    tensors_release(&t);
}

Test(nn_tensors, two_tensors_of_one_name_are_not_written)
{
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct buf b = { 0 };

    tensors_add(&t, "a", 1, (const long[]){ 2 });
    tensors_add(&t, "a", 1, (const long[]){ 2 });
    cr_assert(eq(int, safetensors_format(&t, &b, &err), E_INPUT));
    buf_release(&b);
    tensors_release(&t);
}

#define T(shape, b, e) \
    "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" b "," e "]}"

Test(nn_tensors, hostile_files_are_refused_with_a_reason)
{
    static const struct {
        const char *header;
        size_t n;
        const char *says;
    } bad[] = {
        { "[]", 0, "begin with {" },
        { "{\"a\":" T("[2]", "0", "8"), 8, "header" }, /* cut short */
        { "{\"a\":" T("[2]", "0", "8") "}", 7, "inside the file" },
        { "{\"a\":" T("[2]", "0", "8") "}", 9, "belong to no tensor" },
        { "{\"a\":" T("[2]", "4", "12") "}", 12, "begins at byte" }, /* a hole */
        { "{\"a\":" T("[2]", "0", "8") ",\"b\":" T("[1]", "4", "8") "}", 8,
          "begins at byte" }, /* overlap */
        { "{\"a\":" T("[2]", "0", "8") ",\"a\":" T("[2]", "0", "8") "}", 8, "duplicate" },
        { "{\"a\":" T("[3]", "0", "8") "}", 8, "its shape" },
        { "{\"a\":" T("[-2]", "0", "8") "}", 8, "not a size" },
        { "{\"a\":" T("[2.0]", "0", "8") "}", 8, "not a size" },
        { "{\"a\":" T("[NaN]", "0", "8") "}", 8, "header" },
        { "{\"a\":" T("[2]", "8", "0") "}", 8, "inside the file" },
        { "{\"a\":" T("[2]", "-8", "0") "}", 8, "inside the file" },
        { "{\"a\":" T("[2]", "0", "8e0") "}", 8, "inside the file" },
        { "{\"a\":" T("[2]", "0", "99999999999999999999") "}", 8, "header" },
        { "{\"a\":" T("[2147483647,2147483647,2147483647]", "0", "8") "}", 8, "shape" },
        { "{\"a\":" T("[1,1,1,1,2]", "0", "8") "}", 8, "dimensions" },
        { "{\"a\":" T("2", "0", "8") "}", 8, "no shape" },
        { "{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", 8, "F16" },
        { "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "no dtype" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "fields" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"x\":[0,8]}}", 8, "inside the file" },
        { "{\"a\":7}", 8, "no dtype" },
        { "{\"a\":" T("[2]", "0", "8") ",\"__metadata__\":{\"k\":1}}", 8, "metadata" },
        { "{\"\xff\":" T("[2]", "0", "8") "}", 8, "header" },
        { "{\"a\":" T("[2]", "0", "8") "}x", 8, "header" },
    };
    struct buf b = { 0 };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tensors t = { 0 };
        struct error err = { 0 };
        file_of(&b, bad[i].header, bad[i].n);
        cr_assert(eq(int, safetensors_parse(&t, b.s, b.len, &err), E_INPUT), "%s",
                  bad[i].header);
        cr_assert(not(zero(ptr, strstr(err.text, bad[i].says))), "%s: %s", bad[i].header,
                  err.text);
        cr_assert(zero(sz, t.n));
    }
    buf_release(&b);
}

Test(nn_tensors, a_list_has_tensors_of_every_element_type)
{
    static const char header[] =
        "{\"a\":{\"dtype\":\"BF16\",\"shape\":[2,1,1,1,1],\"data_offsets\":[8,12]},"
        "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"c\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[12,15]}}";
    size_t data = 8 + strlen(header);
    struct safetensors_list l;
    struct error err = { 0 };
    struct buf b = { 0 };

    file_of(&b, header, 15);
    must(safetensors_list(&l, b.s, b.len, &err));
    cr_assert(eq(sz, l.n, 3));
    cr_assert(eq(str, (char *)l.entry[0].name, "b"));
    cr_assert(eq(str, (char *)l.entry[1].dtype, "BF16"));
    cr_assert(eq(int, l.entry[1].n_dims, 5));
    cr_assert(eq(sz, l.entry[1].begin, data + 8));
    cr_assert(eq(sz, l.entry[2].end, data + 15));
    safetensors_release(&l);
    file_of(&b, "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}",
            4);
    cr_assert(eq(int, safetensors_list(&l, b.s, b.len, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "F8_E4M3"))), "%s", err.text);
    buf_release(&b);
}

Test(nn_tensors, a_file_may_say_whose_layouts_it_has)
{
    static const char begins[] =
        "{\"__metadata__\":{\"format\":\"pt\"},\"a \\\"quoted\\\"";
    struct tensors t = example(), back = { 0 };
    struct error err = { 0 };
    struct buf b = { 0 };

    must(safetensors_format_as(&t, "pt", &b, &err));
    cr_assert(zero(int, memcmp(b.s + 8, begins, strlen(begins))), "%.60s", b.s + 8);
    must(safetensors_parse(&back, b.s, b.len, &err));
    cr_assert(eq(sz, back.n, t.n));
    buf_release(&b);
    tensors_release(&back);
    tensors_release(&t);
}

Test(nn_tensors, a_header_longer_than_the_file_is_refused)
{
    static const uint64_t lengths[] = { 100, 100000001, UINT64_MAX, UINT64_MAX - 7, 0 };
    struct tensors t = { 0 };
    struct error err = { 0 };
    char bytes[16] = "........{}      ";

    for (size_t i = 0; i < 5; i++) {
        memcpy(bytes, &lengths[i], 8);
        cr_assert(eq(int, safetensors_parse(&t, bytes, 16, &err), E_INPUT));
    }
    cr_assert(eq(int, safetensors_parse(&t, bytes, 7, &err), E_INPUT));
    cr_assert(eq(int, safetensors_parse(&t, bytes, 0, &err), E_INPUT));
}

Test(nn_tensors, metadata_and_padding_are_allowed)
{
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct buf b = { 0 };

    file_of(&b, "{\"__metadata__\":{\"format\":\"pt\"},\"a\":" T("[2]", "0", "8") "}   ",
            8);
    must(safetensors_parse(&t, b.s, b.len, &err));
    cr_assert(eq(sz, t.n, 1));
    cr_assert(eq(str, t.tensor[0].name, "a"));
    tensors_release(&t);
    buf_release(&b);
}

/* Bytes of a good file changed, cut or repeated by counter: each is read or refused, and
 * whatever is read fits the file. */
Test(nn_tensors, damaged_files_never_harm)
{
    struct tensors good = example();
    struct error err = { 0 };
    struct buf whole = { 0 };
    char *copy;
    int refused = 0, rounds = 20000;

    must(safetensors_format(&good, &whole, &err));
    for (int round = 0; round < rounds; round++) {
        struct tensors t = { 0 };
        uint32_t n = (uint32_t)whole.len, changes = 1 + counter(round, 1) % 4;
        if (counter(round, 2) % 8 == 0)
            n = counter(round, 3) % n;
        copy = malloc(n + 1); /* its own block, so that a sanitizer sees its end */
        memcpy(copy, whole.s, n);
        for (uint32_t k = 0; k < changes && n > 0; k++) {
            uint32_t at = counter(round * 8 + k, 4) % n;
            static const char likely[] = "0123456789[]{}:,\"-.eFNaN\\ ";
            copy[at] = counter(round * 8 + k, 5) % 2 == 0
                           ? likely[counter(round * 8 + k, 6) % (sizeof likely - 1)]
                           : (char)counter(round * 8 + k, 7);
        }
        if (safetensors_parse(&t, copy, n, &err) < 0) {
            refused++;
            cr_assert(zero(sz, t.n));
        }
        for (size_t i = 0; i < t.n; i++)
            cr_assert(le(sz, t.tensor[i].n * 4, (size_t)n));
        tensors_release(&t);
        free(copy);
    }
    cr_assert(gt(int, refused, rounds / 4));
    cr_assert(lt(int, refused, rounds)); /* changes among the values are no damage */
    buf_release(&whole);
    tensors_release(&good);
}
