#include "nn/onednn/prim.h"

#include <assert.h>
#include <string.h>

#include "larder/banned.h"

static int add_arg(struct prim *p, const struct nn_device *dev,
                   const_dnnl_primitive_desc_t pd, int arg, struct error *err)
{
    const dnnl_memory_desc_t *md =
        dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, arg);
    size_t n = dnnl_memory_desc_get_size(md);

    if (arg == DNNL_ARG_SCRATCHPAD) {
        if (n == 0)
            return 0;
        p->n_scratch = n;
    }
    assert(p->n_args < PRIM_ARGS);
    p->arg[p->n_args].arg = arg;
    return device_check(dnnl_memory_create(&p->arg[p->n_args++].memory, md, dev->engine,
                                           DNNL_MEMORY_NONE),
                        "binding memory", err);
}

int prim_open(struct prim *p, const struct nn_device *dev, dnnl_primitive_desc_t pd,
              const int *args, struct error *err)
{
    const_dnnl_primitive_desc_t own;
    int rc;

    rc = device_check(dnnl_primitive_create(&p->primitive, pd), "creating a primitive",
                      err);
    if (rc < 0)
        goto out;
    rc = device_check(dnnl_primitive_get_primitive_desc(p->primitive, &own),
                      "asking a primitive", err);
    if (rc < 0)
        goto out;
    dnnl_primitive_desc_query(own, dnnl_query_impl_info_str, 0, &p->impl);
    for (; *args != 0 && rc == 0; args++)
        rc = add_arg(p, dev, own, *args, err);
    if (rc == 0)
        rc = add_arg(p, dev, own, DNNL_ARG_SCRATCHPAD, err);
out:
    dnnl_primitive_desc_destroy(pd);
    if (rc < 0)
        prim_close(p);
    return rc;
}

int prim_open_reorder(struct prim *p, const struct nn_device *dev,
                      const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to,
                      struct error *err)
{
    static const int args[] = { DNNL_ARG_FROM, DNNL_ARG_TO, 0 };
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status;

    status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&pd, from, dev->engine, to,
                                                    dev->engine, attr);
    if (attr != NULL)
        dnnl_primitive_attr_destroy(attr);
    if (status != dnnl_success)
        return device_check(status, "describing a change of layout", err);
    return prim_open(p, dev, pd, args, err);
}

void prim_close(struct prim *p)
{
    for (int i = 0; i < p->n_args; i++)
        if (p->arg[i].memory != NULL)
            dnnl_memory_destroy(p->arg[i].memory);
    if (p->primitive != NULL)
        dnnl_primitive_destroy(p->primitive);
    *p = (struct prim){ 0 };
}

static dnnl_memory_t find(const struct prim *p, int arg)
{
    for (int i = 0; i < p->n_args; i++)
        if (p->arg[i].arg == arg)
            return p->arg[i].memory;
    return NULL;
}

const dnnl_memory_desc_t *prim_layout(const struct prim *p, int arg)
{
    const dnnl_memory_desc_t *md = NULL;

    dnnl_memory_get_memory_desc(find(p, arg), &md);
    return md;
}

void prim_bind(struct prim *p, int arg, const void *mem)
{
    dnnl_memory_t memory = find(p, arg);
    void *now;

    if (memory == NULL) {
        assert(arg == DNNL_ARG_SCRATCHPAD); /* this primitive wants none */
        return;
    }
    dnnl_memory_get_data_handle(memory, &now);
    if (now != mem)
        dnnl_memory_set_data_handle(memory, (void *)(uintptr_t)mem);
}

int prim_run(struct prim *p, const struct nn_device *dev, struct error *err)
{
    return device_check(
        dnnl_primitive_execute(p->primitive, dev->stream, p->n_args, p->arg),
        "running a primitive", err);
}
