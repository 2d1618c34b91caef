import type { Kernels } from '../kernels.ts'
import type { Views } from './views.ts'

/** The twins of what brings rows in; pointers in bytes, strides in words. */
export function naiveGather({
  f32,
  u32,
  u8,
}: Views): Pick<Kernels, 'gather' | 'gatherContext' | 'digestWeights'> {
  return {
    // x[row] = user's features, restaurant's features, 1, zeros up to ldx; the digest is an int32, as wasm
    // returns it
    gather(x, ldx, users, restaurants, clicks, rows, rowsPadded, userTable, userStride, userCount, ...rest) {
      const [restaurantTable, restaurantStride, restaurantCount] = rest
      let digest = 0
      for (let row = 0; row < rowsPadded; row++) {
        const at = x / 4 + row * ldx
        for (let i = 0; i < ldx; i++) f32[at + i] = 0
        if (row >= rows) continue
        const user = u32[users / 4 + row]
        const restaurant = u32[restaurants / 4 + row]
        const click = u8[clicks + row]
        const features = userCount + restaurantCount
        for (let i = 0; i < userCount; i++) f32[at + i] = f32[userTable / 4 + user * userStride + i]
        for (let i = 0; i < restaurantCount; i++)
          f32[at + userCount + i] = f32[restaurantTable / 4 + restaurant * restaurantStride + i]
        f32[at + features] = 1
        digest = (digest + digestOf(user, restaurant, click)) | 0
      }
      return digest
    },

    // x[row, k] = (context[row, k] − shift[k])·scale[k]; the digest as of gather, with the context's words
    gatherContext(x, ldx, users, restaurants, clicks, context, words, numbers, ...rest) {
      const [shift, scale, rows] = rest
      let digest = 0
      for (let row = 0; row < rows; row++) {
        const at = context / 4 + row * words
        let hash = digestOf(u32[users / 4 + row], u32[restaurants / 4 + row], u8[clicks + row])
        for (let k = 0; k < words; k++) hash = Math.imul(hash ^ u32[at + k], 0x01000193)
        digest = (digest + hash) | 0
        for (let k = 0; k < numbers; k++)
          f32[x / 4 + row * ldx + k] = (f32[at + k] - f32[shift / 4 + k]) * f32[scale / 4 + k]
      }
      return digest
    },

    // Σ (digest of the click ^ the weight's bits)·0x01000193
    digestWeights(users, restaurants, clicks, weights, rows) {
      let digest = 0
      for (let row = 0; row < rows; row++) {
        const click = digestOf(u32[users / 4 + row], u32[restaurants / 4 + row], u8[clicks + row])
        digest = (digest + Math.imul(click ^ u32[weights / 4 + row], 0x01000193)) | 0
      }
      return digest
    },
  }
}

function digestOf(user: number, restaurant: number, click: number): number {
  const ids = Math.imul(user + 1, 0x9e3779b1) ^ Math.imul(restaurant + 1, 0x85ebca77)
  return ids + Math.imul(click + 1, 0xc2b2ae3d)
}
