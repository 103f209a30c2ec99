#include "shell.h"

#include <string.h>

#include "larder/banned.h"

void shell_add_word(struct buf *to, const char *s)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789@%+=:,./-_";

    if (*s && !s[strspn(s, plain)]) {
        buf_adds(to, s);
        return;
    }
    buf_addc(to, '\'');
    for (; *s; s++)
        buf_adds(to, *s == '\'' ? "'\\''" : (char[]){ *s, '\0' });
    buf_addc(to, '\'');
}
