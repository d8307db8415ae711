/* Products of small matrices, whose right factor is read in panels of 16 columns. */
#ifndef MMSEG_GDN_PRODUCTS_H
#define MMSEG_GDN_PRODUCTS_H

#include "room.h"
#include "vectors.h"

#define PANEL (2 * WIDTH)
#define BLOCK 6 /* rows of one panel whose sums, with a row of the panel and a factor, fill 15 of 16 registers */

/* A left factor: element (i, k) stands at data[i * row + k * step]. */
typedef struct {
    const float *data;
    long row, step;
} left_t;

/* A right factor: element (k, j) stands at data[j / PANEL * panel + k * step + j % PANEL]. */
typedef struct {
    const float *data;
    long panel, step;
} right_t;

static inline long panels_of(long columns)
{
    return quotient_up(columns, PANEL);
}

static inline long padded(long columns)
{
    return panels_of(columns) * PANEL;
}

typedef vec block_t[BLOCK][2]; /* of a block of 6 rows by one panel, in registers */

/* sums += column a of a left factor times row b of a panel. */
INLINE void add_step(const int rows, block_t sums, const float *a, long a_row, const float *b)
{
    const vec b0 = load(b), b1 = load(b + WIDTH);
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        const vec factor = splat(a[i * a_row]);
        sums[i][0] += factor * b0;
        sums[i][1] += factor * b1;
    }
}

INLINE void store_block(const int rows, block_t sums, float *c, long c_row)
{
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        store(c + i * c_row, sums[i][0]);
        store(c + i * c_row + WIDTH, sums[i][1]);
    }
}

INLINE void multiply_block(const int rows, long depth, left_t a, const float *b, long b_step, float *c, long c_row,
                           int add)
{
    block_t sums;
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        sums[i][0] = add ? load(c + i * c_row) : splat(0);
        sums[i][1] = add ? load(c + i * c_row + WIDTH) : splat(0);
    }
    for (long k = 0; k < depth; k++)
        add_step(rows, sums, a.data + k * a.step, a.row, b + k * b_step);
    store_block(rows, sums, c, c_row);
}

INLINE void multiply_strip(const int rows, long panels, long depth, left_t a, right_t b, float *c, long c_row, long c_panel,
                           int add)
{
    for (long j = panels - 1; j >= 0; j--)
        multiply_block(rows, depth, a, b.data + j * b.panel, b.step, c + j * c_panel, c_row, add);
}

/* `strip(rows, ...)` for a number of rows that the compiler knows: loops over them are unrolled. */
#define WITH_KNOWN_ROWS(strip, rows, ...)                                                                              \
    switch (rows) {                                                                                                    \
    case 1: strip(1, __VA_ARGS__); break;                                                                              \
    case 2: strip(2, __VA_ARGS__); break;                                                                              \
    case 3: strip(3, __VA_ARGS__); break;                                                                              \
    case 4: strip(4, __VA_ARGS__); break;                                                                              \
    case 5: strip(5, __VA_ARGS__); break;                                                                              \
    default: strip(6, __VA_ARGS__);                                                                                    \
    }

/* How many of `left` rows to take next, so that strips are about as high. */
static inline long next_strip(long left)
{
    return quotient_up(left, quotient_up(left, BLOCK));
}

/* C (rows, columns) = A (rows, depth) B (depth, columns), or that added to C. Whole panels are written,
   the last one first: what it writes beyond a row of C that is no whole panel is overwritten by the next row's
   beginning, so that C may lie in memory without gaps, with room for one panel behind its end. */
static void multiply(long rows, long columns, long depth, left_t a, right_t b, float *c, long c_row, int add)
{
    const long panels = panels_of(columns);
    for (long i = 0, count; i < rows; i += count, a.data += count * a.row, c += count * c_row) {
        count = next_strip(rows - i);
        WITH_KNOWN_ROWS(multiply_strip, count, panels, depth, a, b, c, c_row, PANEL, add)
    }
}

/* The same, as a packed matrix. */
static inline void multiply_to_panels(long rows, long columns, long depth, left_t a, right_t b, float *c)
{
    const long panels = panels_of(columns), c_panel = rows * PANEL;
    for (long left = rows, count; left > 0; left -= count, a.data += count * a.row, c += count * PANEL) {
        count = next_strip(left);
        WITH_KNOWN_ROWS(multiply_strip, count, panels, depth, a, b, c, PANEL, c_panel, 0)
    }
}

/* A left factor that lies in memory row after row, and the transpose of such a one. */
INLINE left_t plain(const float *data, long row)
{
    return (left_t){data, row, 1};
}

INLINE left_t transposed(const float *data, long row)
{
    return (left_t){data, 1, row};
}

/* A matrix of whole panels that lies in memory row after row. */
INLINE right_t in_rows(const float *data, long row)
{
    return (right_t){data, PANEL, row};
}

/* A packed matrix of `depth` rows: panel after panel. */
INLINE right_t packed(const float *data, long depth)
{
    return (right_t){data, depth * PANEL, PANEL};
}

/* Write a (depth, columns) matrix, element (k, j) at from[k * row + j * step], as panels; zeros fill the last one.
   These are some rows of a packed matrix whose depth is `total`. */
static inline void pack(float *to, long total, const float *from, long row, long step, long depth, long columns)
{
    for (long j = 0; j < columns; j += PANEL, to += total * PANEL) {
        const long count = smaller(PANEL, columns - j);
        for (long k = 0; k < depth; k++)
            for (long i = 0; i < PANEL; i++)
                to[k * PANEL + i] = i < count ? from[k * row + (j + i) * step] : 0;
    }
}
#endif
