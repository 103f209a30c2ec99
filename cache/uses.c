#include "uses.h"

#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"
#include "larder/io.h"
#include "layout.h"

#include "larder/banned.h"

const char *const use_word[] = {
    [USE_KEY] = "key", [USE_FILE] = "file", [USE_TREE] = "tree"
};

/* The first two lines, which are of one length but for the time. */
static bool read_head(struct use_list *l, const char *text)
{
    static const char first[] = FORMAT_USE "\nlist ";
    const char *p = text + strlen(first);
    char *end;

    if (strncmp(text, first, strlen(first)) != 0 ||
        strspn(p, "0123456789abcdef") != USE_NAME_SIZE ||
        strncmp(p + USE_NAME_SIZE, " since ", 7) != 0)
        return false;
    memcpy(l->id, p, USE_NAME_SIZE);
    l->id[USE_NAME_SIZE] = '\0';
    l->since = strtoll(p + USE_NAME_SIZE + 7, &end, 10);
    l->at = (size_t)(end - text) + 1;
    return *end == '\n';
}

/* Whether both lines are there; a kill may leave less, and then nothing was noted. */
static bool has_head(const char *text)
{
    const char *end = strchr(text, '\n');

    return end && strchr(end + 1, '\n');
}

int use_list_open(struct use_list *l, const char *path)
{
    char head[128];
    struct stat s;
    ssize_t n;

    *l = (struct use_list){ .fd = io_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0) };
    if (l->fd < 0 || io_fstat(l->fd, &s) < 0)
        return -1;
    l->used = (long long)s.st_mtim.tv_sec * 1000000000LL + s.st_mtim.tv_nsec;
    n = io_pread(l->fd, head, sizeof head - 1, 0);
    if (n < 0)
        return -1;
    head[n] = '\0';
    if (read_head(l, head))
        return 0;
    return s.st_size >= (off_t)sizeof head || has_head(head) ? USE_LIST_NONE
                                                             : USE_LIST_EMPTY;
}

/* "key 9f86...": what the line says; false where that is nothing. */
static bool read_line(const char *line, enum use_kind *kind, struct digest *id)
{
    for (int k = USE_KEY; k <= USE_TREE; k++) {
        size_t n = strlen(use_word[k]);

        *kind = (enum use_kind)k;
        if (!strncmp(line, use_word[k], n) && line[n] == ' ')
            return layout_is_digest(line + n + 1, id);
    }
    return false;
}

int use_list_read(struct use_list *l, use_list_visit *f, void *self)
{
    struct buf text = { 0 };
    int rc = io_lseek(l->fd, (off_t)l->at, SEEK_SET) < 0 ? -1 : fs_read_fd(l->fd, &text);
    char *line = text.s;

    for (char *end; rc == 0 && line && (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        enum use_kind kind;
        struct digest id;

        *end = '\0';
        if (read_line(line, &kind, &id))
            f(self, kind, &id);
        l->at += (size_t)(end - line) + 1;
    }
    buf_release(&text);
    return rc;
}

void use_list_close(struct use_list *l)
{
    if (l->fd >= 0)
        io_close(l->fd);
    l->fd = -1;
}
