#include "visibility.h"

#include <string.h>

#include "larder/banned.h"

int visibility_read(const struct node *node, int *visibility, struct error *err)
{
    int rc = node_expect(node, NODE_SCALAR, "visibility", err);

    if (rc < 0)
        return rc;
    *visibility = !strcmp(node->text, "private");
    if (!*visibility && strcmp(node->text, "public") != 0)
        return pos_error(&node->pos, err, "visibility is public or private, not %s",
                         node->text);
    return 0;
}

static bool is_private(const struct item *item)
{
    if (item->source)
        return item->source->private_;
    for (size_t i = 0; i < item_n_steps(item); i++) {
        const struct step *step = item_step(item, i);

        if (step->output[step_object_output(step, (size_t)item->output)].private_)
            return true;
    }
    return false;
}

bool step_takes_private(const struct step *step)
{
    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items; j++)
            if (is_private(&step->input[i].item[j]))
                return true;
    return false;
}

void visibility_spread(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct step *step = plan->step[i];
        bool taint = step_takes_private(step);

        for (size_t k = 0; k < step->n_outputs; k++) {
            struct output *o = &step->output[k];

            o->private_ = o->visibility < 0 ? taint : o->visibility == 1;
        }
    }
}
