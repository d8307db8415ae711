/* Gradients of y = K_h x K_w^T for many maps x. */
#include "products.h"

#define ROWS 72      /* of the gradient of a map at a time: they are read twice, the second time from a cache */
#define MOST_PARTS 8 /* of a map, for different threads */

typedef struct {
    long maps, h, w, H, W, parts, h_row, w_row, W_row;
} sizes_t;

typedef struct {
    float *columns;   /* K_w, for all threads */
    float *grad_maps; /* (parts, maps, h, w_row), for all threads */
    float *map, *map_transposed, *rows, *grad_rows, *edge, *grad_h, *grad_w, *map_grad_w; /* a thread's own */
    long shared, needed;
} workspace_t;

static sizes_t sizes_of(long maps, long h, long w, long H, long W, int threads)
{
    sizes_t s = {maps, h, w, H, W, 1, padded(h), padded(w), padded(W)};
    /* As few parts as let the threads finish at about the same time. */
    while (s.parts < MOST_PARTS && s.parts * ROWS < H &&
           quotient_up(maps * s.parts, threads) * threads > 1.05 * maps * s.parts)
        s.parts++;
    return s;
}

static workspace_t workspace_of(float *base, const sizes_t *s, int thread)
{
    room_t room = {base, 0};
    workspace_t mine;
    mine.columns = take(&room, s->w_row * s->W);
    mine.grad_maps = take(&room, s->parts * s->maps * s->h * s->w_row);
    mine.shared = room.used;
    for (int i = 0; i <= thread; i++) {
        mine.map = take(&room, s->h * s->w_row);
        mine.map_transposed = take(&room, s->w * s->h_row);
        mine.rows = take(&room, ROWS * s->w_row);
        mine.grad_rows = take(&room, ROWS * s->w_row);
        mine.edge = take(&room, ROWS * PANEL);
        mine.grad_h = take(&room, s->H * s->h_row);
        mine.grad_w = take(&room, s->w * s->W_row);
        mine.map_grad_w = take(&room, s->w * s->W_row);
    }
    mine.needed = room.used;
    return mine;
}

long gdn_product_gradients_room(long maps, long h, long w, long H, long W, int threads)
{
    const sizes_t s = sizes_of(maps, h, w, H, W, threads);
    return workspace_of(0, &s, threads - 1).needed;
}

/* map_grad_w (w, W_row) = or += rows^T grad: whole panels where they lie, the rest from a copy. */
static void add_grad_w(const workspace_t *mine, const sizes_t *s, const float *grad, long count, int add)
{
    const long rest = s->W % PANEL, whole = s->W - rest;
    const left_t rows = transposed(mine->rows, s->w_row);
    multiply(s->w, whole, count, rows, in_rows(grad, s->W), mine->map_grad_w, s->W_row, add);
    if (rest) {
        pack(mine->edge, count, grad + whole, s->W, 1, count, rest);
        multiply(s->w, rest, count, rows, packed(mine->edge, count), mine->map_grad_w + whole, s->W_row, add);
    }
}

/* Gradients from `count` rows of the gradient of a map; those of the map and map_grad_w begin with its first ones. */
static void add_rows(const workspace_t *mine, const sizes_t *s, const float *kernel_rows, const float *grad,
                     float *grad_map, float *grad_h, int needs_w, long count, int is_first)
{
    /* Rows are read one after the other here, and come from a cache when add_grad_w reads them in panels. */
    if (grad_map || grad_h)
        multiply(count, s->w, s->W, plain(grad, s->W), packed(mine->columns, s->W), mine->grad_rows, s->w_row, 0);
    if (grad_map)
        multiply(s->h, s->w, count, transposed(kernel_rows, s->h), in_rows(mine->grad_rows, s->w_row), grad_map,
                 s->w_row, !is_first);
    if (grad_h)
        multiply(count, s->h, s->w, plain(mine->grad_rows, s->w_row), packed(mine->map_transposed, s->w), grad_h,
                 s->h_row, 1);
    if (needs_w) {
        multiply(count, s->w, s->h, plain(kernel_rows, s->h), packed(mine->map, s->h), mine->rows, s->w_row, 0);
        add_grad_w(mine, s, grad, count, !is_first);
    }
}

/* x (maps, h, w), kernel_h (H, h), kernel_w (W, w), grad (maps, H, W). Gradients have the shapes of what they belong to;
   those not wanted are NULL. */
void gdn_product_gradients(const float *x, const float *kernel_h, const float *kernel_w, const float *grad, float *grad_x,
                           float *grad_kernel_h, float *grad_kernel_w, long maps, long h, long w, long H, long W,
                           float *room, int threads)
{
    const sizes_t s = sizes_of(maps, h, w, H, W, threads);
    pack(room, W, kernel_w, w, 1, W, w);
#pragma omp parallel num_threads(threads)
    {
        const workspace_t mine = workspace_of(room, &s, omp_get_thread_num());
        const long own = workspace_of(0, &s, 0).needed - mine.shared;
        memset(mine.grad_h, 0, H * s.h_row * sizeof(float));
        memset(mine.grad_w, 0, w * s.W_row * sizeof(float));
        /* The same parts for the same thread each time, so that sums are rounded in the same way each time. */
#pragma omp for schedule(static)
        for (long task = 0; task < maps * s.parts; task++) {
            const long m = task / s.parts, part = task % s.parts;
            const long first = part * H / s.parts, last = (part + 1) * H / s.parts;
            float *grad_map = grad_x ? mine.grad_maps + (part * maps + m) * h * s.w_row : 0;
            pack(mine.map, h, x + m * h * w, w, 1, h, w);
            pack(mine.map_transposed, w, x + m * h * w, 1, w, w, h);
            for (long row = first; row < last; row += ROWS)
                add_rows(&mine, &s, kernel_h + row * h, grad + (m * H + row) * W, grad_map,
                         grad_kernel_h ? mine.grad_h + row * s.h_row : 0, grad_kernel_w != 0,
                         smaller(ROWS, last - row), row == first);
            if (grad_kernel_w && last > first)
                add_to(mine.grad_w, mine.map_grad_w, w * s.W_row);
        }
        const workspace_t first = workspace_of(room, &s, 0);
        const int team = omp_get_num_threads();
#pragma omp for schedule(static) nowait
        for (long i = 0; i < (grad_x ? maps * h : 0); i++)
            add_up(grad_x + i * w, w, first.grad_maps + i * s.w_row, 1, maps * h * s.w_row, s.parts);
#pragma omp for schedule(static) nowait
        for (long i = 0; i < (grad_kernel_h ? H : 0); i++)
            add_up(grad_kernel_h + i * h, h, first.grad_h + i * s.h_row, 1, own, team);
#pragma omp for schedule(static)
        for (long i = 0; i < (grad_kernel_w ? W : 0); i++)
            add_up(grad_kernel_w + i * w, w, first.grad_w + i, s.W_row, own, team);
    }
}
