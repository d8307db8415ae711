/* y = K_h x K_w^T for many maps x, in the order that the caller chooses. */
#include <stdint.h>

#include "products.h"

#define ROWS 48                /* of a map at a time */
#define STREAM_FROM (1L << 21) /* floats: results this large are written past the caches */

typedef struct {
    const float *x, *kernel_h, *kernel_w;
    float *y;
    long maps, h, w, H, W;
    int rows_first, past_caches;
} problem_t;

typedef struct {
    float *columns; /* K_w^T, shared by the threads */
    float *map;     /* per thread, packed: x or, columns first, x K_w^T */
    float *rows;    /* per thread: rows of K_h x, rows first only */
    float *fine;    /* per thread: a few rows of y */
    long needed;
} buffers_t;

static buffers_t buffers_of(float *base, long h, long w, long W, int rows_first, int thread)
{
    workspace_t workspace = {base, 0};
    buffers_t mine;
    mine.columns = allocate(&workspace, w * padded(W));
    for (int i = 0; i <= thread; i++) {
        mine.map = allocate(&workspace, h * padded(rows_first ? w : W));
        mine.rows = allocate(&workspace, rows_first ? ROWS * padded(w) : 0);
        mine.fine = allocate(&workspace, BLOCK * W + PANEL);
    }
    mine.needed = workspace.used;
    return mine;
}

long gdn_product_workspace(long h, long w, long W, int rows_first, int threads)
{
    return buffers_of(0, h, w, W, rows_first, threads - 1).needed;
}

static void prepare_map(const buffers_t *mine, const problem_t *p, const float *x)
{
    if (p->rows_first)
        pack(mine->map, p->h, x, p->w, 1, p->h, p->w);
    else
        multiply_to_panels(p->h, p->W, p->w, plain(x, p->w), packed(mine->columns, p->w), mine->map);
}

/* Copy past the caches, which would first read the memory to be overwritten. */
static void stream(float *to, const float *from, long count)
{
    long i = smaller(count, (32 - (uintptr_t)to % 32) % 32 / sizeof(float));
    memcpy(to, from, i * sizeof(float));
    for (; i + WIDTH <= count; i += WIDTH)
        _mm256_stream_ps(to + i, load(from + i));
    memcpy(to + i, from + i, (count - i) * sizeof(float));
}

/* y (count, W) = A (count, depth) B (depth, W). */
static void write_product(const buffers_t *mine, const problem_t *p, float *y, long count, long depth, left_t a, right_t b)
{
    for (long i = 0, few; i < count; i += few, a.data += few * a.row_stride, y += few * p->W) {
        few = next_strip(count - i);
        multiply(few, p->W, depth, a, b, mine->fine, p->W, 0);
        if (p->past_caches)
            stream(y, mine->fine, few * p->W);
        else
            memcpy(y, mine->fine, few * p->W * sizeof(float));
    }
}

static void make_rows(const buffers_t *mine, const problem_t *p, const float *kernel_rows, float *y, long count)
{
    const long w_stride = padded(p->w);
    const left_t kernel = plain(kernel_rows, p->h);
    const right_t map = packed(mine->map, p->h);
    if (p->rows_first) {
        multiply(count, w_stride, p->h, kernel, map, mine->rows, w_stride, 0);
        write_product(mine, p, y, count, p->w, plain(mine->rows, w_stride), packed(mine->columns, p->w));
    } else {
        write_product(mine, p, y, count, p->h, kernel, map);
    }
}

/* x (maps, h, w), kernel_h (H, h), kernel_w (W, w), y (maps, H, W). */
void gdn_product(const float *x, const float *kernel_h, const float *kernel_w, float *y, long maps, long h, long w,
                 long H, long W, int rows_first, float *workspace, int threads)
{
    const problem_t p = {x, kernel_h, kernel_w, y, maps, h, w, H, W, rows_first, maps * H * W >= STREAM_FROM};
    const long blocks = quotient_up(H, ROWS), tasks = maps * blocks;
    /* Any idle thread takes the next rows. Columns first, a thread takes adjacent ones, so that few products x K_w^T are
       computed twice. */
    const long chunk = rows_first ? 1 : quotient_up(tasks, threads);
    pack(workspace, w, kernel_w, 1, w, w, W);
#pragma omp parallel num_threads(threads)
    {
        const buffers_t mine = buffers_of(workspace, h, w, W, rows_first, omp_get_thread_num());
        long prepared = -1;
#pragma omp for schedule(dynamic, chunk)
        for (long task = 0; task < tasks; task++) {
            const long m = task / blocks, first = task % blocks * ROWS;
            if (m != prepared)
                prepare_map(&mine, &p, x + m * h * w);
            prepared = m;
            make_rows(&mine, &p, kernel_h + first * h, y + (m * H + first) * W, smaller(ROWS, H - first));
        }
        _mm_sfence();
    }
}
