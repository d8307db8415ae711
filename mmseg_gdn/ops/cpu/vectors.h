/* Eight floats at a time; base-2 exponentials and logarithms of them. */
#ifndef MMSEG_GDN_VECTORS_H
#define MMSEG_GDN_VECTORS_H

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define WIDTH 8

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef int ivec __attribute__((vector_size(4 * WIDTH)));

INLINE vec load(const float *from)
{
    vec value;
    memcpy(&value, from, sizeof value);
    return value;
}

INLINE void store(float *to, vec value)
{
    memcpy(to, &value, sizeof value);
}

INLINE vec splat(float value)
{
    return (vec){value, value, value, value, value, value, value, value};
}

INLINE vec where(ivec condition, vec yes, vec no)
{
    return _mm256_blendv_ps(no, yes, (vec)condition);
}

INLINE int any(ivec condition)
{
    return _mm256_movemask_ps((vec)condition);
}

/* 2^x for x <= 0, to about one unit in the last place; 0 below the normal numbers; NaN stays NaN. */
INLINE vec exp2_of(vec x)
{
    const vec round = splat(12582912.f); /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits */
    const vec bounded = _mm256_max_ps(splat(-127), x); /* in this order NaN passes */
    const vec shifted = bounded + round;
    const vec f = bounded - (shifted - round);
    /* (2^f - 1) / f on [-1/2, 1/2]: minimax polynomial, relative error of 2^f 2e-9. */
    vec p = splat(1.535637392e-4f);
    p = p * f + 1.339891935e-3f;
    p = p * f + 9.618426019e-3f;
    p = p * f + 5.550332342e-2f;
    p = p * f + 2.402264801e-1f;
    p = p * f + 6.931472029e-1f;
    p = p * f + 1;
    return p * (vec)(((ivec)shifted - (ivec)round + 127) << 23);
}

/* ln(1 + x) for x >= 0, precise where 1 + x is rounded to 1; NaN stays NaN. */
INLINE vec log1p_of(vec x)
{
    const vec u = 1 + x;
    /* u = 2^exponent * m with m in [sqrt(1/2), sqrt(2)). */
    const ivec exponent = ((ivec)u - 0x3f3504f3) >> 23;
    const vec z = (vec)((ivec)u - (exponent << 23)) - 1;
    /* (ln(1 + z) - z + z^2 / 2) / z^3: minimax polynomial, relative error of the logarithm 6e-9. */
    vec p = splat(-7.634885811e-2f);
    p = p * z + 1.276198073e-1f;
    p = p * z - 1.316018913e-1f;
    p = p * z + 1.420169009e-1f;
    p = p * z - 1.662335346e-1f;
    p = p * z + 2.000123068e-1f;
    p = p * z - 2.500082105e-1f;
    p = p * z + 3.333333164e-1f;
    const vec whole = __builtin_convertvector(exponent, vec) * 0.693147181f;
    const vec lost = (x - (u - 1)) / u;
    const vec result = whole + (z + (z * z * (z * p - 0.5f) + lost));
    return where(x < splat(3e38f), result, x);
}
#endif
