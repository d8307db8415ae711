/* Softmax cross-entropy of a panel of pixels. */
#ifndef MMSEG_GDN_SOFTMAX_H
#define MMSEG_GDN_SOFTMAX_H

#include <math.h>
#include <stdint.h>

#include "products.h"

#define LN_2 0.6931471805599453f

typedef double dvec __attribute__((vector_size(8 * WIDTH)));

/* What is known of the pixels of a panel. */
typedef struct {
    int label[PANEL];     /* 0 where ignored */
    int valid[PANEL];     /* -1, or 0 where ignored */
    float weight[PANEL];  /* of the label's class */
    float factor[PANEL];  /* the weight times the gradient with respect to the pixel's loss */
    float loss[PANEL];    /* result, weighted; 0 where ignored */
} pixels_t;

/* Sums over pixels. */
typedef struct {
    dvec loss, weight;
    long hits, lowest, highest; /* the extreme labels, in case one is no class */
} sums_t;

INLINE ivec load_whole(const int *from)
{
    ivec value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline long no_lower_class(const float *scores, long row, int label, float own)
{
    for (int c = 0; c < label; c++)
        if (scores[c * row] == own)
            return 0;
    return 1;
}

/* Where the label's class is the best one; of equal scores the lowest class is. */
static inline long count_hits(const float *scores, long row, const pixels_t *p, int half, vec own, vec rival)
{
    const ivec valid = load_whole(p->valid + half), tied = (own == rival) & valid;
    long hits = __builtin_popcount(any((own > rival) & valid));
    for (int ties = any(tied); ties; ties &= ties - 1) {
        const int i = half + __builtin_ctz(ties);
        hits += no_lower_class(scores + i, row, p->label[i], own[i - half]);
    }
    return hits;
}

/* Half a panel of scores to base 2, (classes, row apart). The label's class is taken out of the sum over the classes and
   added in at the end: so a nearly right pixel's small loss and gradient come out to full precision.
   With gradient the scores become their own gradients (of the usual scores, not of those to base 2). */
static inline void soften(float *scores, long row, long classes, pixels_t *p, int half, float max_loss, sums_t *sums,
                          int with_gradient, int with_hits)
{
    vec own, rival = splat(-INFINITY), others = splat(0);
    for (int i = 0; i < WIDTH; i++) {
        float *score = scores + p->label[half + i] * row + half + i;
        own[i] = *score;
        *score = -INFINITY;
    }
    for (long c = 0; c < classes; c++)
        rival = _mm256_max_ps(load(scores + c * row + half), rival);
    if (with_hits)
        sums->hits += count_hits(scores, row, p, half, own, rival);
    const vec shift = where(own > rival, own, rival);
    for (long c = 0; c < classes; c++) {
        const vec power = exp2_of(load(scores + c * row + half) - shift);
        if (with_gradient)
            store(scores + c * row + half, power);
        others += power;
    }
    const vec own_power = exp2_of(own - shift);
    const vec beyond = where(own > rival, others, (others - 1) + own_power);
    vec loss = log1p_of(beyond) + (shift - own) * LN_2;
    loss = where(loss > max_loss, splat(max_loss), loss) * load(p->weight + half);
    loss = where(load_whole(p->valid + half), loss, splat(0));
    store(p->loss + half, loss);
    sums->loss += __builtin_convertvector(loss, dvec);
    if (!with_gradient)
        return;
    const vec factor = load(p->factor + half) / (own_power + others);
    for (long c = 0; c < classes; c++)
        store(scores + c * row + half, load(scores + c * row + half) * factor);
    const vec own_gradient = -factor * others;
    for (int i = 0; i < WIDTH; i++)
        scores[p->label[half + i] * row + half + i] = own_gradient[i];
}
#endif
