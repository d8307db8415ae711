/* Softmax cross-entropy of a panel of pixels. */
#ifndef MMSEG_GDN_SOFTMAX_CROSS_ENTROPY_H
#define MMSEG_GDN_SOFTMAX_CROSS_ENTROPY_H

#include <math.h>
#include <stdint.h>

#include "products.h"

#define LN_2 0.6931471805599453f

typedef double dvec __attribute__((vector_size(8 * WIDTH)));

/* The pixels of a panel. */
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
    long hits, lowest, highest; /* the extreme labels, for the check of their range */
} sums_t;

INLINE ivec load_whole(const int *from)
{
    ivec value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline long no_lower_class(const float *scores, long stride, int label, float target_logit)
{
    for (int c = 0; c < label; c++)
        if (scores[c * stride] == target_logit)
            return 0;
    return 1;
}

/* How often the label's class is the best one; of equal scores the lowest class is. */
static inline long count_hits(const float *scores, long stride, const pixels_t *p, int half, vec target_logit, vec runner_up)
{
    const ivec valid = load_whole(p->valid + half), tied = (target_logit == runner_up) & valid;
    long hits = __builtin_popcount(any((target_logit > runner_up) & valid));
    for (int ties = any(tied); ties; ties &= ties - 1) {
        const int i = half + __builtin_ctz(ties);
        hits += no_lower_class(scores + i, stride, p->label[i], target_logit[i - half]);
    }
    return hits;
}

/* Half a panel of scores to base 2, (classes, stride apart). The label's class is left out of the sum over the classes and
   added at the end, so that a nearly certain pixel's small loss and gradient are precise.
   With gradients, the scores become their own (those of the usual scores, not of the ones to base 2). */
static inline void softmax_cross_entropy(float *scores, long stride, long classes, pixels_t *p, int half, float max_loss,
                                         sums_t *sums, int with_gradients)
{
    vec target_logit, runner_up = splat(-INFINITY), others = splat(0);
    for (int i = 0; i < WIDTH; i++) {
        float *score = scores + p->label[half + i] * stride + half + i;
        target_logit[i] = *score;
        *score = -INFINITY;
    }
    for (long c = 0; c < classes; c++)
        runner_up = _mm256_max_ps(load(scores + c * stride + half), runner_up);
    sums->hits += count_hits(scores, stride, p, half, target_logit, runner_up);
    const vec shift = where(target_logit > runner_up, target_logit, runner_up);
    for (long c = 0; c < classes; c++) {
        const vec power = exp2_of(load(scores + c * stride + half) - shift);
        if (with_gradients)
            store(scores + c * stride + half, power);
        others += power;
    }
    const vec target_power = exp2_of(target_logit - shift);
    const vec beyond = where(target_logit > runner_up, others, (others - 1) + target_power);
    vec loss = log1p_of(beyond) + (shift - target_logit) * LN_2;
    loss = where(loss > max_loss, splat(max_loss), loss) * load(p->weight + half);
    loss = where(load_whole(p->valid + half), loss, splat(0));
    store(p->loss + half, loss);
    sums->loss += __builtin_convertvector(loss, dvec);
    if (!with_gradients)
        return;
    const vec factor = load(p->factor + half) / (target_power + others);
    for (long c = 0; c < classes; c++)
        store(scores + c * stride + half, load(scores + c * stride + half) * factor);
    const vec target_gradient = -factor * others;
    for (int i = 0; i < WIDTH; i++)
        scores[p->label[half + i] * stride + half + i] = target_gradient[i];
}
#endif
