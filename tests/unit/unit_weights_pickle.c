#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "larder/buf.h"
#include "weights/pickle.h"

#define must(call) cr_assert(ge(int, (call), 0), "%s: %s", #call, err.text)

/* Reads the bytes as one pickle, which must fill them. */
static int read_bytes(struct pickle *p, const void *s, size_t n, struct node **root,
                      struct error *err)
{
    size_t at = 0;
    int rc = pickle_read(p, s, n, &at, root, err);

    if (rc == 0)
        cr_assert(eq(sz, at, n));
    return rc;
}

#define READ(p, text, root, err) read_bytes(p, text, sizeof(text) - 1, root, err)

Test(weights_pickle, values_are_read_as_python_means_them)
{
    static const char bytes[] = "\x80\2(K\xffM\x01\x02J\xfe\xff\xff\xff"
                                "\x8a\0\x8a\1\x80\x8a\2\xff\0\x8a\5\0\0\0\0\1"
                                "\x8a\x9\1\1\1\1\1\1\1\1\1"
                                "G\x3f\xf8\0\0\0\0\0\0X\2\0\0\0abU\1cT\1\0\0\0d"
                                "N\x88\x89)t.";
    static const int64_t number[] = { 255, 513, -2, 0, -128, 255, 1LL << 32 };
    struct pickle p = { 0 };
    struct error err = { 0 };
    struct node *x;

    must(READ(&p, bytes, &x, &err));
    cr_assert(eq(int, x->kind, NODE_TUPLE));
    cr_assert(eq(sz, x->list.n, 16));
    for (size_t i = 0; i < 7; i++) {
        cr_assert(eq(int, node_item(x, i)->kind, NODE_INT));
        cr_assert(eq(i64, node_item(x, i)->integer, number[i]), "%zu", i);
    }
    cr_assert(eq(int, node_item(x, 7)->kind, NODE_BIG));
    cr_assert(eq(dbl, node_item(x, 8)->real, 1.5));
    cr_assert(node_is_text(node_item(x, 9), "ab"));
    cr_assert(node_is_text(node_item(x, 10), "c"));
    cr_assert(node_is_text(node_item(x, 11), "d"));
    cr_assert(eq(int, node_item(x, 12)->kind, NODE_NONE));
    cr_assert(eq(i64, node_item(x, 13)->integer, 1));
    cr_assert(eq(i64, node_item(x, 14)->integer, 0));
    cr_assert(zero(sz, node_item(x, 15)->list.n));
    cr_assert(zero(ptr, node_item(x, 16)));
    pickle_release(&p);
}

Test(weights_pickle, dicts_keep_what_was_set_last)
{
    static const char bytes[] = "\x80\2}q\0(U\1aK\1U\1bK\2uU\1aK\3s0h\0\x85.";
    struct pickle p = { 0 };
    struct error err = { 0 };
    struct node *x;

    must(READ(&p, bytes, &x, &err));
    x = node_item(x, 0);
    cr_assert(eq(int, x->kind, NODE_DICT));
    cr_assert(eq(i64, node_get(x, "a")->integer, 3));
    cr_assert(eq(i64, node_get(x, "b")->integer, 2));
    cr_assert(zero(ptr, node_get(x, "c")));
    pickle_release(&p);
}

Test(weights_pickle, an_ordered_dict_may_be_made_of_pairs)
{
    static const char bytes[] = "\x80\2ccollections\nOrderedDict\n](](U\1aK\1e](U\1bK\2ee"
                                "\x85R}U\10not readNsb.";
    struct pickle p = { 0 };
    struct error err = { 0 };
    struct node *x;

    must(READ(&p, bytes, &x, &err));
    cr_assert(eq(int, x->kind, NODE_DICT));
    cr_assert(eq(sz, x->list.n, 4));
    cr_assert(eq(i64, node_get(x, "b")->integer, 2));
    pickle_release(&p);
}

/* Calls are nodes; what is added to them is dropped, what they are built with kept. */
Test(weights_pickle, calls_are_told_and_not_made)
{
    static const char bytes[] = "\x80\2ctorch.nn.parameter\nParameter\n)\x81K\7N\x86"
                                "b(K\1K\2u.";
    struct pickle p = { 0 };
    struct error err = { 0 };
    struct node *x;

    must(READ(&p, bytes, &x, &err));
    cr_assert(node_calls(x, NAME_PARAMETER));
    cr_assert(eq(i64, node_item(x->call.state, 0)->integer, 7));
    pickle_release(&p);
}

#define SYSTEM "cos\nsystem\nU\1x\x85R."

Test(weights_pickle, a_foreign_name_ends_the_reading_with_its_place)
{
    static const char *const says = "opcode 0x63 at byte 2: the file asks for the Python "
                                    "name os system";
    struct pickle p = { 0 }, past = { .foreign = true };
    struct error err = { 0 };
    struct node *x;

    cr_assert(eq(int, READ(&p, "\x80\2" SYSTEM, &x, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, says))), "%s", err.text);
    pickle_release(&p);
    must(READ(&past, "\x80\2" SYSTEM, &x, &err));
    cr_assert(node_calls(x, NAME_FOREIGN));
    pickle_release(&past);
}

Test(weights_pickle, what_is_no_pickle_of_weights_is_refused)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } bad[] = {
#define BAD(text, why) { text, sizeof(text) - 1, why }
        BAD("\x80\4N.", "protocol above 3"),
        BAD("\x80\2cposix\nsystem\n)R.", "posix system"),
        BAD("\x80\2c__builtin__\neval\n)R.", "__builtin__ eval"),
        BAD("\x80\2cbuiltins\nexec\n)R.", "builtins exec"),
        BAD("\x80\2ctorch\nload\n)R.", "torch load"),
        BAD("\x80\2ctorch\nStorage\n)R.", "torch Storage"),
        BAD("\x80\2ctorch._utils\n_rebuild_sparse_tensor\n)R.", "sparse"),
        BAD("\x80\2(i__main__\nX\n.", "0x69 at byte 3"), /* INST */
        BAD("\x80\2(o.", "0x6f at byte 3"),              /* OBJ */
        BAD("\x80\2\x82\1.", "0x82 at byte 2"),          /* EXT1 */
        BAD("\x80\2\x93.", "0x93 at byte 2"),            /* STACK_GLOBAL */
        BAD("\x80\2Pabc\n.", "0x50 at byte 2"),          /* PERSID */
        BAD("\x80\2I01\n.", "0x49 at byte 2"),           /* INT, as text */
        BAD("\x80\2N2\x86.", "0x32 at byte 3"),          /* DUP */
        BAD("\x80\2\x8b\xff\xff\xff\x7f.", "0x8b"),      /* LONG4 */
        BAD("\x80\2N)R.", "no name"),
        BAD("\x80\2K\1K\2R.", "no tuple"),
        BAD("\x80\2N", "ends within a pickle"),
        BAD("", "ends within a pickle"),
        BAD("\x80\2.", "does not hold one value"),
        BAD("\x80\2NN.", "does not hold one value"),
        BAD("\x80\2N(.", "does not hold one value"),
        BAD("\x80\2t.", "no mark"),
        BAD("\x80\2(\x85.", "not as many"),
        BAD("\x80\2N(\x85.", "not as many"), /* not below the mark */
        BAD("\x80\2N(0"
            "0.",
            "does not hold"),
        BAD("\x80\2"
            "0N.",
            "nothing is on the stack"),
        BAD("\x80\2}K\1s.", "nothing is on the stack"),
        BAD("\x80\2}(K\1s.", "not as many"),
        BAD("\x80\2}(K\1u.", "a key without a value"),
        BAD("\x80\2](K\1K\2u.", "no dict"),
        BAD("\x80\2}K\1a.", "no list"),
        BAD("\x80\2K\1K\2b.", "the state of a thing"),
        BAD("\x80\2h\0.", "nothing was put under"),
        BAD("\x80\2Nr\xff\xff\xff\xff.", "out of order"),
        BAD("\x80\2Nr\x64\0\0\0.", "out of order"),
        BAD("\x80\2Nq\0j\xff\xff\xff\xff.", "nothing was put under"),
        BAD("\x80\2q\0.", "nothing is on the stack"),
        BAD("\x80\2X\xff\xff\xff\xff"
            "ab.",
            "ends within its argument"),
        BAD("\x80\2T\xff\xff\xff\xff"
            "ab.",
            "negative"),
        BAD("\x80\2\x8a\xff"
            "ab.",
            "ends within its argument"),
        BAD("\x80\2ctorch\n", "printable"),
        BAD("\x80\2cto rch\nSize\n.", "printable"),
        BAD("\x80\2ccollections\nOrderedDict\n]K\1\x86R.", "something else than pairs"),
        BAD("\x80\2ccollections\nOrderedDict\nN\x85R.", "something else than pairs"),
        BAD("\x80\2ccollections\nOrderedDict\n]K\1a\x85R.", "something else than pairs"),
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pickle p = { 0 };
        struct error err = { 0 };
        struct node *x;
        char *copy = malloc(bad[i].n + 1);

        memcpy(copy, bad[i].bytes, bad[i].n);
        cr_assert(eq(int, read_bytes(&p, copy, bad[i].n, &x, &err), E_INPUT), "%s",
                  bad[i].says);
        cr_assert(not(zero(ptr, strstr(err.text, bad[i].says))), "%s: %s", bad[i].says,
                  err.text);
        pickle_release(&p);
        free(copy);
    }
}

/* n times the text, between a beginning and an end. */
static struct buf repeated(const char *begin, const char *text, size_t n, const char *end)
{
    struct buf b = { 0 };

    buf_adds(&b, begin);
    for (size_t i = 0; i < n; i++)
        buf_adds(&b, text);
    buf_adds(&b, end);
    return b;
}

Test(weights_pickle, depth_needs_no_stack_of_ours)
{
    struct buf b = repeated("\x80\2)", "\x85", 500000, ".");
    struct pickle p = { 0 };
    struct error err = { 0 };
    struct node *x;

    must(read_bytes(&p, b.s, b.len, &x, &err));
    pickle_release(&p);
    buf_release(&b);
}

/* Each of these would take memory or time beyond any bound. */
Test(weights_pickle, floods_are_stopped)
{
    static const struct {
        const char *begin, *text, *end;
    } flood[] = {
        { "\x80\2", "]", "." },         { "\x80\2", "(", "." },
        { "\x80\2]q\1(", "h\1", "e." }, { "\x80\2N", "0N", "." },
        { "\x80\2", "N0", "N." },
    };

    for (size_t i = 0; i < sizeof flood / sizeof flood[0]; i++) {
        struct buf b = repeated(flood[i].begin, flood[i].text, 1200000, flood[i].end);
        struct pickle p = { 0 };
        struct error err = { 0 };
        struct node *x;

        cr_assert(eq(int, read_bytes(&p, b.s, b.len, &x, &err), E_INPUT));
        cr_assert(not(zero(ptr, strstr(err.text, "more than 1048576"))), "%s", err.text);
        pickle_release(&p);
        buf_release(&b);
    }
}

/* A list of pairs that is made into a dict again and again: its pairs are counted. */
Test(weights_pickle, copies_of_a_list_are_counted)
{
    struct buf pairs = repeated("\x80\2](U\1aK\1\x86q\1", "h\1", 100000, "eq\2");
    struct buf b =
        repeated(pairs.s, "ccollections\nOrderedDict\nh\2\x85R0", 20, "N\x86.");
    struct pickle p = { 0 };
    struct error err = { 0 };
    struct node *x;

    cr_assert(eq(int, read_bytes(&p, b.s, b.len, &x, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "more than 1048576"))), "%s", err.text);
    pickle_release(&p);
    buf_release(&b);
    buf_release(&pairs);
}

Test(weights_pickle, a_list_may_hold_itself)
{
    struct pickle p = { 0 };
    struct error err = { 0 };
    struct node *x;

    must(READ(&p, "\x80\2]q\1h\1a.", &x, &err));
    cr_assert(eq(ptr, node_item(x, 0), x));
    pickle_release(&p);
}

Test(weights_pickle, the_classes_of_storages_have_types)
{
    static const struct {
        const char *module, *name;
        enum name is;
        enum dtype dtype;
    } known[] = {
        { "torch", "FloatStorage", NAME_STORAGE, DTYPE_F32 },
        { "torch.cuda", "HalfStorage", NAME_STORAGE, DTYPE_F16 },
        { "torch", "BFloat16Storage", NAME_STORAGE, DTYPE_BF16 },
        { "torch", "LongTensor", NAME_TENSOR_CLASS, DTYPE_NONE },
        { "torch", "ComplexFloatStorage", NAME_FOREIGN, DTYPE_NONE },
        { "torch", "Storage", NAME_FOREIGN, DTYPE_NONE },
        { "os", "FloatStorage", NAME_FOREIGN, DTYPE_NONE },
        { "dill._dill", "_create_function", NAME_INERT, DTYPE_NONE },
        { "dill._dill", "_create", NAME_FOREIGN, DTYPE_NONE },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        enum dtype dtype;

        cr_assert(
            eq(int, names_find(known[i].module, known[i].name, &dtype), known[i].is),
            "%s", known[i].name);
        cr_assert(eq(int, dtype, known[i].dtype), "%s", known[i].name);
    }
}
