/* The best class of each pixel of K_h x K_w^T. */
#include "bands.h"

typedef struct {
    float *columns, *image; /* K_w^T and an image's coarse scores, shared by the threads */
    float *rows, *scores;   /* per thread */
    long needed;
} buffers_t;

static buffers_t buffers_of(float *base, const shape_t *s, int thread)
{
    workspace_t workspace = {base, 0};
    buffers_t mine;
    mine.columns = allocate(&workspace, s->w * s->W_stride);
    mine.image = allocate(&workspace, s->h * s->map);
    for (int i = 0; i <= thread; i++) {
        mine.rows = allocate(&workspace, s->rows * s->map);
        mine.scores = allocate(&workspace, s->tile_rows * s->classes * s->tile_stride);
    }
    mine.needed = workspace.used;
    return mine;
}

long gdn_argmax_workspace(long images, long classes, long h, long w, long H, long W, int threads)
{
    const shape_t s = shape_of(images, classes, h, w, H, W, threads);
    return buffers_of(0, &s, threads - 1).needed;
}

/* The lowest of the classes with the largest score; NaN is the largest, as in torch.argmax. */
static void best_classes(int *best, const float *scores, long classes, long stride)
{
    for (int half = 0; half < PANEL; half += WIDTH) {
        vec largest = load(scores + half);
        ivec at = {0};
        for (int c = 1; c < classes; c++) {
            const vec score = load(scores + c * stride + half);
            const ivec better = ~(score <= largest) & (largest == largest);
            largest = where(better, score, largest);
            at = (ivec)where(better, (vec)(at * 0 + c), (vec)at);
        }
        memcpy(best + half, &at, sizeof at);
    }
}

/* x (images, classes, h, w), kernel_h (H, h), kernel_w (W, w); pixel (n, row, column) of best is at
   best[n * H * W + row * row_stride + column * column_stride]. */
void gdn_argmax(const float *x, const float *kernel_h, const float *kernel_w, int64_t *best, long row_stride,
                long column_stride, long images, long classes, long h, long w, long H, long W, float *workspace, int threads)
{
    const shape_t s = shape_of(images, classes, h, w, H, W, threads);
    pack(workspace, w, kernel_w, 1, w, w, W);
#pragma omp parallel num_threads(threads)
    {
        const buffers_t mine = buffers_of(workspace, &s, omp_get_thread_num());
        for (long n = 0; n < images; n++) {
            pack_image(mine.image, x + n * classes * h * w, &s, 1);
#pragma omp for schedule(dynamic)
            for (long band = 0; band < s.bands; band++) {
                const long first = first_row(&s, band), last = first_row(&s, band + 1);
                make_rows(mine.rows, mine.image, kernel_h, &s, first, last);
                for (long row = first; row < last; row += s.tile_rows)
                    for (long column = 0; column < W; column += s.tile_columns) {
                        const long count = smaller(s.tile_rows, last - row);
                        const long end = smaller(W, column + s.tile_columns);
                        make_scores(mine.scores, mine.rows + (row - first) * s.map, mine.columns, &s, count, column);
                        for (long i = 0; i < count; i++)
                            for (long j = column; j < end; j += PANEL) {
                                int at[PANEL];
                                int64_t *to = best + n * H * W + (row + i) * row_stride + j * column_stride;
                                best_classes(at, mine.scores + i * classes * s.tile_stride + j - column, classes,
                                             s.tile_stride);
                                for (long k = 0; k < smaller(PANEL, end - j); k++)
                                    to[k * column_stride] = at[k];
                            }
                    }
            }
        }
    }
}
