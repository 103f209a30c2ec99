/*
 * The golden documents of tests/golden/ are made here from steps written by hand: a
 * change of format 1 cannot pass. docs/key.md shows the same documents.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "key.h"
#include "larder/fs.h"

static struct digest digest_of(const char *text)
{
    struct digest d;

    digest_bytes(&d, text, strlen(text));
    return d;
}

static struct object object_of(enum object_kind kind, const char *text)
{
    return (struct object){ kind, digest_of(text), 1 };
}

static void check_golden(const char *name, const struct step *step,
                         const struct key_facts *facts)
{
    struct buf path = { 0 }, wanted = { 0 }, text = { 0 }, page = { 0 }, line = { 0 };
    struct digest key;
    char hex[DIGEST_HEX + 1];

    key_of_step(step, facts, &text, &key);
    buf_printf(&path, LARDER_SOURCE "/tests/golden/%s", name);
    cr_assert_eq(fs_read(path.s, &wanted, NULL), 0, "no %s; given:\n%s", name, text.s);
    cr_assert_str_eq(text.s, wanted.s);
    buf_reset(&wanted);
    cr_assert_eq(fs_read(LARDER_SOURCE "/tests/golden/key-1.sha256", &wanted, NULL), 0);
    buf_printf(&line, "%s  %s\n", digest_hex(&key, hex), name);
    cr_assert_not_null(strstr(wanted.s, line.s), "not in key-1.sha256: %s", line.s);
    cr_assert_eq(fs_read(LARDER_SOURCE "/docs/key.md", &page, NULL), 0);
    cr_assert_not_null(strstr(page.s, text.s), "docs/key.md does not show %s", name);
    buf_release(&path);
    buf_release(&wanted);
    buf_release(&text);
    buf_release(&page);
    buf_release(&line);
}

Test(key, of_a_program_is_the_golden_document)
{
    struct program program = { .name = "train", .identity = digest_of("train") };
    struct option_value option[] = {
        { "arch", "choice", "alexnet", { 0 } },
        { "epochs", "int", "12", { 0 } },
        { "lr", "float", "0.04", { 0 } },
        { "mirror", "bool", "true", { 0 } },
        { "note", "string", "two\nlines, a \\ and é", { 0 } }
    };
    const char *env[] = { "TZ" }, *env_value[] = { "UTC" };
    struct input input[] = { { .name = "data" }, { .name = "start" } };
    struct output output[] = { { .name = "curve", .path = "curve.tsv" },
                               { .name = "epochs", .path = "e", .kind = OBJECT_TREE },
                               { .name = "model", .path = "model.safetensors" } };
    struct object data = object_of(OBJECT_TREE, "pictures");
    struct object start = object_of(OBJECT_FILE, "weights");
    struct object *inputs[] = { &data, &start };
    struct key_facts facts = { .input = inputs };
    struct step step = { .name = "train@arch=alexnet",
                         .stage = "train",
                         .program = &program,
                         .option = option,
                         .n_options = 5,
                         .env = env,
                         .env_value = env_value,
                         .n_env = 1,
                         .has_seed = true,
                         .seed = 0x6b86b273ff34fce1,
                         .input = input,
                         .n_inputs = 2,
                         .output = output,
                         .n_outputs = 3 };

    check_golden("key-program-1.txt", &step, &facts);
}

Test(key, of_a_command_is_the_golden_document)
{
    struct word words[] = { { WORD_TEXT, "python3" },
                            { WORD_TEXT, "plot.py" },
                            { WORD_TEXT, "--title=a ${b} \t$c" },
                            { WORD_IN, "data" },
                            { WORD_TEXT, "-o" },
                            { WORD_OUT, "png" },
                            { WORD_IN_EACH, "rest" },
                            { WORD_TEXT, "" } };
    struct arg arg[] = { { &words[0], 1 }, { &words[1], 1 }, { &words[2], 1 },
                         { &words[3], 1 }, { &words[4], 2 }, { &words[6], 1 },
                         { &words[7], 1 } };
    const char *code_path[] = { "lib/my axes.py", "plot.py" };
    const char *values[][1] = { { "1" } };
    const char *column[] = { "n" };
    struct item item[] = { { .value = values[0] } };
    struct input input[] = { { .name = "data" },
                             { .name = "rest",
                               .kind = INPUT_LIST,
                               .item = item,
                               .n_items = 1,
                               .column = column,
                               .n_columns = 1 } };
    struct output output[] = { { .name = "pages", .path = "pages", .kind = OBJECT_TREE },
                               { .name = "png", .path = "my plot.png" } };
    struct object data = object_of(OBJECT_FILE, "table");
    struct object rest = object_of(OBJECT_FILE, "rest");
    struct object *inputs[] = { &data, &rest };
    struct object code[] = { object_of(OBJECT_FILE, "axes"),
                             object_of(OBJECT_FILE, "plot") };
    struct key_facts facts = { inputs, code, digest_of("python3"), NULL };
    struct step step = { .name = "plot",
                         .stage = "plot",
                         .executable = "/usr/bin/python3",
                         .arg = arg,
                         .n_args = 7,
                         .code_path = code_path,
                         .n_code = 2,
                         .input = input,
                         .n_inputs = 2,
                         .output = output,
                         .n_outputs = 2 };

    check_golden("key-run-1.txt", &step, &facts);
}

Test(key, of_a_list_input_is_the_golden_document)
{
    struct program program = { .name = "tabulate", .identity = digest_of("tabulate") };
    const char *values[][3] = { { "classify", "alexnet", "S" },
                                { "classify", "alexnet", "R" },
                                { "human", "", "" },
                                { "a b", "x\\y", "z" } };
    const char *column[] = { "stage", "arch", "kind" };
    struct item item[] = { { .value = values[0] },
                           { .value = values[1] },
                           { .value = values[2] },
                           { .value = values[3] } };
    struct input input[] = {
        { .name = "acc",
          .kind = INPUT_LIST,
          .item = item,
          .n_items = 4,
          .column = column,
          .n_columns = 3 },
        { .name = "provenance", .kind = INPUT_PROVENANCE },
        { .name = "single", .kind = INPUT_LIST, .item = item, .n_items = 1 }
    };
    struct output output[] = { { .name = "table", .path = "a1.tsv" } };
    struct object acc[] = { object_of(OBJECT_FILE, "1"), object_of(OBJECT_FILE, "2"),
                            object_of(OBJECT_FILE, "3"), object_of(OBJECT_TREE, "4") };
    struct object provenance = object_of(OBJECT_FILE, "provenance");
    struct object *inputs[] = { acc, &provenance, acc };
    struct key_facts facts = { .input = inputs };
    struct step step = { .name = "table-a1",
                         .stage = "table-a1",
                         .program = &program,
                         .input = input,
                         .n_inputs = 3,
                         .output = output,
                         .n_outputs = 1 };

    check_golden("key-list-1.txt", &step, &facts);
}

Test(key, of_a_text_for_the_shell_is_the_golden_document)
{
    struct word words[] = { { WORD_TEXT, ". ./helper.sh\nsort -n " },
                            { WORD_IN, "rows" },
                            { WORD_TEXT, " | head -3 'a title' > " },
                            { WORD_OUT, "top" },
                            { WORD_TEXT, "\necho $HOME ${x%} " },
                            { WORD_IN_EACH, "rest" },
                            { WORD_TEXT, "\n" } };
    struct arg arg[] = { { words, 7 } };
    const char *code_path[] = { "helper.sh" };
    const char *env[] = { "LC_ALL" }, *env_value[] = { "C" };
    const char *values[][1] = { { "1" } }, *column[] = { "n" };
    struct item item[] = { { .value = values[0] } };
    struct input input[] = { { .name = "rest",
                               .kind = INPUT_LIST,
                               .item = item,
                               .n_items = 1,
                               .column = column,
                               .n_columns = 1 },
                             { .name = "rows" } };
    struct output output[] = { { .name = "top", .path = "my top.txt" } };
    struct object rest = object_of(OBJECT_FILE, "rest");
    struct object rows = object_of(OBJECT_FILE, "rows");
    struct object code[] = { object_of(OBJECT_FILE, "helper") };
    struct object *inputs[] = { &rest, &rows };
    struct key_facts facts = { inputs, code, digest_of("sh"), NULL };
    struct step step = { .name = "top",
                         .stage = "top",
                         .executable = "/bin/sh",
                         .shell = true,
                         .arg = arg,
                         .n_args = 1,
                         .code_path = code_path,
                         .n_code = 1,
                         .env = env,
                         .env_value = env_value,
                         .n_env = 1,
                         .input = input,
                         .n_inputs = 2,
                         .output = output,
                         .n_outputs = 1,
                         .n_objects = 1 };

    check_golden("key-sh-1.txt", &step, &facts);
}

Test(key, of_a_command_with_tools_is_the_golden_document)
{
    struct word words[] = { { WORD_TOOL, "venv" },
                            { WORD_TEXT, "/bin/python3" },
                            { WORD_TEXT, "plot.py" },
                            { WORD_OUT, "png" } };
    struct arg arg[] = { { &words[0], 2 }, { &words[2], 1 }, { &words[3], 1 } };
    const char *code_path[] = { "plot.py" };
    struct tool tool[] = { { .name = "base" }, { .name = "venv", .path = "/home/venv" } };
    struct digest tools[] = { digest_of("image"), digest_of("venv") };
    struct output output[] = { { .name = "png", .path = "plot.png" } };
    struct object code[] = { object_of(OBJECT_FILE, "plot") };
    struct key_facts facts = { NULL, code, digest_of("python3"), tools };
    struct step step = { .name = "plot",
                         .stage = "plot",
                         .executable = "/home/venv/bin/python3",
                         .arg = arg,
                         .n_args = 3,
                         .code_path = code_path,
                         .n_code = 1,
                         .tool = tool,
                         .n_tools = 2,
                         .output = output,
                         .n_outputs = 1,
                         .n_objects = 1 };

    check_golden("key-tools-1.txt", &step, &facts);
}

Test(key, of_a_command_with_folders_is_the_golden_document)
{
    struct word words[] = { { WORD_TEXT, "./lib/count.sh" },
                            { WORD_IN, "pages" },
                            { WORD_OUT, "counts" } };
    struct arg arg[] = { { &words[0], 1 }, { &words[1], 1 }, { &words[2], 1 } };
    const char *code_path[] = { "lib/" };
    struct input input[] = { { .name = "pages" } };
    struct output output[] = { { .name = "counts", .path = "counts.tsv" } };
    struct object pages = object_of(OBJECT_TREE, "pages");
    struct object *inputs[] = { &pages };
    struct object code[] = { object_of(OBJECT_TREE, "lib") };
    struct key_facts facts = { .input = inputs, .code = code };
    struct step step = { .name = "count",
                         .stage = "count",
                         .arg = arg,
                         .n_args = 3,
                         .code_path = code_path,
                         .n_code = 1,
                         .input = input,
                         .n_inputs = 1,
                         .output = output,
                         .n_outputs = 1,
                         .n_objects = 1 };

    check_golden("key-folders-1.txt", &step, &facts);
}

Test(key, of_a_sharded_set_is_the_golden_document)
{
    struct word words[] = { { WORD_TEXT, "split" },
                            { WORD_IN, "words" },
                            { WORD_OUT, "set" },
                            { WORD_TEXT, "64" } };
    struct arg arg[] = {
        { &words[0], 1 }, { &words[1], 1 }, { &words[2], 1 }, { &words[3], 1 }
    };
    struct input input[] = { { .name = "words" } };
    struct output output[] = {
        { .name = "list", .path = "list.txt" },
        { .name = "set", .path = "set", .kind = OBJECT_TREE, .n_shards = 64 }
    };
    struct object object = object_of(OBJECT_FILE, "words");
    struct object *inputs[] = { &object };
    struct key_facts facts = { .input = inputs, .executable = digest_of("split") };
    struct step step = { .name = "split",
                         .stage = "split",
                         .executable = "/usr/bin/split",
                         .arg = arg,
                         .n_args = 4,
                         .input = input,
                         .n_inputs = 1,
                         .output = output,
                         .n_outputs = 2,
                         .n_objects = 66 };

    check_golden("key-shards-1.txt", &step, &facts);
}

Test(key, of_a_command_that_reads_executables_is_the_golden_document)
{
    struct word words[] = { { WORD_TEXT, "env" },
                            { WORD_IN, "tool" },
                            { WORD_IN_EACH, "tools" },
                            { WORD_OUT, "said" } };
    struct arg arg[] = {
        { &words[0], 1 }, { &words[1], 1 }, { &words[2], 1 }, { &words[3], 1 }
    };
    struct item items[2] = { 0 };
    struct input input[] = {
        { .name = "tool" },
        { .name = "tools", .kind = INPUT_LIST, .item = items, .n_items = 2 }
    };
    struct output output[] = { { .name = "said", .path = "said" } };
    struct object tool = object_of(OBJECT_EXEC, "tool");
    struct object tools[] = { object_of(OBJECT_EXEC, "tool"),
                              object_of(OBJECT_FILE, "tool") };
    struct object *inputs[] = { &tool, tools };
    const char *code_path[] = { "do" };
    struct object code = object_of(OBJECT_EXEC, "do");
    struct key_facts facts = { inputs, &code, digest_of("env"), NULL };
    struct step step = { .name = "say",
                         .stage = "say",
                         .executable = "/usr/bin/env",
                         .code_path = code_path,
                         .n_code = 1,
                         .arg = arg,
                         .n_args = 4,
                         .input = input,
                         .n_inputs = 2,
                         .output = output,
                         .n_outputs = 1,
                         .n_objects = 1 };

    check_golden("key-exec-1.txt", &step, &facts);
}
