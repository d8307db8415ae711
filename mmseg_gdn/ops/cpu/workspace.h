/* The caller's memory, divided among the threads, and reductions over their parts of it. */
#ifndef MMSEG_GDN_WORKSPACE_H
#define MMSEG_GDN_WORKSPACE_H

#include <omp.h>

static inline long smaller(long a, long b)
{
    return a < b ? a : b;
}

static inline long larger(long a, long b)
{
    return a > b ? a : b;
}

static inline long quotient_up(long a, long b)
{
    return (a + b - 1) / b;
}

/* Memory of `used` floats so far; without a base it only counts. */
typedef struct {
    float *base;
    long used;
} workspace_t;

/* `count` floats, rounded up to whole cache lines. */
static inline float *allocate(workspace_t *workspace, long count)
{
    float *taken = workspace->base ? workspace->base + workspace->used : 0;
    workspace->used += quotient_up(count, 16) * 16;
    return taken;
}

/* to += from. Long sums of floats are made in two steps, of which the first begins at zero many times: the rounding errors
   of a single long sum would be several times as large. */
static inline void add_to(float *to, const float *from, long count)
{
    for (long i = 0; i < count; i++)
        to[i] += from[i];
}

/* to (columns) = the sum of `count` rows, `row_stride` floats apart, whose elements are `column_stride` apart. */
static inline void add_up(float *to, long columns, const float *from, long column_stride, long row_stride, int count)
{
    for (long j = 0; j < columns; j++) {
        float sum = 0;
        for (int k = 0; k < count; k++)
            sum += from[k * row_stride + j * column_stride];
        to[j] = sum;
    }
}
#endif
