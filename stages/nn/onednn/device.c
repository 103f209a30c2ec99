#include "nn/onednn/device.h"

#include "larder/banned.h"
#include "larder/mem.h"

/* Of the OpenMP run time that oneDNN is linked with; its header comes with the compiler
 * that built it, not with every compiler. */
void omp_set_num_threads(int n);
void omp_set_dynamic(int dynamic);

void device_alone(void)
{
    omp_set_dynamic(0);
    omp_set_num_threads(1);
}

int device_check(dnnl_status_t status, const char *what, struct error *err)
{
    static const char *const why[] = {
        [dnnl_success] = "success",
        [dnnl_out_of_memory] = "out of memory",
        [dnnl_invalid_arguments] = "invalid arguments",
        [dnnl_unimplemented] = "not implemented there",
        [dnnl_iterator_ends] = "no further implementation",
        [dnnl_runtime_error] = "run-time error",
        [dnnl_not_required] = "not required",
    };
    const char *text = "unknown status";

    if (status == dnnl_success)
        return 0;
    if ((size_t)status < sizeof why / sizeof why[0] && why[status] != NULL)
        text = why[status];
    return error_set(err, E_DEVICE, "onednn: %s: %s", what, text);
}

int device_open(struct nn_device **dev, int index, struct error *err)
{
    struct nn_device *d = xcalloc(1, sizeof *d);
    int rc;

    (void)index; /* there is one CPU */
    device_alone();
    rc = device_check(dnnl_engine_create(&d->engine, dnnl_cpu, 0), "opening an engine",
                      err);
    if (rc < 0)
        goto out;
    rc = device_check(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_in_order),
                      "opening a stream", err);
out:
    if (rc < 0) {
        device_close(d);
        d = NULL;
    }
    *dev = d;
    return rc;
}

void device_close(struct nn_device *dev)
{
    if (dev == NULL)
        return;
    if (dev->stream != NULL)
        dnnl_stream_destroy(dev->stream);
    if (dev->engine != NULL)
        dnnl_engine_destroy(dev->engine);
    free(dev);
}

static const char *isa_name(dnnl_cpu_isa_t isa)
{
    switch (isa) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2";
    case dnnl_cpu_isa_avx512_core:
    case dnnl_cpu_isa_avx512_core_vnni:
    case dnnl_cpu_isa_avx512_core_bf16:
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core"; /* they compute float in the same way */
    default:
        return "other";
    }
}

void device_platform(char *text, size_t n)
{
    const dnnl_version_t *v = dnnl_version();

    snprintf(text, n, "onednn %d.%d.%d %s", v->major, v->minor, v->patch,
             isa_name(dnnl_get_effective_cpu_isa()));
}
