/* Softmax cross-entropy of K_h x K_w^T and its gradients, without the full-size scores. */
#include "bands.h"
#include "softmax.h"

#define LOG2_E 1.4426950408889634f

/* Pixel (n, line, column) of target, grad_losses and losses stands at n * H * W + line * line_step + column * column_step.
   What is not wanted, or is one everywhere, is NULL. */
typedef struct {
    const float *x, *kernel_h, *kernel_w; /* (images, classes, h, w), (H, h), (W, w) */
    const int64_t *target;
    const float *class_weight, *grad_losses;
    float *losses, *grad_x, *grad_kernel_h, *grad_kernel_w;
    double *totals; /* loss, weight, hits, lowest label, highest label */
    float *room;
    long images, classes, h, w, H, W, line_step, column_step, ignore_index;
    float max_loss;
    int with_hits, threads;
} problem_t;

typedef struct {
    float *columns, *columns_back, *image, *image_transposed;                        /* for all threads */
    float *lines, *grad_lines, *scores, *grad_image, *grad_h, *grad_w, *band_grad_w; /* a thread's own */
    long shared, needed;
} workspace_t;

static workspace_t workspace_of(float *base, const shape_t *s, int thread, int with_gradients)
{
    room_t room = {base, 0};
    workspace_t mine;
    mine.columns = take(&room, s->w * s->W_row);
    mine.image = take(&room, s->h * s->map);
    mine.columns_back = take(&room, with_gradients * s->w_row * s->W);
    mine.image_transposed = take(&room, with_gradients * s->h_row * s->map);
    mine.shared = room.used;
    for (int i = 0; i <= thread; i++) {
        mine.lines = take(&room, s->lines * s->map);
        mine.scores = take(&room, s->tile_lines * s->classes * s->tile_row);
        mine.grad_lines = take(&room, with_gradients * s->lines * s->map);
        mine.grad_image = take(&room, with_gradients * s->h * s->map);
        mine.grad_h = take(&room, with_gradients * s->H * s->h_row);
        mine.grad_w = take(&room, with_gradients * s->w * s->W_row);
        mine.band_grad_w = take(&room, with_gradients * s->w * s->W_row);
    }
    mine.needed = room.used;
    return mine;
}

long gdn_cross_entropy_room(long images, long classes, long h, long w, long H, long W, int threads, int with_gradients)
{
    const shape_t s = shape_of(images, classes, h, w, H, W, threads);
    return workspace_of(0, &s, threads - 1, with_gradients).needed;
}

/* Coarse scores of an image with classes and columns as rows, (map, h), which the gradient of kernel_h is made with. */
static void pack_image_transposed(float *to, const float *x, const shape_t *s)
{
#pragma omp for schedule(static)
    for (long c = 0; c < s->classes; c++)
        pack(to + c * s->w_row * PANEL, s->map, x + c * s->h * s->w, 1, s->w, s->w, s->h);
}

static void read_pixels(pixels_t *pixels, sums_t *sums, const problem_t *p, long at, long count)
{
    for (long i = 0; i < PANEL; i++) {
        const long here = at + (i < count ? i : 0) * p->column_step;
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
static void soften_tile(float *scores, sums_t *sums, const problem_t *p, const shape_t *s, long image, long line,
                        long count, long column, int with_gradient)
{
    const long end = smaller(s->W, column + s->tile_columns);
    for (long i = 0; i < count; i++)
        for (long j = column; j < end; j += PANEL) {
            const long at = image * s->H * s->W + (line + i) * p->line_step + j * p->column_step;
            float *panel = scores + i * s->classes * s->tile_row + j - column;
            pixels_t pixels;
            read_pixels(&pixels, sums, p, at, s->W - j);
            for (int half = 0; half < PANEL; half += WIDTH)
                soften(panel, s->tile_row, s->classes, &pixels, half, p->max_loss, sums, with_gradient, p->with_hits);
            for (long k = 0; p->losses && k < smaller(PANEL, end - j); k++)
                p->losses[at + k * p->column_step] = pixels.loss[k];
        }
}

static void add_tile_gradients(const workspace_t *mine, const problem_t *p, const shape_t *s, long line, long count,
                               long column)
{
    const long columns = smaller(s->tile_columns, s->W - column), rows = count * s->classes;
    if (p->grad_x || p->grad_kernel_h) {
        const right_t back = {mine->columns_back + column * PANEL, s->W * PANEL, PANEL};
        multiply(rows, s->w, columns, plain(mine->scores, s->tile_row), back, mine->grad_lines + line * s->map, s->w_row,
                 column > 0);
    }
    if (p->grad_kernel_w)
        multiply(s->w, columns, rows, transposed(mine->lines + line * s->map, s->w_row),
                 in_rows(mine->scores, s->tile_row), mine->band_grad_w + column, s->W_row, line > 0);
}

static void add_band_gradients(const workspace_t *mine, const problem_t *p, const shape_t *s, long first, long last)
{
    if (p->grad_x)
        multiply(s->h, s->map, last - first, transposed(p->kernel_h + first * s->h, s->h),
                 in_rows(mine->grad_lines, s->map), mine->grad_image, s->map, 1);
    if (p->grad_kernel_h)
        multiply(last - first, s->h, s->map, plain(mine->grad_lines, s->map), packed(mine->image_transposed, s->map),
                 mine->grad_h + first * s->h_row, s->h_row, 1);
    if (p->grad_kernel_w && last > first)
        add_to(mine->grad_w, mine->band_grad_w, s->w * s->W_row);
}

static void do_band(const workspace_t *mine, sums_t *sums, const problem_t *p, const shape_t *s, long image, long band,
                    int with_gradient)
{
    const long first = first_line(s, band), last = first_line(s, band + 1);
    make_lines(mine->lines, mine->image, p->kernel_h, s, first, last);
    for (long line = 0; line < last - first; line += s->tile_lines) {
        const long count = smaller(s->tile_lines, last - first - line);
        for (long column = 0; column < s->W; column += s->tile_columns) {
            make_scores(mine->scores, mine->lines + line * s->map, mine->columns, s, count, column);
            soften_tile(mine->scores, sums, p, s, image, first + line, count, column, with_gradient);
            if (with_gradient)
                add_tile_gradients(mine, p, s, line, count, column);
        }
    }
    if (with_gradient)
        add_band_gradients(mine, p, s, first, last);
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

static void prepare(const workspace_t *mine, const problem_t *p, const shape_t *s, int with_gradients)
{
#pragma omp single nowait
    pack(mine->columns, s->w, p->kernel_w, 1, s->w, s->w, s->W);
    if (!with_gradients)
        return;
#pragma omp single nowait
    pack(mine->columns_back, s->W, p->kernel_w, s->w, 1, s->W, s->w);
    /* Products read the columns that fill up a panel, so they must be numbers. */
#pragma omp for schedule(static)
    for (long i = 0; i < s->h_row; i++)
        memset(mine->image_transposed + i * s->map, 0, s->map * sizeof(float));
    memset(mine->grad_lines, 0, s->lines * s->map * sizeof(float));
    memset(mine->grad_h, 0, s->H * s->h_row * sizeof(float));
    memset(mine->grad_w, 0, s->w * s->W_row * sizeof(float));
}

static void do_image(const workspace_t *mine, sums_t *sums, const problem_t *p, const shape_t *s, long image,
                     int with_gradients)
{
    const float *x = p->x + image * s->classes * s->h * s->w;
    /* Base 2, whose exponential is the cheaper one; the factor costs least here, at the coarse size. */
    pack_image(mine->image, x, s, LOG2_E);
    if (with_gradients) {
        pack_image_transposed(mine->image_transposed, x, s);
        memset(mine->grad_image, 0, s->h * s->map * sizeof(float));
    }
    /* The same bands for the same thread each time, so that sums are rounded in the same way each time. */
#pragma omp for schedule(static)
    for (long band = 0; band < s->bands; band++)
        do_band(mine, sums, p, s, image, band, with_gradients);
}

/* What the threads gathered of the gradients of an image's coarse scores. */
static void finish_image(const workspace_t *first, const problem_t *p, const shape_t *s, long image, long apart, int team)
{
#pragma omp for schedule(static)
    for (long i = 0; i < (p->grad_x ? s->classes * s->h : 0); i++)
        add_up(p->grad_x + (image * s->classes * s->h + i) * s->w, s->w,
               first->grad_image + i % s->h * s->map + i / s->h * s->w_row, 1, apart, team);
}

static void finish(const workspace_t *first, const problem_t *p, const shape_t *s, long apart, int team)
{
#pragma omp for schedule(static) nowait
    for (long i = 0; i < (p->grad_kernel_h ? s->H : 0); i++)
        add_up(p->grad_kernel_h + i * s->h, s->h, first->grad_h + i * s->h_row, 1, apart, team);
#pragma omp for schedule(static)
    for (long i = 0; i < (p->grad_kernel_w ? s->W : 0); i++) {
        float *row = p->grad_kernel_w + i * s->w;
        add_up(row, s->w, first->grad_w + i, s->W_row, apart, team);
        for (long j = 0; j < s->w; j++)
            row[j] *= LN_2; /* it met scores to base 2 */
    }
}

void gdn_cross_entropy(const problem_t *p)
{
    const shape_t s = shape_of(p->images, p->classes, p->h, p->w, p->H, p->W, p->threads);
    const int with_gradients = p->grad_x || p->grad_kernel_h || p->grad_kernel_w;
    sums_t sums[p->threads];
    int team = 1;
#pragma omp parallel num_threads(p->threads)
    {
        const int thread = omp_get_thread_num();
        const workspace_t mine = workspace_of(p->room, &s, thread, with_gradients);
        const workspace_t first = workspace_of(p->room, &s, 0, with_gradients);
        const long apart = first.needed - first.shared;
        sums_t own_sums = {.hits = 0};
#pragma omp single
        team = omp_get_num_threads();
        prepare(&mine, p, &s, with_gradients);
        for (long n = 0; n < s.images; n++) {
            do_image(&mine, &own_sums, p, &s, n, with_gradients);
            finish_image(&first, p, &s, n, apart, team);
        }
        finish(&first, p, &s, apart, team);
        sums[thread] = own_sums;
    }
    for (int i = 0; i < team; i++)
        add_sums(p->totals, &sums[i]);
}
