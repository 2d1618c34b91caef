// One vector type for the three families of processors, and the same functions on each: compiled once for each family.
// Every operation rounds as its WebAssembly twin does (fused where that is fused), so that the bits are the same.
#pragma once
#include "row.h"
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
// Whole, and before arrays of constant size become registers: all of a tile's sums are such an array.
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__AVX512F__)

#include <immintrin.h>
#define FAMILY(name) name##_avx512
#define WIDTH 16
#define TILE_ROWS 6 // 24 accumulators, 4 of B, 1 of A, of 32 registers; more rows would need their addresses kept as well
#define TILE_VECTORS 4
#define ADDS_APART __builtin_cpu_is("amd")
typedef __m512 vec;
typedef __mmask16 lanes; // which lanes of a vector there are: the last one of a row may be half
#define ALL ((lanes)0xffff)
#define FIRST(count) ((lanes)((1u << (count)) - 1))
#define IS_ALL(some) (__builtin_constant_p(some) && (some) == ALL) // a mask takes a register and time even so
INLINE vec load(const float *from, lanes some) { return IS_ALL(some) ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(some, from); }
INLINE void store(float *to, vec x, lanes some) { if (IS_ALL(some)) _mm512_storeu_ps(to, x); else _mm512_mask_storeu_ps(to, some, x); }
INLINE vec splat(float x) { return _mm512_set1_ps(x); }
INLINE vec madd(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vec root(vec x) { return _mm512_sqrt_ps(x); }

#elif defined(__AVX2__)

#include <immintrin.h>
#define FAMILY(name) name##_avx2
#define WIDTH 8
#define TILE_ROWS 6 // 12 accumulators, 2 of B, 1 of A, of 16 registers
#define TILE_VECTORS 2
#define ADDS_APART 0
typedef __m256 vec;
typedef int lanes; // widths are multiples of 8: every vector is whole
#define ALL 0
#define FIRST(count) 0
INLINE vec load(const float *from, lanes some) { (void)some; return _mm256_loadu_ps(from); }
INLINE void store(float *to, vec x, lanes some) { (void)some; _mm256_storeu_ps(to, x); }
INLINE vec splat(float x) { return _mm256_set1_ps(x); }
INLINE vec madd(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vec root(vec x) { return _mm256_sqrt_ps(x); }

#elif defined(__aarch64__)

#include <arm_neon.h>
#define FAMILY(name) name##_neon
#define WIDTH 4
#define TILE_ROWS 8 // 16 accumulators, 2 of B, 1 of A, of 32 registers
#define TILE_VECTORS 2
#define ADDS_APART 0
typedef float32x4_t vec;
typedef int lanes;
#define ALL 0
#define FIRST(count) 0
INLINE vec load(const float *from, lanes some) { (void)some; return vld1q_f32(from); }
INLINE void store(float *to, vec x, lanes some) { (void)some; vst1q_f32(to, x); }
INLINE vec splat(float x) { return vdupq_n_f32(x); }
INLINE vec madd(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
INLINE vec root(vec x) { return vsqrtq_f32(x); }

#endif

/** Which lanes of a vector of ones and zeros are 1, and `sum` with x added in those lanes: fused or not, the same bits. */
#if WIDTH == 16
typedef lanes ones;
INLINE ones onesOf(vec x) { return _mm512_test_epi32_mask((__m512i)x, (__m512i)x); }
INLINE vec addWhere(ones some, vec x, vec sum) { return _mm512_mask_add_ps(sum, some, sum, x); }
#else
typedef vec ones;
INLINE ones onesOf(vec x) { return x; }
INLINE vec addWhere(ones some, vec x, vec sum) { return madd(x, some, sum); }
#endif

/** Four floats, as the WebAssembly kernels have them: partial sums are kept in four lanes. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/** The floats at a byte offset, argument i of a row. */
INLINE float *floatsOf(const double *q, int i) { return (float *)((char *)(uintptr_t)q[MEMORY] + (size_t)q[i]); }

/** Four of the lanes, the first ones first. */
#if WIDTH == 16
INLINE four part(vec x, int i) {
  return (four)(i == 0 ? _mm512_extractf32x4_ps(x, 0) : i == 1 ? _mm512_extractf32x4_ps(x, 1) : i == 2 ? _mm512_extractf32x4_ps(x, 2) : _mm512_extractf32x4_ps(x, 3));
}
#elif WIDTH == 8
INLINE four part(vec x, int i) { return (four)(i == 0 ? _mm256_castps256_ps128(x) : _mm256_extractf128_ps(x, 1)); }
#else
INLINE four part(vec x, int i) { (void)i; return (four)x; }
#endif

/** As many integers as a vector has floats. */
typedef int32_t bits __attribute__((vector_size(4 * WIDTH)));
