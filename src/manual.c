#include "manual.h"

#include <ctype.h>
#include <string.h>

#include "larder/banned.h"

/* Text as mdoc takes it: no line begins with a control character, a sentence begins a
 * line, and backslashes and hyphens stand for themselves. */
static void put_text(const char *s, FILE *to)
{
    bool fresh = true;

    for (; *s; s++) {
        if (s[0] == '.' && s[1] == ' ' && !fresh) {
            fputs(".\n", to);
            s++;
            fresh = true;
            continue;
        }
        if (fresh && (*s == '.' || *s == '\''))
            fputs("\\&", to);
        fresh = *s == '\n';
        if (*s == '\\')
            fputs("\\e", to);
        else if (*s == '-')
            fputs("\\-", to);
        else
            fputc(*s, to);
    }
}

/* The same as an argument of a macro: words that look like macros or punctuation are
 * none. */
static void put_word(const char *s, FILE *to)
{
    fputs("\\&", to);
    for (; *s; s++)
        if (*s == '"')
            fputs("\\(dq", to);
        else
            put_text((const char[]){ *s, '\0' }, to);
}

static void put_heading(const char *title, const char *name, const char *summary,
                        FILE *to)
{
    fprintf(to,
            ".\\\" Made by `larder help --man` from the tables of src/command.c\n"
            ".\\\" and src/cli.c.\n"
            ".Dd " LARDER_DATE "\n.Dt %s 1\n.Os Larder " LARDER_VERSION "\n"
            ".Sh NAME\n.Nm %s\n.Nd ",
            title, name);
    put_text(summary, to);
    fputc('\n', to);
}

static void put_option(const struct option *o, FILE *to)
{
    fputs(".It ", to);
    if (o->letter)
        fprintf(to, "Fl %c%s", o->letter, o->value ? " " : "");
    if (o->letter && o->value)
        fprintf(to, "Ar %s", o->value);
    fprintf(to, "%sFl \\-%s", o->letter ? " , " : "", o->name);
    if (o->value && o->kind == OPT_MAY)
        fprintf(to, " Ns Op = Ns Ar %s", o->value);
    else if (o->value)
        fprintf(to, " Ns = Ns Ar %s", o->value);
    fputc('\n', to);
    put_text(o->help, to);
    fputs(".\n", to);
}

/* The options of a command, its own or those that all have; of NULL, all. */
static void put_options(const struct command *c, bool own, FILE *to)
{
    bool any = false;

    for (const struct option *o = cli_option; o->name; o++) {
        if (c && (!cli_takes(c, o) || (o->commands != NULL) != own))
            continue;
        if (!any)
            fputs(".Bl -tag -width Ds\n", to);
        any = true;
        put_option(o, to);
    }
    fputs(any ? ".El\n" : "It has none of its own.\n", to);
}

static void put_exit_statuses(FILE *to)
{
    fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", to);
    for (const struct exit_status *e = cli_exit_status; e->meaning; e++) {
        fprintf(to, ".It %d\n", e->status);
        put_text(e->meaning, to);
        fputc('\n', to);
    }
    fputs(".El\n", to);
}

void manual_overview(const struct command *commands, FILE *to)
{
    put_heading("LARDER", "larder", "run the steps of a recipe whose results are missing",
                to);
    fputs(".Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n.Op Ar arguments\n"
          ".Sh DESCRIPTION\n"
          "A recipe,\n.Pa larder.yaml ,\n"
          "says what is computed from what.\n.Nm\n"
          "runs the steps whose results are not in the cache yet.\n"
          "A step runs again only when its program, its options or the content of its "
          "inputs is another.\n"
          ".Sh COMMANDS\n.Bl -tag -width Ds\n",
          to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, ".It Xr larder-%s 1\n", c->name);
        put_text(c->summary, to);
        fputs(".\n", to);
    }
    fputs(".El\n.Sh OPTIONS\nThey may stand before or after the command; not every "
          "command\n"
          "takes each.\n",
          to);
    put_options(NULL, false, to);
    fputs(
        ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
        ".It Ev LARDER_CACHE\nThe folder of the cache, by default\n"
        ".Pa $XDG_CACHE_HOME/larder\nor\n.Pa ~/.cache/larder .\n"
        ".It Ev LARDER_PROGRAMS\nFolders with programs of your own, with colons "
        "between.\n"
        ".It Ev LARDER_REMOTE\nRemotes, with blanks between, in the place of those of "
        "the\n"
        "settings.\n"
        ".It Ev LARDER_JOBS , LARDER_LINK , ...\nSettings; see\n.Xr larder-config 1 .\n"
        ".It Ev NO_COLOR\nNo colours.\n.El\n"
        ".Sh FILES\n.Bl -tag -width Ds\n"
        ".It Pa larder.yaml\nThe recipe.\n"
        ".It Pa larder.conf , .larder/config , ~/.config/larder/config , "
        "/etc/larder/config\n"
        "Settings.\n"
        ".It Pa larder.lock\nDigests of imports that were found first.\n"
        ".It Pa larder.trust\nWhose results the project takes.\n"
        ".It Pa .larder/\nWhat is remembered of the project; losing it costs time only.\n"
        ".El\n",
        to);
    put_exit_statuses(to);
}

void manual_command(const struct command *c, FILE *to)
{
    char title[32] = "LARDER-", name[32];
    size_t at = strlen(title);

    snprintf(name, sizeof name, "larder-%s", c->name);
    for (const char *s = c->name; *s && at + 1 < sizeof title; s++)
        title[at++] = (char)toupper((unsigned char)*s);
    title[at] = '\0';
    put_heading(title, name, c->summary, to);
    fprintf(to, ".Sh SYNOPSIS\n.Nm larder %s\n", c->name);
    if (c->arguments[0]) {
        fputs(".Ar ", to);
        put_word(c->arguments, to);
        fputc('\n', to);
    }
    fputs(".Sh DESCRIPTION\n", to);
    put_text(c->help, to);
    fputc('\n', to);
    if (c->alias)
        fprintf(to, ".Pp\n.Nm larder %s\nis the same.\n", c->alias);
    fputs(".Sh OPTIONS\n", to);
    put_options(c, true, to);
    fputs(".Pp\nOptions of every command:\n", to);
    put_options(c, false, to);
    fputs(".Sh SEE ALSO\n.Xr larder 1\n", to);
}
