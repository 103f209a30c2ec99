#include "image/mdbfile.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "larder/buf.h"
#include "larder/fs.h"

static char folder[] = "/tmp/unit-mdbfile-XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_assert_eq(fs_remove_tree(folder, NULL), 0);
}

TestSuite(mdbfile, .init = make_folder, .fini = remove_folder);

static MDB_env *open_env(void)
{
    MDB_env *env;

    cr_assert_eq(mdb_env_create(&env), 0);
    cr_assert_eq(mdb_env_set_mapsize(env, 64 << 20), 0);
    cr_assert_eq(mdb_env_open(env, folder, MDB_NOLOCK | MDB_NOSYNC, 0644), 0);
    return env;
}

/* Puts, overwrites and deletes records of many sizes in no order, in many transactions,
 * so that the file has free pages, deep trees and overflow runs. */
static void write_history(void)
{
    MDB_env *env = open_env();
    char *bytes = calloc(1, 20000);
    uint32_t state = 99;

    for (int round = 0; round < 30; round++) {
        MDB_txn *txn;
        MDB_dbi table;

        cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
        cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &table), 0);
        for (int i = 0; i < 200; i++) {
            char key[64];
            MDB_val k = { 0, key }, v = { 0, bytes };

            state = state * 1664525 + 1013904223;
            k.mv_size = (size_t)snprintf(key, sizeof key, "%u-%.*s", (state >> 10) % 3000,
                                         (int)(state >> 28), "abcdefghijklmnop");
            v.mv_size = state % 7 == 0 ? (state >> 8) % 20000 : (state >> 8) % 300;
            memset(bytes, (int)(state >> 16), v.mv_size);
            if (state % 5 == 0)
                mdb_del(txn, table, &k, NULL);
            else
                cr_assert_eq(mdb_put(txn, table, &k, &v, 0), 0);
        }
        cr_assert_eq(mdb_txn_commit(txn), 0);
    }
    free(bytes);
    mdb_env_close(env);
}

static int compare_with_cursor(void *self, const struct mdbfile_item *item,
                               struct error *err)
{
    MDB_cursor *cursor = self;
    MDB_val k, v;

    if (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) != 0)
        return error_set(err, E_CORRUPT, "liblmdb has no more items");
    if (k.mv_size != item->key_size || memcmp(k.mv_data, item->key, k.mv_size) != 0 ||
        v.mv_size != item->value_size || memcmp(v.mv_data, item->value, v.mv_size) != 0)
        return error_set(err, E_CORRUPT, "liblmdb has another item");
    return 0;
}

Test(mdbfile, agrees_with_liblmdb_on_a_file_with_a_history)
{
    struct buf path = { 0 }, bytes = { 0 };
    struct error err = { 0 };
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    MDB_cursor *cursor;
    MDB_val k, v;

    write_history();
    fs_join(&path, folder, "data.mdb");
    cr_assert_eq(fs_read(buf_str(&path), &bytes, &err), 0);
    env = open_env();
    cr_assert_eq(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &table), 0);
    cr_assert_eq(mdb_cursor_open(txn, table, &cursor), 0);
    cr_assert_eq(mdbfile_read((const uint8_t *)bytes.s, bytes.len, compare_with_cursor,
                              cursor, &err),
                 0, "%s", err.text);
    cr_assert_eq(mdb_cursor_get(cursor, &k, &v, MDB_NEXT), MDB_NOTFOUND);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    buf_release(&bytes);
    buf_release(&path);
}

static volatile uint8_t sink; /* so that each byte is really read */

static int count_item(void *self, const struct mdbfile_item *item, struct error *err)
{

    (void)err;
    for (size_t i = 0; i < item->key_size; i++)
        sink ^= item->key[i];
    for (size_t i = 0; i < item->value_size; i++)
        sink ^= item->value[i];
    ++*(long *)self;
    return 0;
}

/* The bytes lie in a block of their exact size, so that the address sanitizer sees a step
 * outside. */
Test(mdbfile, mutated_bytes_are_refused_or_read_within_bounds)
{
    struct buf path = { 0 }, whole = { 0 };
    uint32_t state = 4711;
    long refused = 0;

    write_history();
    fs_join(&path, folder, "data.mdb");
    cr_assert_eq(fs_read(buf_str(&path), &whole, NULL), 0);
    for (int round = 0; round < 1000; round++) {
        size_t n = whole.len;
        uint8_t *bytes;
        long items = 0;

        if (round % 10 == 0)
            n = whole.len * (size_t)(round / 10) / 100;
        bytes = malloc(n + 1);
        memcpy(bytes + 1, whole.s, n);
        for (int k = 0; k < 12 && n > 0; k++) {
            size_t page, at;

            state = state * 1664525 + 1013904223;
            page = (state >> 8) % (whole.len / 4096) * 4096;
            state = state * 1664525 + 1013904223;
            at = page + (state >> 8) % 160;
            state = state * 1664525 + 1013904223;
            if (at < n)
                bytes[1 + at] = (uint8_t)(state >> 24);
        }
        refused += mdbfile_read(bytes + 1, n, count_item, &items, NULL) < 0;
        free(bytes);
    }
    cr_assert(refused > 500, "only %ld of 1000 were refused", refused);
    buf_release(&whole);
    buf_release(&path);
}
