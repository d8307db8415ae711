/* Products of small matrices. The right factor is read in panels of 16 columns. */
#ifndef MMSEG_GDN_PRODUCTS_H
#define MMSEG_GDN_PRODUCTS_H

#include "workspace.h"
#include "vectors.h"

#define PANEL (2 * WIDTH)
#define BLOCK 6 /* rows of one panel whose sums, with a row of the panel and a factor, fill 15 of 16 registers */

/* A left factor: element (i, k) is at data[i * row_stride + k * column_stride]. */
typedef struct {
    const float *data;
    long row_stride, column_stride;
} left_t;

/* A right factor: element (k, j) is at data[j / PANEL * panel_stride + k * row_stride + j % PANEL]. */
typedef struct {
    const float *data;
    long panel_stride, row_stride;
} right_t;

static inline long panels_of(long columns)
{
    return quotient_up(columns, PANEL);
}

static inline long padded(long columns)
{
    return panels_of(columns) * PANEL;
}

INLINE void multiply_block(const int rows, long depth, left_t a, const float *b, long b_stride, float *c, long c_stride,
                           int add)
{
    vec sums[BLOCK][2];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        sums[i][0] = add ? load(c + i * c_stride) : splat(0);
        sums[i][1] = add ? load(c + i * c_stride + WIDTH) : splat(0);
    }
    for (long k = 0; k < depth; k++, b += b_stride, a.data += a.column_stride) {
        const vec b0 = load(b), b1 = load(b + WIDTH);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            const vec factor = splat(a.data[i * a.row_stride]);
            sums[i][0] += factor * b0;
            sums[i][1] += factor * b1;
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        store(c + i * c_stride, sums[i][0]);
        store(c + i * c_stride + WIDTH, sums[i][1]);
    }
}

INLINE void multiply_panels(const int rows, long panels, long depth, left_t a, right_t b, float *c, long c_stride,
                            long c_panel_stride, int add)
{
    for (long j = panels - 1; j >= 0; j--)
        multiply_block(rows, depth, a, b.data + j * b.panel_stride, b.row_stride, c + j * c_panel_stride, c_stride, add);
}

/* How many of the `left` rows to take next, so that all strips have about the same height. */
static inline long next_strip(long left)
{
    return quotient_up(left, quotient_up(left, BLOCK));
}

/* C (rows, columns) = A (rows, depth) B (depth, columns), or C plus that, strip after strip. Whole panels are written,
   `c_panel_stride` floats apart in C, the last one first. */
static void multiply_strips(long rows, long columns, long depth, left_t a, right_t b, float *c, long c_stride,
                            long c_panel_stride, int add)
{
    const long panels = panels_of(columns);
    for (long i = 0, count; i < rows; i += count, a.data += count * a.row_stride, c += count * c_stride) {
        count = next_strip(rows - i);
        switch (count) {
        case 1: multiply_panels(1, panels, depth, a, b, c, c_stride, c_panel_stride, add); break;
        case 2: multiply_panels(2, panels, depth, a, b, c, c_stride, c_panel_stride, add); break;
        case 3: multiply_panels(3, panels, depth, a, b, c, c_stride, c_panel_stride, add); break;
        case 4: multiply_panels(4, panels, depth, a, b, c, c_stride, c_panel_stride, add); break;
        case 5: multiply_panels(5, panels, depth, a, b, c, c_stride, c_panel_stride, add); break;
        default: multiply_panels(6, panels, depth, a, b, c, c_stride, c_panel_stride, add);
        }
    }
}

/* Where the last panel of a row of C is not whole, the beginning of the next row overwrites the excess: C may be contiguous,
   with space for one more panel at its end. A C that is added to has rows of whole panels. */
static inline void multiply(long rows, long columns, long depth, left_t a, right_t b, float *c, long c_stride, int add)
{
    multiply_strips(rows, columns, depth, a, b, c, c_stride, PANEL, add);
}

/* C as a packed matrix. */
static inline void multiply_to_panels(long rows, long columns, long depth, left_t a, right_t b, float *c)
{
    multiply_strips(rows, columns, depth, a, b, c, PANEL, rows * PANEL, 0);
}

/* A left factor stored row after row, and the transpose of such a one. */
INLINE left_t plain(const float *data, long stride)
{
    return (left_t){data, stride, 1};
}

INLINE left_t transposed(const float *data, long stride)
{
    return (left_t){data, 1, stride};
}

/* A matrix of whole panels stored row after row. */
INLINE right_t in_rows(const float *data, long stride)
{
    return (right_t){data, PANEL, stride};
}

/* A packed matrix of `depth` rows: panel after panel. */
INLINE right_t packed(const float *data, long depth)
{
    return (right_t){data, depth * PANEL, PANEL};
}

/* Write a (depth, columns) matrix, element (k, j) at from[k * row_stride + j * column_stride], as panels; zeros fill the last
   one. These are some rows of a packed matrix whose depth is `total`. */
static inline void pack(float *to, long total, const float *from, long row_stride, long column_stride, long depth,
                        long columns)
{
    for (long j = 0; j < columns; j += PANEL, to += total * PANEL) {
        const long count = smaller(PANEL, columns - j);
        for (long k = 0; k < depth; k++)
            for (long i = 0; i < PANEL; i++)
                to[k * PANEL + i] = i < count ? from[k * row_stride + (j + i) * column_stride] : 0;
    }
}
#endif
