/*
 * mix - a program for random recipes: each output says what the program was told and has
 * the bytes of its inputs. Built twice, as MIX_VERSION 1 and 2, which are two programs to
 * the engine: another identity, another result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIX_TEXT_OF(x) #x
#define MIX_TEXT(x) MIX_TEXT_OF(x)

static const char description[] =
    "{\"larder-program\": 1, \"name\": \"mix\", \"about\": \"mix texts\", \"identity\": "
    "\"sha256:"
    "000000000000000000000000000000000000000000000000000000000000000" MIX_TEXT(
        MIX_VERSION) "\", \"seed\": true,\n"
                     " \"inputs\": [{\"name\": \"text\", \"shape\": \"file\", \"help\": "
                     "\"a text\"},\n"
                     "  {\"name\": \"parts\", \"shape\": \"list\", \"optional\": true, "
                     "\"help\": \"more texts\"}],\n"
                     " \"outputs\": [{\"name\": \"mixed\", \"shape\": \"file\", "
                     "\"help\": \"all of it\"},\n"
                     "  {\"name\": \"size\", \"shape\": \"file\", \"help\": \"how much "
                     "that is\"}],\n"
                     " \"options\": [{\"name\": \"times\", \"type\": \"int\", \"min\": "
                     "1, \"max\": 9, \"default\": \"1\", \"help\": \"how often\"},\n"
                     "  {\"name\": \"scale\", \"type\": \"float\", \"default\": \"0.5\", "
                     "\"help\": \"a number\"},\n"
                     "  {\"name\": \"loud\", \"type\": \"bool\", \"default\": \"false\", "
                     "\"help\": \"a truth value\"},\n"
                     "  {\"name\": \"note\", \"type\": \"string\", \"default\": \"\", "
                     "\"help\": \"a text\"},\n"
                     "  {\"name\": \"mode\", \"type\": \"choice\", \"choices\": "
                     "[\"thin\", \"thick\"], \"default\": \"thin\", \"help\": \"a "
                     "choice\"}]}\n";

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static long copy(FILE *to, const char *path)
{
    FILE *from = fopen(path, "r");
    long n = 0;
    int c;

    must(from != NULL, path);
    while ((c = getc(from)) != EOF) {
        putc(c, to);
        n++;
    }
    fclose(from);
    return n;
}

/* A manifest: a line of columns, then a line an item, the last field of which is a path.
 */
static long copy_parts(FILE *to, const char *path)
{
    char line[4096], *end;
    FILE *list = fopen(path, "r");
    long n = 0;

    must(list != NULL && fgets(line, sizeof line, list), path);
    fputs(line, to);
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = '\0';
        end = strrchr(line, '\t');
        end = end ? end + 1 : line;
        fprintf(to, "%.*s|", (int)(end - line), line);
        n += copy(to, end);
    }
    fclose(list);
    return n;
}

static const char *value(int argc, char **argv, const char *name, const char *start)
{
    size_t n = strlen(name);

    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], name, n) && argv[i][n] == '=' &&
            !strncmp(argv[i] + n + 1, start, strlen(start)))
            return argv[i] + n + 1;
    return NULL;
}

int main(int argc, char **argv)
{
    const char *seed = getenv("LARDER_SEED"), *out, *parts;
    FILE *f;
    long n = 0;

    if (argc > 1 && strcmp(argv[1], "--describe") == 0)
        return fputs(description, stdout) < 0 || fflush(stdout) != 0;
    out = value(argc, argv, "mixed", "out/");
    must(out != NULL, "mixed=");
    f = fopen(out, "w");
    must(f != NULL, out);
    fprintf(f, "mix %d seed %s\n", MIX_VERSION, seed ? seed : "-");
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], "--", 2))
            fprintf(f, "%s\n", argv[i]);
    for (int i = atoi(value(argc, argv, "--times", "")); i > 0; i--)
        n += copy(f, value(argc, argv, "text", "in/"));
    parts = value(argc, argv, "parts", "in/");
    if (parts)
        n += copy_parts(f, parts);
    must(fclose(f) == 0, out);
    out = value(argc, argv, "size", "out/");
    f = out ? fopen(out, "w") : NULL;
    must(f != NULL, "size=");
    fprintf(f, "%ld\n", n);
    return fclose(f) != 0;
}
