/* Gradients of y = K_h x K_w^T for many maps x, in the order that the caller chooses. */
#include "gradients_columns_first.h"
#include "gradients_rows_first.h"

#define MOST_PARTS 8 /* of a map, at most, for different threads */

static problem_t problem_of(long maps, long h, long w, long H, long W, int rows_first, int threads)
{
    problem_t p = {.maps = maps, .h = h, .w = w, .H = H, .W = W, .rows_first = rows_first, .parts = 1,
                   .h_stride = padded(h), .w_stride = padded(w), .W_stride = padded(W), .middle_stride = padded(W) + PANEL};
    /* The fewest parts with which the threads finish at about the same time. Columns first, each part makes x K_w^T again. */
    const double uneven = rows_first ? 1.05 : 1.1;
    while (p.parts < MOST_PARTS && p.parts * ROWS < H &&
           quotient_up(maps * p.parts, threads) * threads > uneven * maps * p.parts)
        p.parts++;
    return p;
}

static buffers_t buffers_of(float *base, const problem_t *p, int thread)
{
    workspace_t workspace = {base, 0};
    buffers_t mine = {0};
    mine.columns = allocate(&workspace, p->w_stride * p->W);
    mine.grad_maps = allocate(&workspace, p->parts * p->maps * p->h * p->w_stride);
    mine.shared = workspace.used;
    for (int i = 0; i <= thread; i++) {
        mine.grad_h = allocate(&workspace, p->H * p->h_stride);
        mine.grad_w = allocate(&workspace, p->w * p->W_stride);
        mine.map_grad_w = allocate(&workspace, p->w * p->W_stride);
        mine.map_transposed = allocate(&workspace, p->w * p->h_stride);
        mine.edge = allocate(&workspace, ROWS * PANEL);
        mine.rows_grad_h = allocate(&workspace, ROWS * p->h_stride);
        if (p->rows_first) {
            mine.map = allocate(&workspace, p->h * p->w_stride);
            mine.rows = allocate(&workspace, ROWS * p->w_stride);
            mine.grad_rows = allocate(&workspace, ROWS * p->w_stride);
        } else {
            mine.middle_transposed = allocate(&workspace, p->W * p->h_stride);
            mine.grad_middle = allocate(&workspace, p->h * p->middle_stride);
        }
    }
    mine.needed = workspace.used;
    return mine;
}

long gdn_product_gradients_workspace(long maps, long h, long w, long H, long W, int rows_first, int threads)
{
    const problem_t p = problem_of(maps, h, w, H, W, rows_first, threads);
    return buffers_of(0, &p, threads - 1).needed;
}

/* Reduce the gradients over the parts of a map and over the threads. */
static void add_up_gathered(const problem_t *p, float *workspace)
{
    const buffers_t first = buffers_of(workspace, p, 0);
    const long own = first.needed - first.shared;
    const int team = omp_get_num_threads();
#pragma omp for schedule(static) nowait
    for (long i = 0; i < (p->grad_x ? p->maps * p->h : 0); i++)
        add_up(p->grad_x + i * p->w, p->w, first.grad_maps + i * p->w_stride, 1, p->maps * p->h * p->w_stride, p->parts);
#pragma omp for schedule(static) nowait
    for (long i = 0; i < (p->grad_kernel_h ? p->H : 0); i++)
        add_up(p->grad_kernel_h + i * p->h, p->h, first.grad_h + i * p->h_stride, 1, own, team);
#pragma omp for schedule(static)
    for (long i = 0; i < (p->grad_kernel_w ? p->W : 0); i++)
        add_up(p->grad_kernel_w + i * p->w, p->w, first.grad_w + i, p->W_stride, own, team);
}

/* x (maps, h, w), kernel_h (H, h), kernel_w (W, w), grad (maps, H, W). Each gradient has the shape of its tensor, and is
   NULL if not wanted. */
void gdn_product_gradients(const float *x, const float *kernel_h, const float *kernel_w, const float *grad, float *grad_x,
                           float *grad_kernel_h, float *grad_kernel_w, long maps, long h, long w, long H, long W,
                           int rows_first, float *workspace, int threads)
{
    problem_t p = problem_of(maps, h, w, H, W, rows_first, threads);
    p.x = x, p.kernel_h = kernel_h, p.kernel_w = kernel_w, p.grad = grad;
    p.grad_x = grad_x, p.grad_kernel_h = grad_kernel_h, p.grad_kernel_w = grad_kernel_w;
    pack(workspace, W, kernel_w, w, 1, W, w);
#pragma omp parallel num_threads(threads)
    {
        const buffers_t mine = buffers_of(workspace, &p, omp_get_thread_num());
        memset(mine.grad_h, 0, H * p.h_stride * sizeof(float));
        memset(mine.grad_w, 0, w * p.W_stride * sizeof(float));
        /* The same parts for the same thread each time, so that sums are rounded in the same way each time. */
#pragma omp for schedule(static)
        for (long task = 0; task < maps * p.parts; task++) {
            const long m = task / p.parts, part = task % p.parts;
            const long first = part * H / p.parts, last = (part + 1) * H / p.parts;
            float *grad_map = grad_x ? mine.grad_maps + (part * maps + m) * h * p.w_stride : 0;
            (rows_first ? add_part_rows_first : add_part_columns_first)(&mine, &p, x + m * h * w, grad + m * H * W,
                                                                        grad_map, first, last);
        }
        add_up_gathered(&p, workspace);
    }
}
