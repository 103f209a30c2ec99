/*
 * What a project remembers between runs, mapped. Checksums keep made-up bytes out, so the
 * first byte may say that they are put right here: then all that is behind them is
 * reached. What was put in is there in the next process, whatever the file was.
 *
 *   first byte   1: the head is ours; 2: and the sums of the entries; 4: of the changes
 *   second byte  how many of 256 parts are the file; the others are FILE.more
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "flatfile.h"
#include "larder/checksum.h"
#include "larder/fs.h"
#include "place.h"
#include "state.h"

/* As docs/state.md has them. */
struct head {
    char magic[16];
    uint32_t byte_order, n;
    uint64_t size, id, sum;
};
struct entry {
    uint32_t name, name_size, value, size, day, sum;
};
struct more {
    uint32_t name_size, size, day, sum;
};
enum { HEAD = sizeof(struct head), MORE_HEAD = 24 };

static uint32_t sum_of(const uint8_t *name, size_t name_size, const uint8_t *value,
                       size_t size)
{
    uint64_t a = checksum(name, name_size), b = checksum(value, size);

    return (uint32_t)(a ^ (a >> 32) ^ (b * 3) ^ (b >> 31));
}

static void mend_entries(uint8_t *file, size_t n, uint32_t n_entries)
{
    for (uint32_t i = 0; i < n_entries && HEAD + (i + 1) * sizeof(struct entry) <= n;
         i++) {
        uint8_t *at = file + HEAD + i * sizeof(struct entry);
        struct entry e;

        memcpy(&e, at, sizeof e);
        if (e.name > n || e.name_size > n - e.name || e.value > n || e.size > n - e.value)
            continue;
        e.sum = sum_of(file + e.name, e.name_size, file + e.value, e.size);
        memcpy(at, &e, sizeof e);
    }
}

static void mend_head(uint8_t *file, size_t n, bool entries, uint64_t *id)
{
    struct head h;

    if (n < sizeof h)
        return;
    memcpy(&h, file, sizeof h);
    memcpy(h.magic, "larder-state 2\n", 16);
    h.byte_order = 0x01020304;
    h.size = n;
    if (h.n > (n - sizeof h) / sizeof(struct entry))
        h.n %= (n - sizeof h) / sizeof(struct entry) + 1;
    if (entries)
        mend_entries(file, n, h.n);
    h.sum = checksum(&h, offsetof(struct head, sum));
    memcpy(file, &h, sizeof h);
    *id = h.id;
}

static void mend_more(uint8_t *file, size_t n, uint64_t id)
{
    struct more m;

    if (n < MORE_HEAD)
        return;
    memcpy(file, "larder-more 1\n\0", 16);
    memcpy(file + 16, &id, sizeof id);
    for (size_t at = MORE_HEAD; n - at > sizeof m;) {
        size_t left = n - at - sizeof m;

        memcpy(&m, file + at, sizeof m);
        if (m.name_size >= left || m.size > left - m.name_size - 1)
            return;
        file[at + sizeof m + m.name_size] = '\0';
        m.sum = sum_of(file + at + sizeof m, m.name_size,
                       file + at + sizeof m + m.name_size + 1, m.size);
        memcpy(file + at, &m, sizeof m);
        at += sizeof m + m.name_size + 1 + m.size;
    }
}

static void look_at_state(const char *path)
{
    struct state *s = NULL;
    struct step_memory m;
    struct fs_state st;
    struct digest id = { { 0 } };

    if (state_open(&s, path, NULL) < 0)
        abort();
    state_step(s, "train", &m);
    state_object(s, &id, &st);
    state_seen_since_boot(s, &id);
    state_program_memory(s)->get(state_program_memory(s)->self, "/bin/sh");
    state_digest_file(s, path, &id, &st, NULL);
    state_close(s);
}

static void put_and_find(const char *path)
{
    struct flatfile *f = NULL;
    const void *found;
    size_t size;

    for (int pass = 0; pass < 3; pass++) {
        if (flatfile_open(&f, path, 1000, NULL) < 0)
            abort();
        found = flatfile_get(f, "put here", &size);
        if (pass > 0 && (!found || size != 5 || memcmp(found, "value", 5) != 0))
            abort();
        flatfile_get(f, "", &size);
        flatfile_get(f, "a", &size);
        flatfile_put(f, "put here", "value", 5);
        flatfile_put(f, pass ? "zz" : "0", "value", 5);
        if (flatfile_save(f, NULL) < 0)
            abort();
        flatfile_close(f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    size_t n_file;
    uint8_t *copy;
    uint64_t id = 0;
    struct buf path = { 0 };

    if (n < 2)
        return 0;
    copy = malloc(n);
    memcpy(copy, bytes, n);
    n_file = (n - 2) * copy[1] / 255;
    if (copy[0] & 1)
        mend_head(copy + 2, n_file, copy[0] & 2, &id);
    if (copy[0] & 4)
        mend_more(copy + 2 + n_file, n - 2 - n_file, id);
    place_file("state.more", copy + 2 + n_file, n - 2 - n_file);
    buf_adds(&path, place_file("state", copy + 2, n_file));
    look_at_state(path.s);
    put_and_find(path.s);
    buf_release(&path);
    free(copy);
    return 0;
}
