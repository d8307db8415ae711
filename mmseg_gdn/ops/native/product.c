/* y = K_h x K_w^T for many maps x. */
#include <stdint.h>

#include "products.h"

#define ROWS 48                /* of a map at a time */
#define STREAM_FROM (1L << 21) /* floats: a result larger than the caches is better written past them */

typedef struct {
    float *columns;           /* K_w^T, for all threads */
    float *map, *rows, *fine; /* a thread's own: x, some rows of K_h x, a few rows of y */
    long needed;
} workspace_t;

static workspace_t workspace_of(float *base, long h, long w, long W, int thread)
{
    room_t room = {base, 0};
    workspace_t mine;
    mine.columns = take(&room, w * padded(W));
    for (int i = 0; i <= thread; i++) {
        mine.map = take(&room, h * padded(w));
        mine.rows = take(&room, ROWS * padded(w));
        mine.fine = take(&room, BLOCK * W + PANEL);
    }
    mine.needed = room.used;
    return mine;
}

long gdn_product_room(long h, long w, long W, int threads)
{
    return workspace_of(0, h, w, W, threads - 1).needed;
}

/* Copy past the caches, which would have to read the memory that is overwritten. */
static void stream(float *to, const float *from, long count)
{
    long i = smaller(count, (32 - (uintptr_t)to % 32) % 32 / sizeof(float));
    memcpy(to, from, i * sizeof(float));
    for (; i + WIDTH <= count; i += WIDTH)
        _mm256_stream_ps(to + i, load(from + i));
    memcpy(to + i, from + i, (count - i) * sizeof(float));
}

/* x (maps, h, w), kernel_h (H, h), kernel_w (W, w), y (maps, H, W). */
void gdn_product(const float *x, const float *kernel_h, const float *kernel_w, float *y, long maps, long h, long w,
                 long H, long W, float *room, int threads)
{
    const long w_row = padded(w), blocks = quotient_up(H, ROWS);
    const int past_caches = maps * H * W >= STREAM_FROM;
    pack(room, w, kernel_w, 1, w, w, W);
#pragma omp parallel num_threads(threads)
    {
        const workspace_t mine = workspace_of(room, h, w, W, omp_get_thread_num());
        long packed_map = -1;
#pragma omp for schedule(dynamic)
        for (long task = 0; task < maps * blocks; task++) {
            const long m = task / blocks, first = task % blocks * ROWS, count = smaller(ROWS, H - first);
            if (m != packed_map)
                pack(mine.map, h, x + m * h * w, w, 1, h, w);
            packed_map = m;
            multiply(count, w_row, h, plain(kernel_h + first * h, h), packed(mine.map, h), mine.rows, w_row, 0);
            for (long i = 0; i < count; i += BLOCK) {
                const long few = smaller(BLOCK, count - i);
                float *to = y + (m * H + first + i) * W;
                multiply(few, W, w, plain(mine.rows + i * w_row, w_row), packed(mine.columns, w), mine.fine, W, 0);
                if (past_caches)
                    stream(to, mine.fine, few * W);
                else
                    memcpy(to, mine.fine, few * W * sizeof(float));
            }
        }
        _mm_sfence();
    }
}
