/* Full-size scores of one image, a tile at a time: some rows, all classes, some columns.

   A band of rows is multiplied by K_h in one product, for all classes; tiles of it then by K_w. */
#ifndef MMSEG_GDN_BANDS_H
#define MMSEG_GDN_BANDS_H

#include <stdint.h>

#include "products.h"

#define TILE (3L << 13) /* floats of scores: a share of a core's L2 cache */
#define BAND (1L << 15) /* floats of a band's rows of K_h x: likewise */
#define TILE_HEIGHT 96  /* rows times classes of a tile: deep enough for the products of its gradient */
#define FEWEST_ROWS 12  /* of a band: with fewer, reading the coarse scores would dominate */

typedef struct {
    long images, classes, h, w, H, W;
    int threads;
    long h_stride, w_stride, W_stride; /* sides rounded up to whole panels */
    long map;                          /* classes * w_stride: one row of coarse scores, class after class */
    long bands, rows;                  /* of an image, a multiple of the threads; of a band at most */
    long tile_rows, tile_columns, tile_stride;
} shape_t;

static inline shape_t shape_of(long images, long classes, long h, long w, long H, long W, int threads)
{
    shape_t s = {images, classes, h, w, H, W, threads, padded(h), padded(w), padded(W), 0, 0, 0, 0, 0, 0};
    s.map = classes * s.w_stride;
    s.tile_rows = larger(1, smaller(8, TILE_HEIGHT / classes));
    const long fitting = TILE / (s.tile_rows * classes) / PANEL * PANEL - PANEL;
    s.tile_columns = smaller(s.W_stride, larger(PANEL, fitting));
    /* One panel more than the columns: rows a power of two apart would evict each other from the cache. */
    s.tile_stride = s.tile_columns + PANEL;
    const long rows = smaller(larger(FEWEST_ROWS, BAND / s.map), larger(1, H / threads));
    s.bands = quotient_up(quotient_up(H, rows), threads) * threads;
    s.rows = quotient_up(H, s.bands);
    return s;
}

static inline long first_row(const shape_t *s, long band)
{
    return band * s->H / s->bands;
}

/* A team packs the coarse scores of an image (classes, h, w), times `factor`, as a (h, map) matrix. */
static inline void pack_image(float *to, const float *x, const shape_t *s, float factor)
{
#pragma omp for schedule(static)
    for (long c = 0; c < s->classes; c++) {
        float *class_panels = to + c * s->w_stride * s->h;
        pack(class_panels, s->h, x + c * s->h * s->w, s->w, 1, s->h, s->w);
        for (long i = 0; i < s->h * s->w_stride; i++)
            class_panels[i] *= factor;
    }
}

/* Rows first ... last - 1 of K_h x, (last - first, map). */
static inline void make_rows(float *rows, const float *image, const float *kernel_h, const shape_t *s, long first, long last)
{
    multiply(last - first, s->map, s->h, plain(kernel_h + first * s->h, s->h), packed(image, s->h), rows, s->map, 0);
}

/* Scores of the first `count` of `rows` and of the tile's columns from `column` on: (count * classes, tile_stride). */
static inline void make_scores(float *scores, const float *rows, const float *columns, const shape_t *s, long count,
                               long column)
{
    multiply(count * s->classes, smaller(s->tile_columns, s->W - column), s->w, plain(rows, s->w_stride),
             packed(columns + column * s->w, s->w), scores, s->tile_stride, 0);
}
#endif
