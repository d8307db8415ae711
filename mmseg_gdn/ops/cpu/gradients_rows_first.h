/* Gradients of y = (K_h x) K_w^T. */
#ifndef MMSEG_GDN_GRADIENTS_ROWS_FIRST_H
#define MMSEG_GDN_GRADIENTS_ROWS_FIRST_H

#include "gradients.h"

/* Add the contributions of `count` rows of grad; the first rows of a part overwrite grad_map and map_grad_w. */
static void add_rows(const buffers_t *mine, const problem_t *p, const float *kernel_rows, const float *grad,
                     float *grad_map, float *grad_h, long count, int is_first)
{
    /* This reads the rows in order, so that multiply_gradient, which reads them in panels, finds them in a cache. */
    if (grad_map || p->grad_kernel_h)
        multiply(count, p->w, p->W, plain(grad, p->W), packed(mine->columns, p->W), mine->grad_rows, p->w_stride, 0);
    if (grad_map)
        multiply(p->h, p->w, count, transposed(kernel_rows, p->h), in_rows(mine->grad_rows, p->w_stride), grad_map,
                 p->w_stride, !is_first);
    if (p->grad_kernel_h) {
        multiply(count, p->h, p->w, plain(mine->grad_rows, p->w_stride), packed(mine->map_transposed, p->w), mine->rows_grad_h,
                 p->h_stride, 0);
        add_to(grad_h, mine->rows_grad_h, count * p->h_stride);
    }
    if (p->grad_kernel_w) {
        multiply(count, p->w, p->h, plain(kernel_rows, p->h), packed(mine->map, p->h), mine->rows, p->w_stride, 0);
        multiply_gradient(mine, p->W, p->w, count, transposed(mine->rows, p->w_stride), grad, mine->map_grad_w, p->W_stride,
                          !is_first);
    }
}

/* Add the contributions of rows first ... last - 1 of a map's gradient; grad_map is overwritten. */
static void add_part_rows_first(const buffers_t *mine, const problem_t *p, const float *x, const float *grad,
                                float *grad_map, long first, long last)
{
    if (p->grad_kernel_w)
        pack(mine->map, p->h, x, p->w, 1, p->h, p->w);
    if (p->grad_kernel_h)
        pack(mine->map_transposed, p->w, x, 1, p->w, p->w, p->h);
    for (long row = first; row < last; row += ROWS)
        add_rows(mine, p, p->kernel_h + row * p->h, grad + row * p->W, grad_map, mine->grad_h + row * p->h_stride,
                 smaller(ROWS, last - row), row == first);
    if (p->grad_kernel_w)
        add_to(mine->grad_w, mine->map_grad_w, p->w * p->W_stride);
}
#endif
