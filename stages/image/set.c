#include "image/set.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/mdbfile.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* docs/image-set.md, the value of a picture: this header, then pixels or a file. */
enum {
    HEADER_SIZE = 16,
    HEADER_PIXELS = 1,
    HEADER_FILE = 2,
    NAME_MAX_SIZE = 511, /* LMDB's limit for a key */
};

/* Constants of the format: they are in the bytes. */
enum { COMMIT_EVERY = 1000 };
#define MAP_SIZE_UNIT (256LL << 20)

struct shard {
    void *bytes; /* the mapped file */
    size_t size;
};

struct item {
    const char *name;     /* in the arena */
    const uint8_t *value; /* in a shard; its header has been checked */
    size_t size;
};

struct imageset {
    char *path;
    /* reading */
    bool files; /* pictures kept as files are welcome */
    struct arena names;
    struct shard *shard;
    size_t n_shards;
    struct item *item; /* sorted by name */
    size_t n, cap;
    long next;
    /* writing */
    bool unfinished; /* made here and not committed */
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    long n_written;
    struct buf last_name;
};

static void put_u16(uint8_t *to, unsigned x)
{
    to[0] = (uint8_t)x;
    to[1] = (uint8_t)(x >> 8);
}

static void put_u32(uint8_t *to, uint32_t x)
{
    put_u16(to, x & 0xffff);
    put_u16(to + 2, x >> 16);
}

static unsigned get_u16(const uint8_t *from)
{
    return from[0] | (unsigned)from[1] << 8;
}

static int32_t get_i32(const uint8_t *from)
{
    return (int32_t)(get_u16(from) | (uint32_t)get_u16(from + 2) << 16);
}

/* A name goes into tables: no control characters. */
static bool is_name(const void *bytes, size_t n)
{
    const unsigned char *s = bytes;

    for (size_t i = 0; i < n; i++)
        if (s[i] < 0x20 || s[i] == 0x7f)
            return false;
    return n > 0 && n <= NAME_MAX_SIZE;
}

/* What a value of at least the header says; the rest is borrowed. */
static void read_value(const uint8_t *value, size_t size, struct image *im)
{
    *im = (struct image){
        .channels = value[3],
        .width = (int)get_u16(value + 4),
        .height = (int)get_u16(value + 6),
        .label = get_i32(value + 8),
        .texture = get_i32(value + 12),
    };
    if (value[2] == HEADER_FILE) {
        im->file = value + HEADER_SIZE;
        im->file_bytes = size - HEADER_SIZE;
    } else {
        im->pixel = (uint8_t *)value + HEADER_SIZE;
    }
}

static void write_header(const struct image *im, uint8_t to[HEADER_SIZE])
{
    to[0] = 'L';
    to[1] = 'I';
    to[2] = im->file != NULL ? HEADER_FILE : HEADER_PIXELS;
    to[3] = (uint8_t)im->channels;
    put_u16(to + 4, (unsigned)im->width);
    put_u16(to + 6, (unsigned)im->height);
    put_u32(to + 8, (uint32_t)im->label);
    put_u32(to + 12, (uint32_t)im->texture);
}

static bool is_picture(const uint8_t *value, size_t size)
{
    struct image im;

    if (size < HEADER_SIZE || value[0] != 'L' || value[1] != 'I' ||
        (value[2] != HEADER_PIXELS && value[2] != HEADER_FILE))
        return false;
    read_value(value, size, &im);
    return (im.channels == 1 || im.channels == 3) && im.width > 0 && im.height > 0 &&
           im.label >= -1 && im.texture >= -1 &&
           (im.file != NULL ? im.file_bytes > 0 : size - HEADER_SIZE == image_bytes(&im));
}

/* Reading */

static int add_item(void *self, const struct mdbfile_item *found, struct error *err)
{
    struct imageset *set = self;
    struct item *item;

    if (!is_name(found->key, found->key_size))
        return error_set(err, E_CORRUPT, "picture %zu has no proper name", set->n);
    GROW(set->item, set->n + 1, set->cap);
    item = &set->item[set->n++];
    item->name = arena_strndup(&set->names, (const char *)found->key, found->key_size);
    item->value = found->value;
    item->size = found->value_size;
    if (!is_picture(item->value, item->size))
        return error_set(err, E_CORRUPT, "\"%s\" is not a picture of version %d or %d",
                         item->name, HEADER_PIXELS, HEADER_FILE);
    if (item->value[2] == HEADER_FILE && !set->files)
        return error_set(err, E_INPUT,
                         "\"%s\" is kept as a file, which this program does not read",
                         item->name);
    return 0;
}

static int map_file(struct shard *s, const char *path, struct error *err)
{
    struct stat st;
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_system(err, "%s", path);
    if (fstat(fd, &st) < 0) {
        rc = error_system(err, "%s", path);
    } else if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        rc = error_set(err, E_INPUT, "%s: empty, or not a file", path);
    } else {
        s->size = (size_t)st.st_size;
        s->bytes = mmap(NULL, s->size, PROT_READ, MAP_SHARED, fd, 0);
        if (s->bytes == MAP_FAILED) {
            s->bytes = NULL;
            rc = error_system(err, "%s: mapping it", path);
        }
    }
    close(fd);
    return rc;
}

/* Adds the pictures of one LMDB folder. */
static int add_shard(struct imageset *set, const char *folder, struct error *err)
{
    struct shard *s;
    struct buf file = { 0 };
    int rc;

    set->shard = xrealloc(set->shard, (set->n_shards + 1) * sizeof *set->shard);
    s = &set->shard[set->n_shards++];
    *s = (struct shard){ 0 };
    fs_join(&file, folder, "data.mdb");
    rc = map_file(s, buf_str(&file), err);
    if (rc == 0) {
        rc = mdbfile_read(s->bytes, s->size, add_item, set, err);
        if (rc < 0)
            error_context(err, "%s", buf_str(&file));
    }
    buf_release(&file);
    return rc;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* Adds the folders 00, 01, ... of a sharded set and brings the names into one order. */
static int add_shards(struct imageset *set, const char *path, struct error *err)
{
    struct buf folder = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc = fs_list(path, &name, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++) {
        if (name[i][strspn(name[i], "0123456789")] != '\0') {
            rc = error_set(err, E_INPUT, "%s: not an image set: \"%s\" is in it", path,
                           name[i]);
        } else {
            buf_reset(&folder);
            fs_join(&folder, path, name[i]);
            rc = add_shard(set, buf_str(&folder), err);
        }
    }
    if (rc == 0 && n == 0)
        rc = error_set(err, E_INPUT, "%s: not an image set: the folder is empty", path);
    if (rc == 0 && set->n > 1)
        qsort(set->item, set->n, sizeof *set->item, compare_items);
    for (size_t i = 1; i < set->n && rc == 0; i++)
        if (compare_items(&set->item[i - 1], &set->item[i]) == 0)
            rc = error_set(err, E_CORRUPT, "%s: \"%s\" is in two shards", path,
                           set->item[i].name);
    free(name);
    buf_release(&folder);
    return rc;
}

static int open_set(struct imageset **set, const char *path, bool files,
                    struct error *err)
{
    struct imageset *s = xcalloc(1, sizeof *s);
    struct buf file = { 0 };
    int rc;

    s->files = files;
    s->path = xstrdup(path);
    fs_join(&file, path, "data.mdb");
    rc = fs_exists(buf_str(&file)) ? add_shard(s, path, err) : add_shards(s, path, err);
    buf_release(&file);
    if (rc < 0) {
        imageset_close(s);
        s = NULL;
    }
    *set = s;
    return rc;
}

int imageset_open(struct imageset **set, const char *path, struct error *err)
{
    return open_set(set, path, false, err);
}

int imageset_open_files(struct imageset **set, const char *path, struct error *err)
{
    return open_set(set, path, true, err);
}

long imageset_size(const struct imageset *set)
{
    return (long)set->n;
}

int imageset_get(const struct imageset *set, long i, struct image *im, struct error *err)
{
    if (i < 0 || i >= imageset_size(set))
        return error_set(err, E_INPUT, "%s: no picture %ld among %ld", set->path, i,
                         imageset_size(set));
    read_value(set->item[i].value, set->item[i].size, im);
    im->name = set->item[i].name;
    return 0;
}

long imageset_find(const struct imageset *set, const char *name)
{
    struct item wanted = { .name = name };
    struct item *found = NULL;

    if (set->n > 0)
        found = bsearch(&wanted, set->item, set->n, sizeof wanted, compare_items);
    return found != NULL ? found - set->item : -1;
}

int imageset_next(struct imageset *set, struct image *im, struct error *err)
{
    if (set->next >= imageset_size(set))
        return IMAGESET_END;
    return imageset_get(set, set->next++, im, err);
}

int imageset_shape(const struct imageset *set, int *width, int *height, int *channels,
                   struct error *err)
{
    struct image first, im;

    if (set->n == 0)
        return error_set(err, E_INPUT, "%s: a set without pictures", set->path);
    read_value(set->item[0].value, set->item[0].size, &first);
    for (size_t i = 1; i < set->n; i++) {
        read_value(set->item[i].value, set->item[i].size, &im);
        if (im.width != first.width || im.height != first.height ||
            im.channels != first.channels)
            return error_set(err, E_INPUT, "%s: \"%s\" is %dx%dx%d, \"%s\" is %dx%dx%d",
                             set->path, set->item[0].name, first.width, first.height,
                             first.channels, set->item[i].name, im.width, im.height,
                             im.channels);
    }
    *width = first.width;
    *height = first.height;
    *channels = first.channels;
    return 0;
}

static void add_sized(struct hasher *h, const void *bytes, size_t n)
{
    uint8_t size[4];

    put_u32(size, (uint32_t)n);
    hasher_add(h, size, sizeof size);
    hasher_add(h, bytes, n);
}

void imageset_digest(const struct imageset *set, struct digest *id)
{
    struct hasher *h = hasher_new();

    for (size_t i = 0; i < set->n; i++) {
        add_sized(h, set->item[i].name, strlen(set->item[i].name));
        add_sized(h, set->item[i].value, set->item[i].size);
    }
    hasher_finish(h, id);
    hasher_free(h);
}

/* Writing */

static int lmdb_failed(const struct imageset *set, int code, struct error *err)
{
    if (code == MDB_MAP_FULL)
        return error_set(err, E_INPUT, "%s: more pictures than were announced",
                         set->path);
    return error_set(err, E_SYSTEM, "%s: %s", set->path, mdb_strerror(code));
}

/* Room for the worst case, long values that just miss half a page. */
static size_t map_size(long long payload)
{
    long long need = 3 * payload + MAP_SIZE_UNIT / 4;

    return (size_t)((need + MAP_SIZE_UNIT - 1) / MAP_SIZE_UNIT * MAP_SIZE_UNIT);
}

static int open_environment(struct imageset *set, long long payload, struct error *err)
{
    int code = mdb_env_create(&set->env);

    if (code == 0)
        code = mdb_env_set_mapsize(set->env, map_size(payload));
    if (code == 0)
        code = mdb_env_open(set->env, set->path, MDB_NOSYNC | MDB_NOLOCK, 0644);
    if (code == 0)
        code = mdb_txn_begin(set->env, NULL, 0, &set->txn);
    if (code == 0)
        code = mdb_dbi_open(set->txn, NULL, 0, &set->table);
    return code == 0 ? 0 : lmdb_failed(set, code, err);
}

int imageset_create(struct imageset **set, const char *path, long long payload,
                    struct error *err)
{
    struct imageset *s = xcalloc(1, sizeof *s);
    char **name = NULL;
    size_t n = 0;
    int rc;

    assert(payload >= 0 && payload <= 1LL << 50);
    s->path = xstrdup(path);
    rc = fs_mkdirs(path, err);
    if (rc == 0)
        rc = fs_list(path, &name, &n, err);
    free(name);
    if (rc == 0 && n > 0)
        rc = error_set(err, E_INPUT, "%s: the folder for a new set is not empty", path);
    s->unfinished = rc == 0;
    if (rc == 0)
        rc = open_environment(s, payload, err);
    if (rc < 0) {
        imageset_close(s);
        s = NULL;
    }
    *set = s;
    return rc;
}

/* Room for a value of a picture in its page, which it is written into. */
static int put_picture(struct imageset *set, const struct image *im)
{
    const void *bytes = im->file != NULL ? im->file : im->pixel;
    size_t n = im->file != NULL ? im->file_bytes : image_bytes(im);
    MDB_val key = { strlen(im->name), (void *)im->name };
    MDB_val value = { HEADER_SIZE + n, NULL };
    int code = mdb_put(set->txn, set->table, &key, &value, MDB_APPEND | MDB_RESERVE);

    if (code == 0) {
        write_header(im, value.mv_data);
        memcpy((uint8_t *)value.mv_data + HEADER_SIZE, bytes, n);
        assert(is_picture(value.mv_data, value.mv_size));
    }
    return code;
}

int imageset_append(struct imageset *set, const struct image *im, struct error *err)
{
    int code;

    assert(set->txn != NULL);
    if (!is_name(im->name, strlen(im->name)))
        return error_set(err, E_INPUT, "%s: \"%.100s\" cannot be a picture's name",
                         set->path, im->name);
    if (set->n_written > 0 && strcmp(buf_str(&set->last_name), im->name) >= 0)
        return error_set(err, E_INPUT, "%s: \"%s\" comes after \"%s\", out of order",
                         set->path, im->name, buf_str(&set->last_name));
    buf_reset(&set->last_name);
    buf_adds(&set->last_name, im->name);
    code = put_picture(set, im);
    if (code == 0 && ++set->n_written % COMMIT_EVERY == 0) {
        code = mdb_txn_commit(set->txn);
        set->txn = NULL;
        if (code == 0)
            code = mdb_txn_begin(set->env, NULL, 0, &set->txn);
    }
    return code == 0 ? 0 : lmdb_failed(set, code, err);
}

int imageset_commit(struct imageset *set, struct error *err)
{
    int code;

    assert(set->txn != NULL);
    code = mdb_txn_commit(set->txn);
    set->txn = NULL;
    if (code == 0)
        code = mdb_env_sync(set->env, 1);
    set->unfinished = code != 0;
    return code == 0 ? 0 : lmdb_failed(set, code, err);
}

void imageset_close(struct imageset *set)
{
    if (set == NULL)
        return;
    if (set->txn != NULL)
        mdb_txn_abort(set->txn);
    if (set->env != NULL)
        mdb_env_close(set->env);
    if (set->unfinished)
        fs_remove_tree(set->path, NULL);
    buf_release(&set->last_name);
    free(set->item);
    for (size_t i = 0; i < set->n_shards; i++)
        if (set->shard[i].bytes != NULL)
            munmap(set->shard[i].bytes, set->shard[i].size);
    free(set->shard);
    arena_release(&set->names);
    free(set->path);
    free(set);
}
