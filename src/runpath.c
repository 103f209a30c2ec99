#include "runpath.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/fs.h"

/* CUDA is for machines of 64 bits. */
enum { TEXT_MAX = 1 << 14 };

static bool read_at(int fd, size_t at, void *to, size_t n)
{
    return pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

/* The header of the i-th segment; false behind the last. */
static bool segment(int fd, const Elf64_Ehdr *file, size_t i, Elf64_Phdr *s)
{
    return i < file->e_phnum && read_at(fd, file->e_phoff + i * sizeof *s, s, sizeof *s);
}

/* Where in the file that lies which is loaded at this address. */
static bool place_of(int fd, const Elf64_Ehdr *file, Elf64_Addr address, size_t *at)
{
    Elf64_Phdr s;

    for (size_t i = 0; segment(fd, file, i, &s); i++)
        if (s.p_type == PT_LOAD && address - s.p_vaddr < s.p_filesz) {
            *at = address - s.p_vaddr + s.p_offset;
            return true;
        }
    return false;
}

static bool read_header(int fd, Elf64_Ehdr *file)
{
    return read_at(fd, 0, file, sizeof *file) &&
           !memcmp(file->e_ident, ELFMAG, SELFMAG) &&
           file->e_ident[EI_CLASS] == ELFCLASS64 &&
           file->e_phentsize == sizeof(Elf64_Phdr);
}

static bool find_dynamic(int fd, const Elf64_Ehdr *file, Elf64_Phdr *s)
{
    for (size_t i = 0; segment(fd, file, i, s); i++)
        if (s->p_type == PT_DYNAMIC)
            return true;
    return false;
}

/* Where in the file the text of the run path begins. As the loader has it, DT_RPATH holds
 * only where there is no DT_RUNPATH. */
static bool find_text(int fd, size_t *at)
{
    Elf64_Ehdr file;
    Elf64_Phdr s;
    Elf64_Dyn d;
    Elf64_Addr strings = 0, runpath = 0, rpath = 0;

    if (!read_header(fd, &file) || !find_dynamic(fd, &file, &s))
        return false;
    for (size_t i = 0; i < s.p_filesz / sizeof d; i++) {
        if (!read_at(fd, s.p_offset + i * sizeof d, &d, sizeof d) || d.d_tag == DT_NULL)
            break;
        if (d.d_tag == DT_STRTAB)
            strings = d.d_un.d_ptr;
        else if (d.d_tag == DT_RUNPATH)
            runpath = d.d_un.d_val;
        else if (d.d_tag == DT_RPATH)
            rpath = d.d_un.d_val;
    }
    rpath = runpath ? runpath : rpath;
    return rpath && place_of(fd, &file, strings + rpath, at);
}

/* text, $ORIGIN and ${ORIGIN} being the folder of path. */
static void add_folders(const char *text, const char *path, struct buf *to)
{
    static const char *const name[] = { "$ORIGIN", "${ORIGIN}" };

    while (*text) {
        size_t n = 0;

        for (size_t i = 0; i < 2 && n == 0; i++)
            if (!strncmp(text, name[i], strlen(name[i])))
                n = strlen(name[i]);
        if (n)
            fs_dirname(to, path);
        else
            buf_addc(to, *text);
        text += n ? n : 1;
    }
}

void runpath_of(const char *path, struct buf *folders)
{
    char text[TEXT_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t at = 0;
    ssize_t n;

    if (fd < 0)
        return;
    n = find_text(fd, &at) ? pread(fd, text, sizeof text - 1, (off_t)at) : 0;
    text[n > 0 ? n : 0] = '\0';
    add_folders(text, path, folders);
    close(fd);
}
