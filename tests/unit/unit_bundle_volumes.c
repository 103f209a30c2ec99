/* A bundle that is divided into files of a certain size. */
#include "bundle_scene.h"

/* A record of a folder of that many files that do not compress. */
static void make_large(struct scene *s, size_t n)
{
    char path[200];
    struct error err = { 0 };

    record_free(s->rec);
    snprintf(path, sizeof path, "%s/large", s->l->a->dir);
    cr_assert_eq(mkdir(path, 0755), 0);
    for (size_t i = 0; i < n; i++) {
        unsigned char bytes[3200];

        for (size_t k = 0; k < sizeof bytes; k += DIGEST_SIZE) {
            struct digest d;
            const size_t seed[] = { i, k };

            digest_bytes(&d, seed, sizeof seed);
            memcpy(bytes + k, d.byte, DIGEST_SIZE);
        }
        snprintf(path, sizeof path, "%s/large/%03zu", s->l->a->dir, i);
        cr_assert_eq(fs_write(path, bytes, sizeof bytes, false, &err), 0);
    }
    snprintf(path, sizeof path, "%s/large", s->l->a->dir);
    cr_assert_eq(store_add(s->l->a->st, path, OBJECT_TREE, false, &s->o[0], &err), 0);
    s->rec = make_record(KEY "option large bool true\n", s->o, 2);
    cr_assert_eq(store_record(s->l->a->st, s->rec, false, &err), 0);
}

Test(bundle_volumes, volumes_are_as_small_as_asked_and_fit_in_any_order)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    char **file, *first;
    size_t n;

    make_large(s, 40);
    file = pack_volumes(s, 20000, &n);
    cr_assert(n > 5 && n < 20, "%zu", n);
    for (size_t i = 0; i < n; i++) {
        struct stat st;

        cr_assert_eq(stat(file[i], &st), 0);
        cr_assert(st.st_size <= 20000 && (i == n - 1 || st.st_size > 5000), "%zu: %lld",
                  i, (long long)st.st_size);
    }
    cr_assert(strstr(file[1], "/x.002.tar.zst"), "%s", file[1]);
    first = file[0];
    file[0] = file[3];
    file[3] = first;
    cr_assert_eq(
        read_files(s->l->b->st, s->l->trust, (const char *const *)file, n, &sum, &err), 0,
        "%s", err.text);
    cr_assert(sum.n_missing == 0 && sum.n_trusted == 1);
    cr_assert_eq(store_check(s->l->b->st, &s->o[0], true, NULL, &err), OBJECT_FINE);
    cr_assert(has_record(s));
    for (size_t i = 0; i < n; i++)
        free(file[i]);
    free(file);
    scene_free(s);
}

Test(bundle_volumes, a_volume_that_is_missing_is_told_and_may_come_later)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    char **file;
    size_t n;

    make_large(s, 40);
    file = pack_volumes(s, 20000, &n);
    cr_assert_eq(read_files(s->l->b->st, s->l->trust, (const char *const *)file, n - 1,
                            &sum, &err),
                 0, "%s", err.text);
    cr_assert_eq(sum.n_missing, 1);
    cr_assert(has_record(s));
    cr_assert_eq(store_check(s->l->b->st, &s->o[0], true, NULL, &err), OBJECT_ABSENT);
    cr_assert_eq(read_files(s->l->b->st, s->l->trust, (const char *const *)file + n - 1,
                            1, &sum, &err),
                 0, "%s", err.text);
    cr_assert_eq(sum.n_missing, n - 1);
    cr_assert_eq(store_check(s->l->b->st, &s->o[0], true, NULL, &err), OBJECT_FINE);
    for (size_t i = 0; i < n; i++)
        free(file[i]);
    free(file);
    scene_free(s);
}

Test(bundle_volumes, what_fits_into_no_volume_is_refused_with_the_size_that_does)
{
    struct scene *s = scene_new();
    struct error err = { 0 };
    struct bundle *b;
    const char *says;
    size_t before;

    make_large(s, 3);
    before = n_files(s->l->a->dir);
    b = new_bundle(s, 8000);
    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), E_USAGE);
    bundle_free(b);
    cr_assert_eq(n_files(s->l->a->dir), before);
    says = strstr(err.text, "--max-size=");
    cr_assert_not_null(says, "%s", err.text);
    b = new_bundle(s, strtol(says + 11, NULL, 10));
    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), 0, "%s", err.text);
    bundle_free(b);
    scene_free(s);
}
