/* The best class of each pixel of K_h x K_w^T. */
#include "bands.h"

typedef struct {
    float *columns, *image; /* K_w^T and an image's coarse scores, for all threads */
    float *lines, *scores;  /* a thread's own */
    long needed;
} workspace_t;

static workspace_t workspace_of(float *base, const shape_t *s, int thread)
{
    room_t room = {base, 0};
    workspace_t mine;
    mine.columns = take(&room, s->w * s->W_row);
    mine.image = take(&room, s->h * s->map);
    for (int i = 0; i <= thread; i++) {
        mine.lines = take(&room, s->lines * s->map);
        mine.scores = take(&room, s->tile_lines * s->classes * s->tile_row);
    }
    mine.needed = room.used;
    return mine;
}

long gdn_argmax_room(long images, long classes, long h, long w, long H, long W, int threads)
{
    const shape_t s = shape_of(images, classes, h, w, H, W, threads);
    return workspace_of(0, &s, threads - 1).needed;
}

/* The lowest of the classes with the largest score; a score that is no number is the largest, as for torch.argmax. */
static void best_classes(int *best, const float *scores, long classes, long row)
{
    for (int half = 0; half < PANEL; half += WIDTH) {
        vec largest = load(scores + half);
        ivec at = {0};
        for (int c = 1; c < classes; c++) {
            const vec score = load(scores + c * row + half);
            const ivec better = ~(score <= largest) & (largest == largest);
            largest = where(better, score, largest);
            at = (ivec)where(better, (vec)(at * 0 + c), (vec)at);
        }
        memcpy(best + half, &at, sizeof at);
    }
}

/* x (images, classes, h, w), kernel_h (H, h), kernel_w (W, w); pixel (n, line, column) of best stands at
   best[n * H * W + line * line_step + column * column_step]. */
void gdn_argmax(const float *x, const float *kernel_h, const float *kernel_w, int64_t *best, long line_step,
                long column_step, long images, long classes, long h, long w, long H, long W, float *room, int threads)
{
    const shape_t s = shape_of(images, classes, h, w, H, W, threads);
    pack(room, w, kernel_w, 1, w, w, W);
#pragma omp parallel num_threads(threads)
    {
        const workspace_t mine = workspace_of(room, &s, omp_get_thread_num());
        for (long n = 0; n < images; n++) {
            pack_image(mine.image, x + n * classes * h * w, &s, 1);
#pragma omp for schedule(dynamic)
            for (long band = 0; band < s.bands; band++) {
                const long first = first_line(&s, band), last = first_line(&s, band + 1);
                make_lines(mine.lines, mine.image, kernel_h, &s, first, last);
                for (long line = first; line < last; line += s.tile_lines)
                    for (long column = 0; column < W; column += s.tile_columns) {
                        const long count = smaller(s.tile_lines, last - line);
                        const long end = smaller(W, column + s.tile_columns);
                        make_scores(mine.scores, mine.lines + (line - first) * s.map, mine.columns, &s, count, column);
                        for (long i = 0; i < count; i++)
                            for (long j = column; j < end; j += PANEL) {
                                int at[PANEL];
                                int64_t *to = best + n * H * W + (line + i) * line_step + j * column_step;
                                best_classes(at, mine.scores + i * classes * s.tile_row + j - column, classes,
                                             s.tile_row);
                                for (long k = 0; k < smaller(PANEL, end - j); k++)
                                    to[k * column_step] = at[k];
                            }
                    }
            }
        }
    }
}
