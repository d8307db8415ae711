/* Full-size scores of one image, a tile at a time: some lines, all classes, some columns.

   A band of lines is multiplied by K_h in one product, for all classes; tiles of it then by K_w. */
#ifndef MMSEG_GDN_BANDS_H
#define MMSEG_GDN_BANDS_H

#include <stdint.h>

#include "products.h"

#define TILE (3L << 13)  /* floats of scores: a share of a core's second cache */
#define BAND (1L << 15)  /* floats of a band before the product with K_w: likewise */
#define TILE_ROWS 96     /* lines times classes of a tile: enough for the products of its gradient */
#define FEWEST_LINES 12  /* of a band: fewer would read all coarse scores for next to no work */

typedef struct {
    long images, classes, h, w, H, W;
    long h_row, w_row, W_row; /* sides with the last panel filled up */
    long map;                 /* classes * w_row: one line of coarse scores, class after class */
    long bands, lines, tile_lines, tile_columns, tile_row;
} shape_t;

static inline shape_t shape_of(long images, long classes, long h, long w, long H, long W, int threads)
{
    shape_t s = {images, classes, h, w, H, W, padded(h), padded(w), padded(W), 0, 0, 0, 0, 0, 0};
    s.map = classes * s.w_row;
    s.tile_lines = larger(1, smaller(8, TILE_ROWS / classes));
    const long fitting = TILE / (s.tile_lines * classes) / PANEL * PANEL - PANEL;
    s.tile_columns = smaller(s.W_row, larger(PANEL, fitting));
    /* One panel more than the columns: rows a power of two apart would get in each other's way in the cache. */
    s.tile_row = s.tile_columns + PANEL;
    const long lines = smaller(larger(FEWEST_LINES, BAND / s.map), larger(1, H / threads));
    s.bands = quotient_up(quotient_up(H, lines), threads) * threads;
    s.lines = quotient_up(H, s.bands);
    return s;
}

static inline long first_line(const shape_t *s, long band)
{
    return band * s->H / s->bands;
}

/* A team packs the coarse scores of an image (classes, h, w), times `factor`, as a (h, map) matrix. */
static inline void pack_image(float *to, const float *x, const shape_t *s, float factor)
{
#pragma omp for schedule(static)
    for (long c = 0; c < s->classes; c++) {
        float *class_panels = to + c * s->w_row * s->h;
        pack(class_panels, s->h, x + c * s->h * s->w, s->w, 1, s->h, s->w);
        for (long i = 0; i < s->h * s->w_row; i++)
            class_panels[i] *= factor;
    }
}

/* Some lines of K_h x, (lines, map). */
static inline void make_lines(float *lines, const float *image, const float *kernel_h, const shape_t *s, long first, long last)
{
    multiply(last - first, s->map, s->h, plain(kernel_h + first * s->h, s->h), packed(image, s->h), lines, s->map, 0);
}

/* Scores of `count` lines from `lines` on and of the tile's columns from `column` on: (count * classes, tile_row). */
static inline void make_scores(float *scores, const float *lines, const float *columns, const shape_t *s, long count,
                               long column)
{
    multiply(count * s->classes, smaller(s->tile_columns, s->W - column), s->w, plain(lines, s->w_row),
             packed(columns + column * s->w, s->w), scores, s->tile_row, 0);
}
#endif
