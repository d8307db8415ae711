/* Random problems for the operators in several threads, whose results must be those of one thread. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 5

long gdn_product_workspace(long, long, long, int, int);
void gdn_product(const float *, const float *, const float *, float *, long, long, long, long, long, int, float *, int);
long gdn_product_gradients_workspace(long, long, long, long, long, int, int);
void gdn_product_gradients(const float *, const float *, const float *, const float *, float *, float *, float *, long, long,
                           long, long, long, int, float *, int);
long gdn_argmax_workspace(long, long, long, long, long, long, int);
void gdn_argmax(const float *, const float *, const float *, int64_t *, long, long, long, long, long, long, long, long,
                float *, int);
long gdn_cross_entropy_workspace(long, long, long, long, long, long, int, int);

/* As in cross_entropy.c. */
typedef struct {
    const float *x, *kernel_h, *kernel_w;
    const int64_t *target;
    const float *class_weight, *grad_losses;
    float *losses, *grad_x, *grad_kernel_h, *grad_kernel_w;
    double *totals;
    float *workspace;
    long images, classes, h, w, H, W, row_stride, column_stride, ignore_index;
    float max_loss;
    int threads;
} problem_t;

void gdn_cross_entropy(const problem_t *);

/* All results of a problem. */
typedef struct {
    float *fine, *grad_x, *grad_h, *grad_w, *losses, *loss_grad_x, *loss_grad_h, *loss_grad_w;
    int64_t *best;
    double totals[5];
} results_t;

static long below(long limit)
{
    return rand() % limit;
}

static float *numbers(long count)
{
    float *made = malloc(count * sizeof(float));
    for (long i = 0; i < count; i++)
        made[i] = 2.f * rand() / RAND_MAX - 1;
    return made;
}

static results_t compute(problem_t p, const float *grad, int by_rows)
{
    const long maps = p.images * p.classes, coarse = maps * p.h * p.w, pixels = p.images * p.H * p.W;
    results_t r = {.fine = numbers(pixels * p.classes), .grad_x = numbers(coarse), .grad_h = numbers(p.H * p.h),
                   .grad_w = numbers(p.W * p.w), .losses = numbers(pixels), .loss_grad_x = numbers(coarse),
                   .loss_grad_h = numbers(p.H * p.h), .loss_grad_w = numbers(p.W * p.w),
                   .best = malloc(pixels * sizeof(int64_t))};
    float *workspace = numbers(gdn_product_workspace(p.h, p.w, p.W, by_rows, p.threads));
    gdn_product(p.x, p.kernel_h, p.kernel_w, r.fine, maps, p.h, p.w, p.H, p.W, by_rows, workspace, p.threads);
    free(workspace);
    workspace = numbers(gdn_product_gradients_workspace(maps, p.h, p.w, p.H, p.W, by_rows, p.threads));
    gdn_product_gradients(p.x, p.kernel_h, p.kernel_w, grad, r.grad_x, r.grad_h, r.grad_w, maps, p.h, p.w, p.H, p.W,
                          by_rows, workspace, p.threads);
    free(workspace);
    workspace = numbers(gdn_argmax_workspace(p.images, p.classes, p.h, p.w, p.H, p.W, p.threads));
    gdn_argmax(p.x, p.kernel_h, p.kernel_w, r.best, p.W, 1, p.images, p.classes, p.h, p.w, p.H, p.W, workspace, p.threads);
    free(workspace);
    p.workspace = numbers(gdn_cross_entropy_workspace(p.images, p.classes, p.h, p.w, p.H, p.W, p.threads, 1));
    p.losses = r.losses, p.grad_x = r.loss_grad_x, p.grad_kernel_h = r.loss_grad_h, p.grad_kernel_w = r.loss_grad_w;
    p.totals = r.totals;
    gdn_cross_entropy(&p);
    free(p.workspace);
    return r;
}

/* Sums over several threads may be rounded in another way. */
static int differs(const float *a, const float *b, long count, const char *name)
{
    float largest = 0, off = 0;
    for (long i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(a[i]));
        off = fmaxf(off, fabsf(a[i] - b[i]));
    }
    if (off > 1e-4f * largest + 1e-6f)
        fprintf(stderr, "%s: off by %g, largest value %g\n", name, off, largest);
    return off > 1e-4f * largest + 1e-6f;
}

static void release(results_t *r)
{
    void *parts[] = {r->fine, r->grad_x, r->grad_h, r->grad_w, r->losses, r->loss_grad_x, r->loss_grad_h, r->loss_grad_w,
                     r->best};
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        free(parts[i]);
}

static int one_problem(void)
{
    static const long some_classes[] = {1, 2, 3, 21, 33};
    problem_t p = {.images = 1 + below(2), .classes = some_classes[below(5)], .h = 1 + below(20), .w = 1 + below(20),
                   .H = 1 + below(70), .W = 1 + below(70), .ignore_index = 255, .max_loss = INFINITY};
    const long maps = p.images * p.classes, coarse = maps * p.h * p.w, pixels = p.images * p.H * p.W;
    float *x = numbers(coarse), *kernel_h = numbers(p.H * p.h), *kernel_w = numbers(p.W * p.w);
    float *grad = numbers(pixels * p.classes);
    int64_t *target = malloc(pixels * sizeof(int64_t));
    for (long i = 0; i < pixels; i++)
        target[i] = below(5) ? below(p.classes) : 255;
    p.x = x, p.kernel_h = kernel_h, p.kernel_w = kernel_w, p.target = target, p.row_stride = p.W, p.column_stride = 1;
    const int by_rows = below(2);
    p.threads = 1;
    results_t one = compute(p, grad, by_rows);
    p.threads = 2 + below(MOST_THREADS - 1);
    results_t many = compute(p, grad, by_rows);
    const int off = differs(one.fine, many.fine, pixels * p.classes, "product")
        + differs(one.grad_x, many.grad_x, coarse, "product, gradient of x")
        + differs(one.grad_h, many.grad_h, p.H * p.h, "product, gradient of kernel_h")
        + differs(one.grad_w, many.grad_w, p.W * p.w, "product, gradient of kernel_w")
        + differs(one.losses, many.losses, pixels, "loss of each pixel")
        + differs(one.loss_grad_x, many.loss_grad_x, coarse, "loss, gradient of x")
        + differs(one.loss_grad_h, many.loss_grad_h, p.H * p.h, "loss, gradient of kernel_h")
        + differs(one.loss_grad_w, many.loss_grad_w, p.W * p.w, "loss, gradient of kernel_w")
        + (memcmp(one.best, many.best, pixels * sizeof(int64_t)) != 0);
    release(&one);
    release(&many);
    free(x), free(kernel_h), free(kernel_w), free(grad), free(target);
    return off;
}

int main(int count, char **arguments)
{
    const long problems = count > 1 ? atol(arguments[1]) : 1000;
    srand(count > 2 ? atoi(arguments[2]) : 0);
    for (long i = 0; i < problems; i++)
        if (one_problem()) {
            fprintf(stderr, "problem %ld: other results with several threads\n", i);
            return 1;
        }
    return 0;
}
