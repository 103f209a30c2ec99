/*
 * export-decisions - answers to cue-conflict pictures as bethgelab/model-vs-human keeps
 * them.
 *
 * in   answers    list of the answers of networks to one set (cue)
 *      classes    TSV with the columns class and coarse, as cue had it
 * out  decisions  for each network a file DATASET_NETWORK_session-1.csv, with a line for
 *                 every picture, whatever was answered
 *
 * A network is called by its axes, joined by "-". That project finds the class of the
 * texture in a picture's name: after the last "_" and the last "-", without digits. What
 * it would find is what a class is called here, and added to the name where it is not
 * there: cat1-dog2 is cat1-dog2.png, test-000001 test-000001-dog.png.
 */
#include <ctype.h>
#include <string.h>

#include "kit/stage.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "learn/cue.h"
#include "table/records.h"

#include "larder/banned.h"

enum { MOST_CLASSES = 1 << 20 };

struct options {
    const char *answers, *classes, *decisions, *dataset;
};

/* All-zero is empty. */
struct work {
    const struct options *o;
    struct records records;
    struct coarse coarse;
    char **word; /* of each coarse class */
};

/* ---- names ---- */

/* What model-vs-human reads off the name of a picture. New. */
static char *texture_of(const char *name)
{
    const char *last = strrchr(name, '_');
    struct buf word = { 0 }, stem = { 0 };

    last = last != NULL ? last + 1 : name;
    buf_add(&stem, last, strcspn(last, "."));
    last = strrchr(buf_str(&stem), '-');
    for (last = last != NULL ? last + 1 : buf_str(&stem); *last != '\0'; last++)
        if (!isdigit((unsigned char)*last))
            buf_addc(&word, *last);
    buf_release(&stem);
    buf_addc(&word, '\0');
    return buf_take(&word);
}

static int name_classes(struct work *w, struct error *err)
{
    const struct coarse *c = &w->coarse;

    w->word = xcalloc((size_t)c->n + 1, sizeof *w->word);
    for (int i = 0; i < c->n; i++) {
        w->word[i] = texture_of(c->name[i]);
        if (w->word[i][0] == '\0' || strpbrk(w->word[i], ",\"") != NULL)
            return error_set(err, E_INPUT,
                             "%s: \"%s\" is no name that model-vs-human reads",
                             w->o->classes, c->name[i]);
        for (int k = 0; k < i; k++)
            if (strcmp(w->word[i], w->word[k]) == 0)
                return error_set(err, E_INPUT,
                                 "%s: \"%s\" and \"%s\" are one name to model-vs-human",
                                 w->o->classes, c->name[k], c->name[i]);
    }
    return 0;
}

/* Of record i: its axes, joined. */
static int add_network(struct buf *to, const struct work *w, size_t i, struct error *err)
{
    const struct tsv *t = &w->records.manifest.tsv;

    for (size_t k = 0; k < t->n_columns; k++) {
        const char *axis = t->column[k], *value = tsv_get(t, i, (int)k);

        if (strcmp(axis, "path") != 0 && strcmp(axis, "stage") != 0 && *value != '\0')
            buf_printf(to, "%s%s", to->len > 0 ? "-" : "", value);
    }
    if (to->len == 0)
        buf_adds(to, "network");
    if (strpbrk(buf_str(to), "/,\"") != NULL)
        return error_set(err, E_INPUT, "\"%s\" is no name of a network there",
                         buf_str(to));
    return 0;
}

/* model-vs-human keeps "_" for what stands between the parts of a file's name. */
static void add_path(struct buf *to, const struct options *o, const char *network)
{
    buf_printf(to, "%s/%s_", o->decisions, o->dataset);
    for (; *network != '\0'; network++)
        buf_addc(to, *network == '_' ? '-' : *network);
    buf_adds(to, "_session-1.csv");
}

/* ---- rows ---- */

enum { SHAPE, TEXTURE, PREDICTED, NUMBERS };

struct columns {
    int image, number[NUMBERS];
};

static int find_columns(struct columns *c, const struct tsv *t, struct error *err)
{
    static const char *const name[NUMBERS] = { "shape", "texture", "predicted" };
    int rc = c->image = tsv_column(t, "image", err);

    for (int k = 0; k < NUMBERS && rc >= 0; k++)
        rc = c->number[k] = tsv_column(t, name[k], err);
    return rc < 0 ? rc : 0;
}

static int read_words(const char *word[NUMBERS], const struct work *w,
                      const struct columns *c, const struct tsv *t, size_t row,
                      struct error *err)
{
    for (int k = 0; k < NUMBERS; k++) {
        long n;

        if (tsv_long(t, row, c->number[k], &n, err) < 0)
            return E_INPUT;
        if (n < 0 || n >= w->coarse.n)
            return error_set(err, E_INPUT, "%s:%zu: class %ld; the classes are 0 to %d",
                             t->path, tsv_line(t, row), n, w->coarse.n - 1);
        word[k] = w->word[n];
    }
    return 0;
}

static int add_picture(struct buf *to, const char *image, const char *texture,
                       const struct tsv *t, size_t row, struct error *err)
{
    const char *file = strrchr(image, '/');
    char *read;
    size_t stem;

    file = file != NULL ? file + 1 : image;
    stem = strcspn(file, ".");
    if (strpbrk(file, ",\"_") != NULL)
        return error_set(err, E_INPUT, "%s:%zu: picture %s has a comma, a quote or a _",
                         t->path, tsv_line(t, row), image);
    read = texture_of(file);
    buf_add(to, file, stem);
    if (strcmp(read, texture) != 0)
        buf_printf(to, "-%s", texture);
    buf_adds(to, file[stem] != '\0' ? file + stem : ".png");
    free(read);
    return 0;
}

static int add_rows(struct buf *to, const struct work *w, const struct tsv *t,
                    const char *network, struct error *err)
{
    const char *word[NUMBERS];
    struct columns c;
    int rc = find_columns(&c, t, err);

    buf_adds(to, "subj,session,trial,rt,object_response,category,condition,imagename\n");
    for (size_t row = 0; row < t->n_rows && rc == 0; row++) {
        rc = read_words(word, w, &c, t, row, err);
        if (rc < 0)
            break;
        buf_printf(to, "%s,1,%zu,NaN,%s,%s,0,%04zu_s5n_dnn_0_%s_00_", network, row + 1,
                   word[PREDICTED], word[SHAPE], row + 1, word[SHAPE]);
        rc = add_picture(to, tsv_get(t, row, c.image), word[TEXTURE], t, row, err);
        buf_adds(to, "\n");
    }
    return rc;
}

static int write_network(const struct work *w, size_t i, struct error *err)
{
    struct buf name = { 0 }, path = { 0 }, text = { 0 };
    int rc = add_network(&name, w, i, err);

    if (rc == 0) {
        add_path(&path, w->o, buf_str(&name));
        rc = add_rows(&text, w, &w->records.record[i].tsv, buf_str(&name), err);
    }
    if (rc == 0 && fs_exists(buf_str(&path)))
        rc = error_set(err, E_INPUT, "two networks are called %s", buf_str(&name));
    if (rc == 0)
        rc = fs_write(buf_str(&path), buf_str(&text), text.len, false, err);
    buf_release(&text);
    buf_release(&path);
    buf_release(&name);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = coarse_read(&w.coarse, w.o->classes, MOST_CLASSES, err);

    if (rc == 0)
        rc = name_classes(&w, err);
    if (rc == 0)
        rc = records_read(&w.records, w.o->answers, err);
    if (rc == 0)
        rc = fs_mkdirs(w.o->decisions, err);
    for (size_t i = 0; i < w.records.n && rc == 0; i++)
        rc = write_network(&w, i, err);
    for (int i = 0; w.word != NULL && i < w.coarse.n; i++)
        free(w.word[i]);
    free(w.word);
    records_release(&w.records);
    coarse_release(&w.coarse);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .dataset = "cue-conflict" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("answers to cue-conflict pictures as model-vs-human keeps them"),
        STAGE_IN_LIST("answers", &o.answers, "TSV: image shape texture predicted (cue)"),
        STAGE_IN("classes", &o.classes, "TSV: class coarse"),
        STAGE_OUT_TREE("decisions", &o.decisions, "CSV files, one a network"),
        STAGE_STRING("dataset", &o.dataset, "what their names begin with"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
