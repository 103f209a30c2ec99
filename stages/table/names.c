#include "table/names.h"

#include <stdbool.h>

#include "larder/mem.h"

#include "larder/banned.h"

/* Takes the word at *text up to the next comma; *text moves behind it, NULL at the end.
 */
static char *next_word(char **text)
{
    char *word = *text, *comma = strchr(word, ',');

    if (comma != NULL)
        *comma++ = '\0';
    *text = comma;
    return word;
}

/* separator 0: plain words; else each word has one, and what follows it is printed. */
static int read_words(struct names *l, const char *text, char separator, bool once,
                      const char *what, struct error *err)
{
    char *rest;
    size_t cap = 0, printed_cap = 0;

    *l = (struct names){ .text = xstrdup(text) };
    rest = l->text[0] == '\0' ? NULL : l->text;
    while (rest != NULL) {
        char *word = next_word(&rest), *split = NULL;

        if (separator != 0) {
            split = strchr(word, separator);
            if (split == NULL || split[1] == '\0')
                return error_set(err, E_INPUT, "%s: \"%s\" in \"%s\" is not WORD%cWORD",
                                 what, word, text, separator);
            *split++ = '\0';
        }
        if (word[0] == '\0')
            return error_set(err, E_INPUT, "%s: an empty word in \"%s\"", what, text);
        if (once && names_find(l, word) >= 0)
            return error_set(err, E_INPUT, "%s: \"%s\" stands twice in \"%s\"", what,
                             word, text);
        GROW(l->word, l->n + 1, cap);
        GROW(l->printed, l->n + 1, printed_cap);
        l->word[l->n] = word;
        l->printed[l->n++] = split;
    }
    return 0;
}

int names_list(struct names *l, const char *text, const char *what, struct error *err)
{
    return read_words(l, text, 0, true, what, err);
}

int names_map(struct names *l, const char *text, const char *what, struct error *err)
{
    return read_words(l, text, '=', true, what, err);
}

int names_pairs(struct names *l, const char *text, const char *what, struct error *err)
{
    return read_words(l, text, ':', false, what, err);
}

void names_release(struct names *l)
{
    free(l->text);
    free(l->word);
    free(l->printed);
    *l = (struct names){ 0 };
}

int names_find(const struct names *l, const char *word)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->word[i], word) == 0)
            return (int)i;
    return -1;
}

const char *names_printed(const struct names *l, const char *word)
{
    int i = names_find(l, word);

    return i < 0 || l->printed[i] == NULL ? word : l->printed[i];
}
