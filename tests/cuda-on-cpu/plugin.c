/* Makes each call that the plug-in makes fail in turn, for every operator and for what
 * training does: the failure is to be told, in words, with nothing left behind, and
 * nothing may be called as if it had not happened. Each operator gives the same bytes
 * twice, and takes no more than 1 GiB for its work. With an argument: that case, here, as
 * the environment has it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "larder/error.h"
#include "nn/backend.h"

enum { N = 2, ROOM = 1 << 16, BLOCKS = 9 };
enum { CLOSING = 1 }; /* calls of close(): it waits, and can tell nobody of a failure */

#define FROM(size) .N = N, .C = 3, .H = size, .W = size, .input_gradient = true
#define TO(channels, size) .K = channels, .P = size, .Q = size
#define WEIGHTS .bias = true, .weight_gradient = true

/* Operators small enough to be run a thousand times. */
static const struct nn_op_desc cases[] = {
    { NN_CONV, FROM(5), TO(4, 5), WEIGHTS, .relu = true, .kernel = 3, .stride = 1,
      .pad = 1, .dilation = 1 },
    { NN_CONV, FROM(4), TO(4, 4), WEIGHTS, .relu = true, .kernel = 1, .stride = 1,
      .dilation = 1 },
    { NN_LINEAR, FROM(2), TO(4, 1), WEIGHTS },
    { NN_NORMALISE, FROM(4), TO(3, 4), .std = { 1, 1, 1, 1 } },
    { NN_RELU, FROM(4), TO(3, 4) },
    { NN_MAXPOOL, FROM(4), TO(3, 2), .kernel = 2, .stride = 2 },
    { NN_AVGPOOL, FROM(4), TO(3, 1), .kernel = 1 },
    { NN_BATCHNORM, FROM(4), TO(3, 4), .eps = 1e-5, .training = true, .relu = true,
      .weight_gradient = true },
    { NN_BATCHNORM, FROM(4), TO(3, 4), .eps = 1e-5 },
    { NN_DROPOUT, FROM(4), TO(3, 4), .training = true, .drop = .3 },
    { NN_CONCAT, FROM(4), TO(8, 4), .inputs = 2, .channels = { 3, 5 } },
    { NN_ADD, FROM(4), TO(3, 4), .inputs = 2, .channels = { 3, 3 }, .relu = true },
    { NN_REFLECT, FROM(4), TO(3, 6), .pad = 1 },
    { NN_UPSAMPLE, FROM(4), TO(3, 8), .stride = 2 },
    { NN_GRAM, FROM(4), TO(9, 1) },
};

enum { N_CASES = sizeof cases / sizeof cases[0] };

struct scene {
    const struct nn_backend *b;
    struct nn_device *dev;
    struct nn_op *op;
    float *block[BLOCKS]; /* ROOM bytes each */
    float host[ROOM / sizeof(float)];
};

static int scene_open(struct scene *s, const struct nn_op_desc *d, struct error *err)
{
    int rc = backend_find(&s->b, "cuda:0", err);

    if (rc == 0)
        rc = s->b->open(&s->dev, 0, err);
    if (rc == 0 && d != NULL)
        rc = s->b->prepare(s->dev, d, &s->op, err);
    for (int i = 0; i < BLOCKS && rc == 0; i++)
        rc = s->b->alloc(s->dev, ROOM, (void **)&s->block[i], err);
    return rc;
}

static void scene_close(struct scene *s)
{
    for (int i = 0; i < BLOCKS && s->dev != NULL; i++)
        if (s->block[i] != NULL)
            s->b->free(s->dev, s->block[i], ROOM);
    if (s->op != NULL)
        s->b->discard(s->op);
    if (s->dev != NULL)
        s->b->close(s->dev);
}

static int pass(struct scene *s, const struct nn_op_desc *d, struct error *err)
{
    float *const *p = s->block;
    struct nn_args a = { .x = p[0],
                         .y = p[1],
                         .w = p[2],
                         .dy = p[3],
                         .dx = p[4],
                         .dw = d->weight_gradient ? p[5] : NULL,
                         .work = p[6],
                         .state = p[7],
                         .running = p[2] + 100,
                         .moves = true,
                         .count = N,
                         .draws = (void *)p[8],
                         .epoch = (void *)(p[8] + 64),
                         .xs = { p[0], p[0] + 500 },
                         .dxs = { p[4], p[4] + 500 } };
    int rc = s->b->upload(s->dev, p[0], s->host, ROOM, err);

    if (rc == 0 && d->weight_gradient)
        rc = s->b->pack(s->op, p[2], s->host, s->host, p[6], err);
    if (rc == 0 && d->weight_gradient)
        rc = s->b->refresh(s->op, p[2], p[6], err);
    if (rc == 0)
        rc = s->b->forward(s->op, &a, err);
    if (rc == 0)
        rc = s->b->backward(s->op, &a, err);
    if (rc == 0 && d->weight_gradient)
        rc = s->b->unpack(s->op, p[5], s->host, s->host + 500, p[6], err);
    if (rc == 0)
        rc = s->b->download(s->dev, s->host, p[1], ROOM, err);
    return rc;
}

/* What training and an attack do beside the operators. */
static int train(struct scene *s, struct error *err)
{
    float *const *p = s->block;
    const float *g[] = { p[2], p[3] };
    struct nn_update u = { .w = p[0],
                           .v = p[1],
                           .g = g,
                           .lanes = 2,
                           .rates = (void *)p[8],
                           .squares = (void *)(p[8] + 16) };
    struct nn_ascent ascent = { .x = p[4],
                                .g = p[5],
                                .x0 = p[6],
                                .n = N,
                                .size = 100,
                                .reach = (void *)(p[8] + 32) };
    struct nn_loss loss = { .logits = p[0],
                            .label = (void *)(p[8] + 48),
                            .loss = p[8] + 64,
                            .dlogits = p[1],
                            .work = p[8] + 80,
                            .n = N,
                            .room = N,
                            .places = 1,
                            .classes = 10,
                            .scale = 1 };
    struct nn_keep keep = { .best = p[6],
                            .best_loss = p[8] + 96,
                            .x = p[4],
                            .loss = p[8] + 64,
                            .n = N,
                            .size = 100 };
    struct nn_tape *tape = NULL;
    struct nn_norm norm = { .w = p[1], .running = p[2], .eps = 1e-5 };
    int rc = s->b->send(s->dev, p[0], s->host, ROOM, err);

    if (rc == 0)
        rc = s->b->arrive(s->dev, err);
    if (rc == 0)
        rc = s->b->loss(s->dev, &loss, err);
    if (rc == 0)
        rc = s->b->norm(s->dev, &u, 1000, (void *)(p[8] + 16), err);
    if (rc == 0)
        rc = s->b->update(s->dev, &u, 1000, err);
    if (rc == 0)
        rc = s->b->add(s->dev, p[0], p[1], 1000, err);
    if (rc == 0)
        rc = s->b->clamp(s->dev, p[4], p[0], 1000, err);
    if (rc == 0)
        rc = s->b->copy(s->dev, p[6], p[4], 4000, err);
    if (rc == 0)
        rc = s->b->ascend(s->dev, &ascent, err);
    if (rc == 0)
        rc = s->b->keep(s->dev, &keep, err);
    if (rc == 0 && (rc = s->b->record(s->dev, err)) == 0) {
        rc = s->b->add(s->dev, p[0], p[1], 1000, err);
        if (rc < 0)
            s->b->stop(s->dev, NULL, NULL);
        else
            rc = s->b->stop(s->dev, &tape, err);
    }
    if (rc == 0)
        rc = s->b->play(s->dev, tape, err);
    if (rc == 0)
        rc = s->b->fold(s->op, p[7], s->op, p[0], &norm, err);
    if (rc == 0)
        rc = s->b->fold(s->op, p[7], s->op, p[0], NULL, err);
    if (rc == 0)
        rc = s->b->download(s->dev, s->host, p[7], ROOM, err);
    s->b->erase(s->dev, tape);
    return rc;
}

/* Case k; the last one is what training does. 0, or 1 and the story. */
static int run(int k)
{
    const struct nn_op_desc *d = &cases[k < N_CASES ? k : 0];
    struct error err = { 0 };
    struct scene s = { 0 };
    int rc = scene_open(&s, d, &err);

    if (rc == 0)
        rc = k < N_CASES ? pass(&s, d, &err) : train(&s, &err);
    scene_close(&s);
    if (rc < 0)
        fprintf(stderr, "%s\n", err.text);
    return rc < 0;
}

/* The results of case k, which is no training: y, dx, dw. */
static int results(int k, unsigned char *to)
{
    static const int of[] = { 1, 4, 5 };
    struct error err = { 0 };
    struct scene s = { 0 };
    int rc = scene_open(&s, &cases[k], &err);

    for (size_t i = 0; i < sizeof s.host / sizeof s.host[0]; i++)
        s.host[i] = (float)((i * 37) % 101) / 101;
    if (rc == 0)
        rc = pass(&s, &cases[k], &err);
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = s.b->download(s.dev, to + i * ROOM, s.block[of[i]], ROOM, &err);
    if (rc == 0 && s.op->n_work > (size_t)1 << 30) {
        printf("case %d: %zu bytes for its work\n", k, s.op->n_work);
        rc = -1;
    }
    scene_close(&s);
    return rc < 0;
}

static int differs(int k)
{
    static unsigned char one[3 * ROOM], two[3 * ROOM];

    if (results(k, one) != 0 || results(k, two) != 0)
        return 1;
    if (memcmp(one, two, sizeof one) == 0)
        return 0;
    printf("case %d: other bytes the second time\n", k);
    return 1;
}

static int child(int k, const char *fail, char *said, size_t n)
{
    int pipes[2], status;
    ssize_t got, at = 0;
    pid_t pid;

    if (pipe(pipes) < 0 || (pid = fork()) < 0)
        exit(2);
    if (pid == 0) {
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        if (fail != NULL)
            setenv("CUDA_ON_CPU_FAIL", fail, 1);
        exit(run(k));
    }
    close(pipes[1]);
    while ((got = read(pipes[0], said + at, n - 1 - (size_t)at)) > 0)
        at += got;
    said[at] = '\0';
    close(pipes[0]);
    waitpid(pid, &status, 0);
    return status;
}

/* How many calls the case makes; a process of its own counts them. */
static int calls_of(int k)
{
    char said[2000], file[] = "/tmp/cuda-on-cpu.XXXXXX", line[20] = "";
    int fd = mkstemp(file);

    setenv("CUDA_ON_CPU_CALLS", file, 1);
    if (fd < 0 || child(k, NULL, said, sizeof said) != 0 ||
        read(fd, line, sizeof line - 1) < 1) {
        printf("case %d fails with nothing made to fail: %s\n", k, said);
        exit(1);
    }
    unsetenv("CUDA_ON_CPU_CALLS");
    unlink(file);
    close(fd);
    return (int)strtol(line, NULL, 10);
}

/* Whether the failure came out in words of the plug-in. */
static bool is_told(int status, const char *said)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
           strstr(said, "cuda-on-cpu:") == NULL &&
           (strstr(said, "GPU: ") != NULL || strstr(said, "cuDNN") != NULL ||
            strstr(said, "cuBLAS") != NULL);
}

/* Call i of case k fails. 1 unless that is told. */
static int goes_unheard(int k, int i, const char *error)
{
    char fail[40], said[2000];
    int status;

    snprintf(fail, sizeof fail, "%d:%s", i, error);
    status = child(k, fail, said, sizeof said);
    if (is_told(status, said))
        return 0;
    printf("case %d, CUDA_ON_CPU_FAIL=%s: status %d: %s\n", k, fail, status, said);
    return 1;
}

int main(int argc, char **argv)
{
    static const char *const passing[] = { "memory", "unsupported", "internal" };
    static const char *const staying[] = { "launch", "lost" };
    int bad = 0, all = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1)
        return run((int)strtol(argv[1], NULL, 10));
    for (int k = 0; k <= N_CASES; k++) {
        int n = calls_of(k);
        for (int i = 1; i <= n - CLOSING; i++, all += 2)
            bad += goes_unheard(k, i, passing[(i + k) % 3]) +
                   goes_unheard(k, i, staying[(i + k) % 2]);
    }
    for (int k = 0; k < N_CASES; k++)
        bad += differs(k);
    printf("%d failures; %d not told as they should be, or bytes that differ\n", all,
           bad);
    return bad > 0;
}
