#include "resources.h"

#include <string.h>

#include "larder/banned.h"

enum { SLOTS_MAX = 4096 };

struct unit {
    const char *name;
    double size;
};

static const struct unit bytes[] = { { "", 1 },
                                     { "KiB", 1024 },
                                     { "MiB", 1048576 },
                                     { "GiB", 1073741824.0 },
                                     { "TiB", 1099511627776.0 },
                                     { "KB", 1e3 },
                                     { "MB", 1e6 },
                                     { "GB", 1e9 },
                                     { "TB", 1e12 } };
static const struct unit seconds[] = { { "", 1 },     { "s", 1 },    { "m", 60 },
                                       { "min", 60 }, { "h", 3600 }, { "d", 86400 } };

/* NUMBER[UNIT], e.g. 16GiB, 1.5h; false if it is not. */
static bool amount(const char *text, const struct unit *unit, size_t n, double *x)
{
    size_t whole = strspn(text, "0123456789"), digits = whole, shift = 0;

    if (whole == 0 || whole > 15)
        return false;
    if (text[whole] == '.') {
        shift = strspn(text + whole + 1, "0123456789");
        digits += 1 + shift;
        if (shift == 0 || shift > 15)
            return false;
    }
    *x = 0;
    for (size_t i = 0; i < digits; i++)
        if (text[i] != '.')
            *x = *x * 10 + (text[i] - '0');
    for (size_t i = 0; i < shift; i++)
        *x /= 10;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(text + digits, unit[i].name)) {
            *x *= unit[i].size;
            return true;
        }
    return false;
}

long long resources_size(const char *text)
{
    double x;

    if (!amount(text, bytes, sizeof bytes / sizeof *bytes, &x) || x >= 9e18)
        return -1;
    return (long long)x;
}

bool resources_bytes(const char *text, double *x)
{
    return amount(text, bytes, sizeof bytes / sizeof bytes[0], x);
}

bool resources_seconds(const char *text, double *x)
{
    return amount(text, seconds, sizeof seconds / sizeof seconds[0], x);
}

int resources_count(const struct scope *s, const struct node *node, const char *what,
                    int least, int most, int *n, struct error *err)
{
    struct value v;
    double x = 0;
    int rc = expr_value(s, node, what, &v, err);

    if (rc < 0)
        return rc;
    if (!amount(v.text, bytes, 1, &x) || x < least || x > most || x != (double)(int)x)
        return pos_error(&v.pos, err, "%s: \"%s\" is not a whole number from %d to %d",
                         what, v.text, least, most);
    *n = (int)x;
    return 0;
}

static int slots(const struct scope *s, const struct node *node, const char *what,
                 int least, int *n, struct error *err)
{
    return resources_count(s, node, what, least, SLOTS_MAX, n, err);
}

static int truth(const struct scope *s, const struct node *node, const char *what,
                 bool *yes, struct error *err)
{
    struct value v;
    int rc = expr_value(s, node, what, &v, err);

    if (rc < 0)
        return rc;
    *yes = !strcmp(v.text, "true");
    if (!v.plain || (!*yes && strcmp(v.text, "false") != 0))
        return pos_error(&v.pos, err, "%s: \"%s\" is neither true nor false", what,
                         v.text);
    return 0;
}

/* Whether a value says that it is not known. */
static bool is_unknown(const struct value *v)
{
    return !strcmp(v->text, "unknown");
}

/* A time under a key of `resources:`, if it is there; -1 of `unknown`, where that may be
 * said: where *x is -1 before. */
static int duration(const struct scope *s, const struct node *map, const char *key,
                    double *x, struct error *err)
{
    const struct node *node = node_get(map, key);
    struct value v;
    int rc;

    if (!node)
        return 0;
    rc = expr_value(s, node, key, &v, err);
    if (rc == 0 && *x < 0 && is_unknown(&v))
        return 0;
    if (rc == 0 &&
        (!amount(v.text, seconds, sizeof seconds / sizeof *seconds, x) || *x > 1e9))
        rc = pos_error(&v.pos, err, "%s: \"%s\" is no time; write 30s, 10m, 96h or 2d",
                       key, v.text);
    return rc;
}

/* A number of bytes under a key of `resources:`, likewise. */
static int volume(const struct scope *s, const struct node *map, const char *key,
                  long long *size, struct error *err)
{
    const struct node *node = node_get(map, key);
    struct value v;
    double x = 0;
    int rc;

    if (!node)
        return 0;
    rc = expr_value(s, node, key, &v, err);
    if (rc == 0 && *size < 0 && is_unknown(&v))
        return 0;
    if (rc == 0 && (!amount(v.text, bytes, sizeof bytes / sizeof *bytes, &x) || x > 1e18))
        rc = pos_error(&v.pos, err, "%s: \"%s\" is no size; write 512MiB or 16GiB", key,
                       v.text);
    if (rc == 0)
        *size = (long long)x;
    return rc;
}

/* Whole ones, or a share of one, as 0.5. */
static int devices(const struct scope *s, const struct node *node, int *n, int *part,
                   struct error *err)
{
    struct value v;
    double x = 0;
    int rc = expr_value(s, node, "gpu", &v, err);

    if (rc < 0)
        return rc;
    if (!amount(v.text, bytes, 1, &x) || x > SLOTS_MAX || (x > 0 && x < 0.001) ||
        (x > 1 && x != (double)(int)x))
        return pos_error(&v.pos, err,
                         "gpu: \"%s\" is neither a whole number from 0 to %d nor a share "
                         "of one, as 0.5",
                         v.text, SLOTS_MAX);
    *part = x < 1 ? (int)(x * 1000 + 0.5) : 0;
    *n = *part ? 1 : (int)x;
    return 0;
}

/* gpu: 1, or {need: 1} where the step does not go without. */
static int gpus(const struct scope *s, const struct node *node, struct resources *r,
                struct error *err)
{
    static const char *const known[] = { "need" };
    int rc;

    rc = expr_branch(s, node, &node, err);
    if (rc < 0 || node->kind != NODE_MAP)
        return rc < 0 ? rc : devices(s, node, &r->gpu, &r->gpu_part, err);
    rc = node_check_keys(node, "gpu", known, 1, err);
    if (rc == 0 && node_get(node, "need"))
        rc = devices(s, node_get(node, "need"), &r->gpu_need, &r->gpu_part, err);
    r->gpu = r->gpu_need;
    return rc;
}

int resources_read(const struct scope *s, const struct node *node, struct resources *r,
                   struct error *err)
{
    static const char *const known[] = { "cpu",     "memory",    "gpu",   "time",
                                         "silence", "jobserver", "takes", "disk" };
    const struct node *item;
    int rc;

    *r = (struct resources){ .cpu = 1, .takes = -1, .disk = -1 };
    if (!node || node->kind == NODE_NULL)
        return 0;
    rc = node_check_keys(node, "resources", known, sizeof known / sizeof *known, err);
    if (rc == 0 && (item = node_get(node, "cpu")))
        rc = slots(s, item, "cpu", 1, &r->cpu, err);
    if (rc == 0 && (item = node_get(node, "gpu")))
        rc = gpus(s, item, r, err);
    if (rc == 0)
        rc = volume(s, node, "memory", &r->memory, err);
    if (rc == 0)
        rc = duration(s, node, "time", &r->time, err);
    if (rc == 0)
        rc = duration(s, node, "silence", &r->silence, err);
    if (rc == 0)
        rc = duration(s, node, "takes", &r->takes, err);
    if (rc == 0)
        rc = volume(s, node, "disk", &r->disk, err);
    if (rc == 0 && (item = node_get(node, "jobserver")))
        rc = truth(s, item, "jobserver", &r->jobserver, err);
    return rc;
}
