/* Gradients of y = K_h (x K_w^T). */
#ifndef MMSEG_GDN_GRADIENTS_COLUMNS_FIRST_H
#define MMSEG_GDN_GRADIENTS_COLUMNS_FIRST_H

#include "gradients.h"

/* Add the contributions of rows first ... last - 1 of a map's gradient; grad_map is overwritten. */
static void add_part_columns_first(const buffers_t *mine, const problem_t *p, const float *x, const float *grad,
                                   float *grad_map, long first, long last)
{
    if (p->grad_kernel_h) {
        pack(mine->map_transposed, p->w, x, 1, p->w, p->w, p->h);
        multiply_to_panels(p->W, p->h, p->w, plain(p->kernel_w, p->w), packed(mine->map_transposed, p->w),
                           mine->middle_transposed);
    }
    for (long row = first, count; row < last; row += count) {
        count = smaller(ROWS, last - row);
        /* This reads the rows in order, so that multiply_gradient, which reads them in panels, finds them in a cache. */
        if (p->grad_kernel_h) {
            multiply(count, p->h, p->W, plain(grad + row * p->W, p->W), packed(mine->middle_transposed, p->W),
                     mine->rows_grad_h, p->h_stride, 0);
            add_to(mine->grad_h + row * p->h_stride, mine->rows_grad_h, count * p->h_stride);
        }
        if (grad_map || p->grad_kernel_w)
            multiply_gradient(mine, p->W, p->h, count, transposed(p->kernel_h + row * p->h, p->h), grad + row * p->W,
                              mine->grad_middle, p->middle_stride, row > first);
    }
    if (grad_map)
        multiply(p->h, p->w, p->W, plain(mine->grad_middle, p->middle_stride), packed(mine->columns, p->W), grad_map,
                 p->w_stride, 0);
    if (p->grad_kernel_w) {
        multiply(p->w, p->W, p->h, transposed(x, p->w), in_rows(mine->grad_middle, p->middle_stride), mine->map_grad_w,
                 p->W_stride, 0);
        add_to(mine->grad_w, mine->map_grad_w, p->w * p->W_stride);
    }
}
#endif
