#include "command.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/formats.h"

#include "manual.h"

const struct command command_table[] = {
    { "init", NULL, "[DIR]", 0, 1, "write a recipe to begin with",
      "Writes a small recipe with comments into DIR, or here: a script in Python, a "
      "table\n"
      "of its numbers beside those of a paper, what the paper says, judged, and a page. "
      "No\n"
      "file is overwritten.",
      command_init },
    { "run", "repro", "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "run what has no result yet, and place the results",
      "Runs the steps of the targets, stages or steps named, and of all that they need,\n"
      "whose results are not in the cache. Without a name: the recipe's default target,\n"
      "or everything. Afterwards the files that the targets ask for (`get:`) are "
      "placed.\n"
      "Ctrl-C once lets running steps save their work, twice ends them, three times "
      "kills\n"
      "them.",
      command_run },
    { "status", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "what is done and what is not, a line a stage",
      "Tells for each stage how many of its steps have a result; -v tells it for each\n"
      "step. Nothing runs.",
      command_status },
    { "plan", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "what would run, why, and how long it took before",
      "Lists the steps that `larder run` would run, each with the first reason and the\n"
      "time it took last. Whether a step behind one of these runs too is decided when\n"
      "that one is done: if it gives the same result as before, nothing behind it runs.",
      command_plan },
    { "why", NULL, "STEP...", 1, SIZE_MAX, "why a step is to run, or why it ran",
      "Compares what the step is made from now with what it was made from before, field\n"
      "by field, and follows inputs that changed to the steps that made them. The cause\n"
      "comes first. --hit tells of a result that is reused on what it rests: which "
      "record,\n"
      "who made it, since when it is here, and whether others found the same.",
      command_why },
    { "diff", NULL, "[RUN [RUN]]", 0, 2, "what two runs did and found otherwise",
      "Compares the results that two runs had, by their numbers in .larder/runs/: the "
      "steps\n"
      "whose options, programs or files differ first, then those that took other inputs "
      "from\n"
      "them; which outputs are others, and of tables which cells. Without numbers: the "
      "last\n"
      "run and the one before; with one: that and the last.",
      command_diff },
    { "graph", "dag", "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "the stages, what each reads, and how much of each is done",
      "Prints the steps named, and all that they need, as a graph: for Graphviz (dot),\n"
      "Mermaid, or JSON. The steps of a stage are one node with their number; with -v\n"
      "every step is one. Imports and files of yours are round.",
      command_graph },
    { "check", NULL, "", 0, 0, "check the recipe, and run nothing",
      "Reads the recipe and everything that programs tell of themselves, and says what "
      "is\n"
      "wrong, with its position.",
      command_check },
    { "get", NULL, "TARGET|STEP.OUTPUT[/FILE] [DEST]", 1, 2,
      "place a result in the project",
      "Places the files of a target where its `get:` says, or one output of a step, or "
      "a\n"
      "file of one, at DEST (by default its own name in the project). What is not made "
      "yet\n"
      "is not made.",
      command_get },
    { "log", NULL, "STEP...", 1, SIZE_MAX, "what a step printed when it ran",
      "Prints the log of the last attempt: of the failure, if the step failed since its\n"
      "last success, else of the run that made its result, wherever that was.",
      command_log },
    { "report", NULL, "[DIR]", 0, 1, "write run.html: machine, cost and log of each step",
      "Writes the page run.html into DIR, or beside every index.html that the default\n"
      "target places. Each step has the anchor k- and the first 16 digits of its key.",
      command_report },
    { "export", NULL, "crate [TARGET] DEST", 2, 3,
      "the last run as a Workflow Run RO-Crate",
      "Writes a folder DEST with the recipe, the files that the target places, and\n"
      "ro-crate-metadata.json, which tells how they were made: every step with its\n"
      "program, options, inputs and outputs. Without a name: the recipe's default "
      "target.\n"
      "All of it must be made. What is private is named by its digest and not copied.",
      command_export },
    { "push", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "give results to a remote, for others to use",
      "Gives the results of the steps named, and of all that they need, to the remote "
      "of\n"
      "--remote, else to the first one of the settings. Records are signed with our "
      "key,\n"
      "which is made if there is none. What is private or not kept stays here. What the\n"
      "remote has already is not sent again.",
      command_push },
    { "pull", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "fetch results from the remotes, and run nothing",
      "Fetches every result of the steps named, and of all that they need, that is not\n"
      "here and that a key which this project trusts has signed. `larder run` does the\n"
      "same on the way, and fetches no more than it needs. What others say of a result\n"
      "comes too from a folder; from a server where `k` in larder.trust is above 1, or\n"
      "with --attestations, since each is a request.",
      command_pull },
    { "bundle", NULL, "[TARGET|STAGE|STEP|STEP.OUTPUT[/FILE][CELL]...] -o FILE", 0,
      SIZE_MAX, "pack results into a file that can be carried",
      "Writes the records of what is named, and of all that it needs, signed, with the "
      "files\n"
      "of what is named, into one file: to be read elsewhere by `larder unbundle`, "
      "without a\n"
      "network. CELL is [COLUMN=VALUE,...]:COLUMN and means a field of a table: then "
      "this\n"
      "table is all that goes with the records. What is private stays here.",
      command_bundle },
    { "unbundle", NULL, "FILE...", 1, SIZE_MAX,
      "check a bundle, and take the results in it",
      "Reads what `larder bundle` wrote, checks all of it, and takes the results that a "
      "key\n"
      "which this project trusts has signed. -n only checks and tells what it holds, "
      "who\n"
      "signed it, and the cells that were asked for; it needs no project, and --key "
      "says\n"
      "whom to trust. Give all files of a bundle together, or one after the other.",
      command_unbundle },
    { "serve", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "let others fetch our results over HTTP, without a web server",
      "Gives the results of the steps named, and of all that they need, as `larder "
      "push`\n"
      "would, signed and from the cache, until Ctrl-C; it prints what others type. With\n"
      "--remote=file:/path it serves that remote instead, and with --writable takes "
      "what\n"
      "others push there. Without --listen only this machine reaches it.",
      command_serve },
    { "key", NULL, "new|show [NAME] | export NAME [FILE]", 1, 3,
      "our own keys, with which results are signed",
      "`larder key new` makes a key pair; its private half stays in the folder\n"
      "$XDG_CONFIG_HOME/larder/keys. `larder key show` prints the public half, and\n"
      "`larder key export` that of one key, or writes it into FILE: the line, or the "
      "file,\n"
      "that others give to `larder trust add`.",
      command_key },
    { "trust", NULL, "add FILE|PUBLICKEY [NAME] | list | remove NAME|ID | revoke NAME|ID",
      1, 3, "whose results this project takes from a remote",
      "Writes or lists the lines of larder.trust, which is committed with the project: "
      "the\n"
      "public keys whose results are taken from a remote, for every stage or those of\n"
      "--stages. Our own keys are trusted without a line. Everything else on a remote "
      "is\n"
      "treated as absent. `revoke` writes that nothing of a key counts any more, and "
      "lists\n"
      "the results and numbers of this project that rested on it.",
      command_trust },
    { "verify", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "hash results, and name the steps whose are damaged",
      "Hashes every object of the steps named, and of all that they need, and checks "
      "the\n"
      "signatures of the records that came from others; without a name, of the whole "
      "cache.\n"
      "What a run remembers of a file does not count here, so a bit that has flipped is\n"
      "found too. Removes nothing; the next run makes again what it needs. Exits with 5\n"
      "when something is damaged. --rerun runs the steps named once more in scratch, "
      "with\n"
      "what they were made from, compares each output as the recipe says, and signs "
      "what\n"
      "agrees. What is another is kept beside the first, and the exit status is 5.",
      command_verify },
    { "attest", NULL, "STEP...", 1, SIZE_MAX,
      "sign that we stand for results that others made",
      "Signs the results of the steps named where our own record of them agrees, as one\n"
      "of `larder verify --rerun` does; with --vouch also without one. `larder push` "
      "gives\n"
      "what was signed to others, whose larder.trust may want several keys (`k`).",
      command_attest },
    { "pin", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "keep results, whatever is cleaned; without a name: list what is kept",
      "Keeps the results of the steps named, and of all that they need, from `larder "
      "gc`,\n"
      "until `larder unpin`. All of them must be made. What is kept are the records of\n"
      "today and their objects, also when the recipe changes. The pin is called as the\n"
      "target, or by --name, for all projects that share the cache.",
      command_pin },
    { "unpin", NULL, "NAME...", 1, SIZE_MAX, "let go of what a pin keeps",
      "Removes pins. Nothing else goes until `larder gc`.", command_unpin },
    { "gc", NULL, "", 0, 0, "remove from the cache what nobody needs, or has room for",
      "Removes what nothing names: results whose files are lost, files of no result, "
      "what\n"
      "killed runs have left. With --older also results that no project has used for so\n"
      "long. With --quota, or the setting quota, results go until the cache is small\n"
      "enough, those first that are made again in the least time for their size. Never\n"
      "what a pin keeps, a run relies on, or was made or used within --grace. Runs may "
      "go\n"
      "on meanwhile. -n only tells.\n"
      "With --remote=file:/path it tells what no record of that remote needs, and with\n"
      "--yes removes it: do so while nobody pushes.",
      command_gc },
    { "fsck", NULL, "", 0, 0, "read the whole cache and name what is damaged",
      "Reads every object and record and compares it with its name. Changes nothing: "
      "the\n"
      "next run makes again what it needs. --repair clears away what no run will need: "
      "it\n"
      "removes what is damaged, and records of results that are lost. --rebuild does "
      "that,\n"
      "after it has brought into order what there is: files under wrong names or closed\n"
      "to us, a lost larder-store.",
      command_fsck },
    { "du", NULL, "[TARGET|STAGE|STEP...]", 0, SIZE_MAX,
      "what results take in the cache, and what they cost",
      "Tells for each stage the size of its results, of which a file counts once, and "
      "the\n"
      "time that it took to make them, also for a GB of it; what is pinned; and what "
      "the\n"
      "whole cache takes, and what of it nothing needs.",
      command_du },
    { "doctor", NULL, "", 0, 0, "whether this machine has what Larder needs",
      "Looks at the kernel, the cache and its disk, the programs, GPUs and Slurm, and "
      "says\n"
      "what is missing, what that means and what to do. Needs no project, changes "
      "nothing.\n"
      "Exits with 8 when something is missing without which nothing runs.",
      command_doctor },
    { "config", NULL, "", 0, 0, "the settings in force, and where they were made",
      "Lists the settings of the user: what suits a machine or a person and is no part\n"
      "of a recipe. --show-origin tells the file and line, the variable or the option.",
      command_config },
    { "job", NULL, "FOLDER N", 2, 2, "run a step as a job of Slurm: for --executor slurm",
      "Runs member N of the batch in FOLDER, on a node: the job that `larder run\n"
      "--executor slurm` submitted calls it, nobody else.",
      command_job },
    { "complete", NULL, "bash|zsh|fish|names|commands", 1, 1,
      "what a shell completes: eval \"$(larder complete bash)\"",
      "Prints the completion for a shell, which its installed package has already; or "
      "the\n"
      "names that a recipe has for targets and stages.",
      command_complete },
    { "version", NULL, "", 0, 0, "the version of Larder and of its formats",
      "Prints the version of Larder; with --json also the numbers of its formats.",
      command_version },
    { "help", NULL, "[COMMAND|exit-codes]", 0, 1, "tell how a command is used",
      "Prints how a command is used, or the list of exit statuses.", command_help },
    { 0 },
};

int command_help(const struct cli *cli, struct error *err)
{
    const struct command *c;
    int rc;

    if (!cli->man)
        return cli_help(command_table, cli->n_args ? cli->arg[0] : NULL, stdout, err);
    if (cli->n_args == 0) {
        manual_overview(command_table, stdout);
        return 0;
    }
    rc = cli_command(&c, command_table, cli->arg[0], err);
    if (rc == 0)
        manual_command(c, stdout);
    return rc;
}

/* docs/formats.md */
static const struct {
    const char *name, *line;
} format[] = {
    { "recipe", FORMAT_RECIPE },
    { "key", FORMAT_KEY },
    { "record", FORMAT_RECORD },
    { "tree", FORMAT_TREE },
    { "link", FORMAT_LINK },
    { "discovered", FORMAT_DISCOVERED },
    { "store", FORMAT_STORE },
    { "remote", FORMAT_REMOTE },
    { "index", FORMAT_INDEX },
    { "root", FORMAT_ROOT },
    { "signed", FORMAT_SIGNED },
    { "bundle", FORMAT_BUNDLE },
    { "trust", FORMAT_TRUST },
    { "lock", FORMAT_LOCK },
    { "attestation", FORMAT_ATTESTATION },
    { "pin", FORMAT_PIN },
    { "use", FORMAT_USE },
};
enum { N_FORMATS = sizeof format / sizeof format[0] };

static void print_version_json(void)
{
    json_t *all = json_pack("{s:s}", "version", LARDER_VERSION), *numbers = json_object();

    for (size_t i = 0; i < N_FORMATS; i++)
        json_object_set_new(numbers, format[i].name,
                            json_integer(strtol(strchr(format[i].line, ' '), NULL, 10)));
    json_object_set_new(all, "formats", numbers);
    json_dumpf(all, stdout, 0);
    putchar('\n');
    json_decref(all);
}

int command_version(const struct cli *cli, struct error *err)
{
    (void)err;
    if (cli->json)
        print_version_json();
    else
        printf("larder %s\n", LARDER_VERSION);
    return 0;
}
