#include "completion.h"

#include <ctype.h>
#include <string.h>

#include "larder/banned.h"

/* What stands behind a command, by the words of its `arguments`: those in small letters
 * stand for themselves, TARGET, STAGE and STEP for names of the recipe, COMMAND for one,
 * all others for files. */
static bool takes_names(const struct command *c)
{
    return strstr(c->arguments, "TARGET") || strstr(c->arguments, "STEP");
}

/* The next word of `arguments` that stands for itself; false at the end. */
static bool next_literal(const char **at, const char **word, int *n)
{
    for (const char *s = *at; *s;) {
        size_t length = 0;

        while (isalpha((unsigned char)s[length]) || s[length] == '-')
            length++;
        if (length > 0 && islower((unsigned char)s[0])) {
            *word = s;
            *n = (int)length;
            *at = s + length;
            return true;
        }
        s += length > 0 ? length : 1;
    }
    return false;
}

static void put_literals(const struct command *c, const char *before, FILE *to)
{
    const char *at = c->arguments, *word;
    int n;

    while (next_literal(&at, &word, &n))
        fprintf(to, "%s%.*s", before, n, word);
}

static void put_commands(const struct command *commands, FILE *to)
{
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, " %s", c->name);
        if (c->alias)
            fprintf(to, " %s", c->alias);
    }
}

/* Text between single quotes. */
static void put_quoted(const char *s, FILE *to)
{
    fputc('\'', to);
    for (; *s; s++)
        if (*s == '\'')
            fputs("'\\''", to);
        else
            fputc(*s, to);
    fputc('\'', to);
}

/* ---- bash ---- */

static void put_bash_options(const struct command *c, FILE *to)
{
    for (const struct option *o = cli_option; o->name; o++) {
        if (!cli_takes(c, o))
            continue;
        if (o->letter)
            fprintf(to, " -%c", o->letter);
        fprintf(to, " --%s%s", o->name, o->value ? "=" : "");
    }
}

static void put_bash_values(FILE *to)
{
    for (const struct option *o = cli_option; o->name; o++) {
        bool is_file = o->value && strcmp(o->value, "FILE") == 0;
        bool is_folder = o->value && strcmp(o->value, "DIR") == 0;

        if ((!o->choices && !is_file && !is_folder) || o->kind == OPT_MAY)
            continue;
        fputs("    ", to);
        if (o->letter)
            fprintf(to, "-%c | ", o->letter);
        if (o->choices)
            fprintf(to, "--%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
                    o->name, o->choices);
        else
            fprintf(to, "--%s) COMPREPLY=($(compgen -%c -- \"$cur\")); return ;;\n",
                    o->name, is_file ? 'f' : 'd');
    }
}

static void put_bash(const struct command *commands, FILE *to)
{
    fputs("# bash completion of larder; `larder complete bash` prints it.\n"
          "_larder() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} "
          "command= i options= words=\n"
          "    COMPREPLY=()\n"
          "    # --name=value is three words, of which the last is to be completed.\n"
          "    if [ \"$cur\" = = ]; then cur=; fi\n"
          "    if [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    case $prev in\n",
          to);
    put_bash_values(to);
    fputs("    esac\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n"
          "        -f | -C | -P | -S | -j) ((i++)) ;;\n"
          "        -* | =) ;;\n"
          "        *) command=${COMP_WORDS[i]}; break ;;\n"
          "        esac\n"
          "    done\n"
          "    case $command in\n"
          "    '') options='",
          to);
    put_bash_options(NULL, to);
    fputs("' words='", to);
    put_commands(commands, to);
    fputs("' ;;\n", to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, "    %s%s%s) options='", c->name, c->alias ? " | " : "",
                c->alias ? c->alias : "");
        put_bash_options(c, to);
        fputs("' words=\"", to);
        put_literals(c, " ", to);
        if (takes_names(c))
            fputs(" $(larder complete names 2> /dev/null)", to);
        if (strstr(c->arguments, "COMMAND"))
            put_commands(commands, to);
        fputs("\" ;;\n", to);
    }
    fputs("    esac\n"
          "    case $cur in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
          "        [ \"${COMPREPLY[0]%=}\" = \"${COMPREPLY[0]}\" ] || compopt -o nospace "
          ";;\n"
          "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
          "    esac\n"
          "}\n"
          "complete -o default -F _larder larder\n",
          to);
}

/* ---- zsh ---- */

/* "name:what it does", in which colons and brackets are escaped. */
static void put_zsh_text(const char *s, FILE *to)
{
    for (; *s; s++) {
        if (strchr(":[]\\", *s))
            fputc('\\', to);
        if (*s == '\'')
            fputs("'\\''", to);
        else
            fputc(*s, to);
    }
}

static void put_zsh_option(const struct option *o, FILE *to)
{
    const char *action = !o->value                       ? ""
                         : strcmp(o->value, "FILE") == 0 ? "_files"
                         : strcmp(o->value, "DIR") == 0  ? "_files -/"
                                                         : "";
    char letter[4] = "";

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c", o->letter);
    for (int i = 0; i < 2; i++) { /* -j N, then --jobs=N */
        if (i == 0 && !o->letter)
            continue;
        fprintf(to, "        '%s%s%s%s[",
                o->kind == OPT_SETTING || o->kind == OPT_MANY ? "*" : "",
                i == 0 ? letter : "--", i == 0 ? "" : o->name,
                !o->value            ? ""
                : o->kind == OPT_MAY ? "=-"
                : i == 0             ? "+"
                                     : "=");
        put_zsh_text(o->help, to);
        fputc(']', to);
        if (o->value)
            fprintf(to, "%s%s:", o->kind == OPT_MAY ? "::" : ":", o->value);
        if (o->choices)
            fprintf(to, "(%s)", o->choices);
        fprintf(to, "%s' \\\n", action);
    }
}

static void put_zsh(const struct command *commands, FILE *to)
{
    fputs("#compdef larder\n"
          "# zsh completion of larder; `larder complete zsh` prints it.\n"
          "_larder_commands() {\n    local -a commands=(\n",
          to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, "        '%s:", c->name);
        put_zsh_text(c->summary, to);
        fputs("'\n", to);
    }
    fputs("    )\n    _describe command commands\n}\n"
          "_larder_names() {\n"
          "    local -a names=(${(f)\"$(larder complete names 2> /dev/null)\"})\n"
          "    compadd -a names\n}\n"
          "_larder() {\n"
          "    local state line\n"
          "    _arguments -C '1:command:_larder_commands' '*::argument:->rest' \\\n",
          to);
    for (const struct option *o = cli_option; o->name; o++)
        put_zsh_option(o, to);
    fputs("        && return\n"
          "    case $line[1] in\n",
          to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, "    %s%s%s)\n        _arguments \\\n", c->name, c->alias ? "|" : "",
                c->alias ? c->alias : "");
        for (const struct option *o = cli_option; o->name; o++)
            if (cli_takes(c, o))
                put_zsh_option(o, to);
        fputs("        '*:argument:{", to);
        if (takes_names(c))
            fputs(" _larder_names;", to);
        if (strstr(c->arguments, "COMMAND"))
            fputs(" _larder_commands;", to);
        if (strpbrk(c->arguments, "abcdefghijklmnopqrstuvwxyz")) {
            fputs(" compadd", to);
            put_literals(c, " ", to);
            fputc(';', to);
        }
        fputs(" _files }' ;;\n", to);
    }
    fputs("    esac\n}\n_larder \"$@\"\n", to);
}

/* ---- fish ---- */

static void put_fish_option(const struct option *o, FILE *to)
{
    fputs("complete -c larder", to);
    if (o->commands)
        fprintf(to, " -n '__fish_seen_subcommand_from%.*s'", (int)strlen(o->commands) - 1,
                o->commands);
    if (o->letter)
        fprintf(to, " -s %c", o->letter);
    fprintf(to, " -l %s", o->name);
    if (o->value && o->kind != OPT_MAY)
        fputs(strcmp(o->value, "FILE") == 0 || strcmp(o->value, "DIR") == 0 ? " -r"
                                                                            : " -x",
              to);
    if (o->choices && o->kind != OPT_MAY)
        fprintf(to, " -a '%s'", o->choices);
    fputs(" -d ", to);
    put_quoted(o->help, to);
    fputc('\n', to);
}

static void put_fish(const struct command *commands, FILE *to)
{
    fputs("# fish completion of larder; `larder complete fish` prints it.\n", to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, "complete -c larder -f -n __fish_use_subcommand -a %s -d ", c->name);
        put_quoted(c->summary, to);
        fputc('\n', to);
        fputs("complete -c larder -n '__fish_seen_subcommand_from ", to);
        fprintf(to, "%s%s%s' -a '", c->name, c->alias ? " " : "",
                c->alias ? c->alias : "");
        if (takes_names(c))
            fputs("(larder complete names 2> /dev/null)", to);
        put_literals(c, " ", to);
        if (strstr(c->arguments, "COMMAND"))
            put_commands(commands, to);
        fputs("'\n", to);
    }
    for (const struct option *o = cli_option; o->name; o++)
        put_fish_option(o, to);
}

int completion_write(const struct command *commands, const char *shell, FILE *to,
                     struct error *err)
{
    if (strcmp(shell, "bash") == 0)
        put_bash(commands, to);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(commands, to);
    else if (strcmp(shell, "fish") == 0)
        put_fish(commands, to);
    else
        return error_set(err, E_USAGE,
                         "there is no completion for %s; there is for bash, zsh and fish",
                         shell);
    return 0;
}
