/**
 * a·b + c in four lanes: fused, one rounding, in the relaxed build; two roundings in the strict one.
 * The accumulator is the third operand, so that it stays in its register (vfmadd231ps).
 */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** The sum of the four lanes, pairwise: (0 + 2) + (1 + 3). */
export function sumLanes(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}
