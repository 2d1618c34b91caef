/** One memory, seen as each of the types that the kernels read and write. */
export interface Views {
  f32: Float32Array
  f64: Float64Array
  u32: Uint32Array
  u8: Uint8Array
}

export function viewsOf(buffer: ArrayBufferLike): Views {
  return {
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
    u32: new Uint32Array(buffer),
    u8: new Uint8Array(buffer),
  }
}

/** relu(h) that lets NaN through, so that it is found in the logit and not taken for a unit that is off. */
export function relu(h: number): number {
  return h <= 0 ? 0 : h
}
