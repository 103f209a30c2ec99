#include "retry.h"

#include <string.h>

#include "larder/banned.h"

#include "resources.h"

enum { RETRIES_MAX = 100 };
static const double first_pause_s = 0.5, longest_pause_s = 60;

static const char *const cause_name[N_CAUSES] = {
    [CAUSE_TRANSIENT] = "transient", [CAUSE_PREEMPTED] = "preempted", [CAUSE_OOM] = "oom"
};

int retry_read(const struct scope *s, const struct node *node,
               unsigned char limit[N_CAUSES], struct error *err)
{
    static const unsigned char standard[N_CAUSES] = {
        [CAUSE_TRANSIENT] = 2, [CAUSE_PREEMPTED] = 10
    };
    int rc = 0;

    memcpy(limit, standard, sizeof standard);
    if (!node || node->kind == NODE_NULL)
        return 0;
    rc = node_check_keys(node, "retry", cause_name, N_CAUSES, err);
    for (int i = 0; i < N_CAUSES && rc == 0; i++) {
        const struct node *item = node_get(node, cause_name[i]);
        int n = limit[i];

        if (item)
            rc = resources_count(s, item, cause_name[i], 0, RETRIES_MAX, &n, err);
        limit[i] = (unsigned char)n;
    }
    return rc;
}

const char *retry_cause(enum cause cause)
{
    return cause_name[cause];
}

double retry_pause(int n)
{
    double pause = first_pause_s;

    while (n-- > 1 && pause < longest_pause_s)
        pause *= 2;
    return pause < longest_pause_s ? pause : longest_pause_s;
}
