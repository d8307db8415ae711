/* Gradients of y = K_h x K_w^T for many maps x, in the order that the caller finds the cheaper one. */
#include "gradients_columns_first.h"
#include "gradients_rows_first.h"

#define MOST_PARTS 8 /* of a map, for different threads */

static problem_t problem_of(long maps, long h, long w, long H, long W, int rows_first, int threads)
{
    problem_t p = {.maps = maps, .h = h, .w = w, .H = H, .W = W, .rows_first = rows_first, .parts = 1,
                   .h_row = padded(h), .w_row = padded(w), .W_row = padded(W), .middle_row = padded(W) + PANEL};
    /* As few parts as let the threads finish at about the same time. Where columns come first, each makes x K_w^T again. */
    const double uneven = rows_first ? 1.05 : 1.1;
    while (p.parts < MOST_PARTS && p.parts * ROWS < H &&
           quotient_up(maps * p.parts, threads) * threads > uneven * maps * p.parts)
        p.parts++;
    return p;
}

static workspace_t workspace_of(float *base, const problem_t *p, int thread)
{
    room_t room = {base, 0};
    workspace_t mine = {0};
    mine.columns = take(&room, p->w_row * p->W);
    mine.grad_maps = take(&room, p->parts * p->maps * p->h * p->w_row);
    mine.shared = room.used;
    for (int i = 0; i <= thread; i++) {
        mine.grad_h = take(&room, p->H * p->h_row);
        mine.grad_w = take(&room, p->w * p->W_row);
        mine.map_grad_w = take(&room, p->w * p->W_row);
        mine.map_transposed = take(&room, p->w * p->h_row);
        mine.edge = take(&room, ROWS * PANEL);
        mine.rows_grad_h = take(&room, ROWS * p->h_row);
        if (p->rows_first) {
            mine.map = take(&room, p->h * p->w_row);
            mine.rows = take(&room, ROWS * p->w_row);
            mine.grad_rows = take(&room, ROWS * p->w_row);
        } else {
            mine.middle_transposed = take(&room, p->W * p->h_row);
            mine.grad_middle = take(&room, p->h * p->middle_row);
        }
    }
    mine.needed = room.used;
    return mine;
}

long gdn_product_gradients_room(long maps, long h, long w, long H, long W, int rows_first, int threads)
{
    const problem_t p = problem_of(maps, h, w, H, W, rows_first, threads);
    return workspace_of(0, &p, threads - 1).needed;
}

/* Add up what parts of the maps and threads have gathered. */
static void add_up_gathered(const problem_t *p, float *room)
{
    const workspace_t first = workspace_of(room, p, 0);
    const long own = first.needed - first.shared;
    const int team = omp_get_num_threads();
#pragma omp for schedule(static) nowait
    for (long i = 0; i < (p->grad_x ? p->maps * p->h : 0); i++)
        add_up(p->grad_x + i * p->w, p->w, first.grad_maps + i * p->w_row, 1, p->maps * p->h * p->w_row, p->parts);
#pragma omp for schedule(static) nowait
    for (long i = 0; i < (p->grad_kernel_h ? p->H : 0); i++)
        add_up(p->grad_kernel_h + i * p->h, p->h, first.grad_h + i * p->h_row, 1, own, team);
#pragma omp for schedule(static)
    for (long i = 0; i < (p->grad_kernel_w ? p->W : 0); i++)
        add_up(p->grad_kernel_w + i * p->w, p->w, first.grad_w + i, p->W_row, own, team);
}

/* x (maps, h, w), kernel_h (H, h), kernel_w (W, w), grad (maps, H, W). Gradients have the shapes of what they belong to;
   those not wanted are NULL. */
void gdn_product_gradients(const float *x, const float *kernel_h, const float *kernel_w, const float *grad, float *grad_x,
                           float *grad_kernel_h, float *grad_kernel_w, long maps, long h, long w, long H, long W,
                           int rows_first, float *room, int threads)
{
    problem_t p = problem_of(maps, h, w, H, W, rows_first, threads);
    p.x = x, p.kernel_h = kernel_h, p.kernel_w = kernel_w, p.grad = grad;
    p.grad_x = grad_x, p.grad_kernel_h = grad_kernel_h, p.grad_kernel_w = grad_kernel_w;
    pack(room, W, kernel_w, w, 1, W, w);
#pragma omp parallel num_threads(threads)
    {
        const workspace_t mine = workspace_of(room, &p, omp_get_thread_num());
        memset(mine.grad_h, 0, H * p.h_row * sizeof(float));
        memset(mine.grad_w, 0, w * p.W_row * sizeof(float));
        /* The same parts for the same thread each time, so that sums are rounded in the same way each time. */
#pragma omp for schedule(static)
        for (long task = 0; task < maps * p.parts; task++) {
            const long m = task / p.parts, part = task % p.parts;
            const long first = part * H / p.parts, last = (part + 1) * H / p.parts;
            float *grad_map = grad_x ? mine.grad_maps + (part * maps + m) * h * p.w_row : 0;
            (rows_first ? add_part_rows_first : add_part_columns_first)(&mine, &p, x + m * h * w, grad + m * H * W,
                                                                        grad_map, first, last);
        }
        add_up_gathered(&p, room);
    }
}
