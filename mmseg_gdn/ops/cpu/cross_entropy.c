/* Softmax cross-entropy of K_h x K_w^T and its gradients, without the full-size scores. */
#include "bands.h"
#include "softmax_cross_entropy.h"

#define LOG2_E 1.4426950408889634f
#define GROUP_ROWS 48              /* of an image, at least, before the threads wait for each other */
#define SMALL_WORKSPACE (1L << 18) /* floats that are always allowed */

/* Pixel (n, row, column) of target, grad_losses and losses is at n * H * W + row * row_stride + column * column_stride.
   Results that are not wanted are NULL, and so are weights and gradients of one everywhere. */
typedef struct {
    const float *x, *kernel_h, *kernel_w; /* (images, classes, h, w), (H, h), (W, w) */
    const int64_t *target;
    const float *class_weight, *grad_losses;
    float *losses, *grad_x, *grad_kernel_h, *grad_kernel_w;
    double *totals; /* loss, weight, hits, lowest label, highest label */
    float *workspace;
    long images, classes, h, w, H, W, row_stride, column_stride, ignore_index;
    float max_loss;
    int threads;
} problem_t;

typedef struct {
    /* shared by the threads */
    float *columns, *columns_back; /* K_w^T and K_w, packed */
    float *image;                  /* coarse scores of an image, packed */
    float *grad_image;             /* (h, map) */
    float *grad_rows;              /* (rows of a group, map) */
    /* per thread */
    float *rows;                   /* (rows of a band, map) */
    float *scores;                 /* of a tile, then their gradient */
    float *class_grad_rows;        /* one class of a band's grad_rows, transposed and packed */
    float *band_grad_h;            /* (h, rows of a band) */
    float *grad_w, *tile_grad_w;   /* (w, W_stride), and (w, tile_stride) of a band's tiles in the same columns */
    long shared, needed;
} buffers_t;

/* Bands are worked on in groups, after each of which the threads together take its rows back to the coarse size. */
static long bands_of_group(const shape_t *s)
{
    return smaller(s->bands, quotient_up(GROUP_ROWS, s->rows * s->threads) * s->threads);
}

static buffers_t buffers_of(float *base, const shape_t *s, int thread, int with_gradients)
{
    workspace_t workspace = {base, 0};
    buffers_t mine;
    mine.columns = allocate(&workspace, s->w * s->W_stride);
    mine.image = allocate(&workspace, s->h * s->map);
    mine.columns_back = allocate(&workspace, with_gradients * s->w_stride * s->W);
    mine.grad_image = allocate(&workspace, with_gradients * s->h * s->map);
    mine.grad_rows = allocate(&workspace, with_gradients * bands_of_group(s) * s->rows * s->map);
    mine.shared = workspace.used;
    for (int i = 0; i <= thread; i++) {
        mine.rows = allocate(&workspace, s->rows * s->map);
        mine.scores = allocate(&workspace, s->tile_rows * s->classes * s->tile_stride);
        mine.class_grad_rows = allocate(&workspace, with_gradients * s->w * padded(s->rows));
        mine.band_grad_h = allocate(&workspace, with_gradients * s->h * padded(s->rows));
        mine.grad_w = allocate(&workspace, with_gradients * s->w * s->W_stride);
        mine.tile_grad_w = allocate(&workspace, with_gradients * s->w * s->tile_stride);
    }
    mine.needed = workspace.used;
    return mine;
}

/* As many of the threads as fit in a quarter of the memory of the full-size scores. */
static shape_t shape_for(long images, long classes, long h, long w, long H, long W, int threads, int with_gradients)
{
    const long most = larger(SMALL_WORKSPACE, images * classes * H * W / 4);
    shape_t s = shape_of(images, classes, h, w, H, W, threads);
    while (threads > 1 && buffers_of(0, &s, threads - 1, with_gradients).needed > most)
        s = shape_of(images, classes, h, w, H, W, --threads);
    return s;
}

long gdn_cross_entropy_workspace(long images, long classes, long h, long w, long H, long W, int threads, int with_gradients)
{
    const shape_t s = shape_for(images, classes, h, w, H, W, threads, with_gradients);
    return buffers_of(0, &s, s.threads - 1, with_gradients).needed;
}

static void read_pixels(pixels_t *pixels, sums_t *sums, const problem_t *p, long at, long count)
{
    for (long i = 0; i < PANEL; i++) {
        const long here = at + (i < count ? i : 0) * p->column_stride;
        const int64_t label = p->target[here];
        const int valid = i < count && label != p->ignore_index, known = valid && label >= 0 && label < p->classes;
        if (valid) {
            sums->lowest = smaller(sums->lowest, label);
            sums->highest = larger(sums->highest, label);
        }
        pixels->label[i] = known ? (int)label : 0;
        pixels->valid[i] = -valid;
        pixels->weight[i] = valid ? (p->class_weight ? p->class_weight[pixels->label[i]] : 1) : 0;
        pixels->factor[i] = p->grad_losses ? pixels->weight[i] * p->grad_losses[here] : pixels->weight[i];
    }
    for (int half = 0; half < PANEL; half += WIDTH)
        sums->weight += __builtin_convertvector(load(pixels->weight + half), dvec);
}

/* Losses of a tile; its scores become gradients. */
static void take_losses(float *scores, sums_t *sums, const problem_t *p, const shape_t *s, long image, long row, long count,
                        long column, int with_gradients)
{
    const long end = smaller(s->W, column + s->tile_columns);
    for (long i = 0; i < count; i++)
        for (long j = column; j < end; j += PANEL) {
            const long at = image * s->H * s->W + (row + i) * p->row_stride + j * p->column_stride;
            float *panel = scores + i * s->classes * s->tile_stride + j - column;
            pixels_t pixels;
            read_pixels(&pixels, sums, p, at, s->W - j);
            for (int half = 0; half < PANEL; half += WIDTH)
                softmax_cross_entropy(panel, s->tile_stride, s->classes, &pixels, half, p->max_loss, sums, with_gradients);
            for (long k = 0; p->losses && k < smaller(PANEL, end - j); k++)
                p->losses[at + k * p->column_stride] = pixels.loss[k];
        }
}

/* Multiply a tile's gradient back to the band's rows and to kernel_w. */
static void add_tile_gradients(const buffers_t *mine, const problem_t *p, const shape_t *s, float *grad_rows, long row,
                               long count, long column)
{
    const long columns = smaller(s->tile_columns, s->W - column), height = count * s->classes;
    if (p->grad_x || p->grad_kernel_h) {
        const right_t back = {mine->columns_back + column * PANEL, s->W * PANEL, PANEL};
        multiply(height, s->w, columns, plain(mine->scores, s->tile_stride), back, grad_rows + row * s->map, s->w_stride,
                 column > 0);
    }
    if (p->grad_kernel_w)
        multiply(s->w, columns, height, transposed(mine->rows + row * s->map, s->w_stride),
                 in_rows(mine->scores, s->tile_stride), mine->tile_grad_w, s->tile_stride, row > 0);
}

static void add_grad_w(const buffers_t *mine, const shape_t *s, long column)
{
    const long columns = padded(smaller(s->tile_columns, s->W - column));
    for (long k = 0; k < s->w; k++)
        add_to(mine->grad_w + k * s->W_stride + column, mine->tile_grad_w + k * s->tile_stride, columns);
}

/* What rows first ... last - 1 of an image add to the gradient of kernel_h: made transposed, because x can then be read as
   it is. */
static void add_grad_h(const buffers_t *mine, const problem_t *p, const shape_t *s, const float *grad_rows, long image,
                       long first, long last)
{
    const long count = last - first, stride = padded(count);
    for (long c = 0; c < s->classes; c++) {
        const float *x = p->x + (image * s->classes + c) * s->h * s->w;
        pack(mine->class_grad_rows, s->w, grad_rows + c * s->w_stride, 1, s->map, s->w, count);
        multiply(s->h, count, s->w, plain(x, s->w), packed(mine->class_grad_rows, s->w), mine->band_grad_h, stride, c > 0);
    }
    for (long i = 0; i < count; i++)
        for (long k = 0; k < s->h; k++)
            p->grad_kernel_h[(first + i) * s->h + k] += mine->band_grad_h[k * stride + i];
}

static void do_band(const buffers_t *mine, sums_t *sums, const problem_t *p, const shape_t *s, float *grad_rows, long image,
                    long band, int with_gradients)
{
    const long first = first_row(s, band), last = first_row(s, band + 1);
    if (first == last)
        return;
    make_rows(mine->rows, mine->image, p->kernel_h, s, first, last);
    for (long column = 0; column < s->W; column += s->tile_columns) {
        for (long row = 0; row < last - first; row += s->tile_rows) {
            const long count = smaller(s->tile_rows, last - first - row);
            make_scores(mine->scores, mine->rows + row * s->map, mine->columns, s, count, column);
            take_losses(mine->scores, sums, p, s, image, first + row, count, column, with_gradients);
            if (with_gradients)
                add_tile_gradients(mine, p, s, grad_rows, row, count, column);
        }
        if (p->grad_kernel_w)
            add_grad_w(mine, s, column);
    }
    if (p->grad_kernel_h)
        add_grad_h(mine, p, s, grad_rows, image, first, last);
}

/* Add what rows first ... last - 1 contribute to the image's gradient, some columns for each thread. */
static void add_grad_image(const buffers_t *mine, const problem_t *p, const shape_t *s, long first, long last)
{
    const long panels = s->map / PANEL;
#pragma omp for schedule(static)
    for (long thread = 0; thread < s->threads; thread++) {
        const long begin = thread * panels / s->threads * PANEL, end = (thread + 1) * panels / s->threads * PANEL;
        multiply(s->h, end - begin, last - first, transposed(p->kernel_h + first * s->h, s->h),
                 in_rows(mine->grad_rows + begin, s->map), mine->grad_image + begin, s->map, first > 0);
    }
}

static void write_grad_image(const buffers_t *mine, const problem_t *p, const shape_t *s, long image)
{
#pragma omp for schedule(static)
    for (long i = 0; i < s->classes * s->h; i++)
        memcpy(p->grad_x + (image * s->classes * s->h + i) * s->w,
               mine->grad_image + i % s->h * s->map + i / s->h * s->w_stride, s->w * sizeof(float));
}

static void do_image(const buffers_t *mine, sums_t *sums, const problem_t *p, const shape_t *s, long image,
                     int with_gradients)
{
    const float *x = p->x + image * s->classes * s->h * s->w;
    const long group = with_gradients ? bands_of_group(s) : s->bands;
    /* Base 2, whose exponential is the cheaper one; the factor costs least here, at the coarse size. */
    pack_image(mine->image, x, s, LOG2_E);
    for (long begin = 0; begin < s->bands; begin += group) {
        const long end = smaller(s->bands, begin + group), first = first_row(s, begin);
        /* The same bands for the same thread each time, so that sums are rounded in the same way each time. */
#pragma omp for schedule(static)
        for (long band = begin; band < end; band++)
            do_band(mine, sums, p, s, mine->grad_rows + (first_row(s, band) - first) * s->map, image, band, with_gradients);
        if (p->grad_x)
            add_grad_image(mine, p, s, first, first_row(s, end));
    }
    if (p->grad_x)
        write_grad_image(mine, p, s, image);
}

static void prepare(const buffers_t *mine, const problem_t *p, const shape_t *s, int with_gradients)
{
#pragma omp single nowait
    pack(mine->columns, s->w, p->kernel_w, 1, s->w, s->w, s->W);
    if (!with_gradients)
        return;
#pragma omp single nowait
    pack(mine->columns_back, s->W, p->kernel_w, s->w, 1, s->W, s->w);
#pragma omp for schedule(static)
    for (long i = 0; i < (p->grad_kernel_h ? s->H : 0); i++)
        memset(p->grad_kernel_h + i * s->h, 0, s->h * sizeof(float));
    memset(mine->grad_w, 0, s->w * s->W_stride * sizeof(float));
}

static void write_grad_w(const buffers_t *first, const problem_t *p, const shape_t *s)
{
#pragma omp for schedule(static)
    for (long i = 0; i < s->W; i++) {
        float *row = p->grad_kernel_w + i * s->w;
        add_up(row, s->w, first->grad_w + i, s->W_stride, first->needed - first->shared,
               omp_get_num_threads());
        for (long j = 0; j < s->w; j++)
            row[j] *= LN_2; /* the factor was made with scores to base 2 */
    }
}

static void add_sums(double *totals, const sums_t *sums)
{
    for (int i = 0; i < WIDTH; i++) {
        totals[0] += sums->loss[i];
        totals[1] += sums->weight[i];
    }
    totals[2] += sums->hits;
    totals[3] = smaller(totals[3], sums->lowest);
    totals[4] = larger(totals[4], sums->highest);
}

void gdn_cross_entropy(const problem_t *p)
{
    const int with_gradients = p->grad_x || p->grad_kernel_h || p->grad_kernel_w;
    const shape_t s = shape_for(p->images, p->classes, p->h, p->w, p->H, p->W, p->threads, with_gradients);
    sums_t sums[s.threads];
    memset(sums, 0, sizeof sums);
#pragma omp parallel num_threads(s.threads)
    {
        const int thread = omp_get_thread_num();
        const buffers_t mine = buffers_of(p->workspace, &s, thread, with_gradients);
        sums_t thread_sums = {.hits = 0}; /* local: in `sums` threads would share cache lines */
        prepare(&mine, p, &s, with_gradients);
        for (long n = 0; n < s.images; n++)
            do_image(&mine, &thread_sums, p, &s, n, with_gradients);
        if (p->grad_kernel_w) {
            const buffers_t first = buffers_of(p->workspace, &s, 0, with_gradients);
            write_grad_w(&first, p, &s);
        }
        sums[thread] = thread_sums;
    }
    for (int i = 0; i < s.threads; i++)
        add_sums(p->totals, &sums[i]);
}
