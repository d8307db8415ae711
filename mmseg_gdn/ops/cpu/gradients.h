/* Shared by both orders of the gradients of y = K_h x K_w^T: a map is split into parts, a part into blocks of rows. */
#ifndef MMSEG_GDN_GRADIENTS_H
#define MMSEG_GDN_GRADIENTS_H

#include "products.h"

#define ROWS 36 /* of the gradient of a map at a time: they are read twice, the second time from a cache */

typedef struct {
    const float *x, *kernel_h, *kernel_w, *grad;
    float *grad_x, *grad_kernel_h, *grad_kernel_w; /* NULL where not wanted */
    long maps, h, w, H, W;
    int rows_first;
    long parts;
    long h_stride, w_stride, W_stride; /* sides rounded up to whole panels */
    long middle_stride; /* one panel more: rows a power of two apart would evict each other from the cache */
} problem_t;

typedef struct {
    float *columns;                   /* K_w, packed, for all threads */
    float *grad_maps;                 /* (parts, maps, h, w_stride), for all threads */
    float *grad_h, *grad_w;           /* (H, h_stride) and (w, W_stride): per thread, like everything below */
    float *map_grad_w;                /* (w, W_stride), of one part */
    float *map, *map_transposed;      /* x, packed */
    float *edge;                      /* the last columns of some rows of the gradient, packed */
    float *rows_grad_h;               /* (ROWS, h_stride), of some rows */
    float *rows, *grad_rows;          /* (ROWS, w_stride): of K_h x and its gradient; rows first */
    float *middle_transposed;         /* (x K_w^T)^T, packed; columns first */
    float *grad_middle;               /* (h, middle_stride): of x K_w^T; columns first */
    long shared, needed;
} buffers_t;

/* C (rows, W) = A (rows, count) G (count, W), or C plus that. Whole panels of G are read in place, the rest from a copy. */
static void multiply_gradient(const buffers_t *mine, long W, long rows, long count, left_t a, const float *grad, float *c,
                              long c_stride, int add)
{
    const long rest = W % PANEL, whole = W - rest;
    multiply(rows, whole, count, a, in_rows(grad, W), c, c_stride, add);
    if (rest) {
        pack(mine->edge, count, grad + whole, W, 1, count, rest);
        multiply(rows, rest, count, a, packed(mine->edge, count), c + whole, c_stride, add);
    }
}
#endif
