import { madd } from './madd'

/**
 * The machine's own limit: `steps` times twelve independent multiply-adds of four lanes, 96 FLOP a step, and
 * nothing else but their loads (a step issues half as many loads as the load ports take). `at`: 512 bytes.
 */
export function peak(at: usize, steps: i32): void {
  let a = v128.load(at)
  let b = v128.load(at, 16)
  let c = v128.load(at, 32)
  let d = v128.load(at, 48)
  let e = v128.load(at, 64)
  let f = v128.load(at, 80)
  let g = v128.load(at, 96)
  let h = v128.load(at, 112)
  let i = v128.load(at, 128)
  let j = v128.load(at, 144)
  let k = v128.load(at, 160)
  let l = v128.load(at, 176)
  const y = v128.load(at, 192)
  while (steps-- > 0) {
    // Each product is its own and changes from step to step: a common one would be computed once, and the
    // strict build would measure additions.
    const x = at + ((<usize>(steps & 1)) << 4)
    a = madd(v128.load(x, 208), y, a)
    b = madd(v128.load(x, 224), y, b)
    c = madd(v128.load(x, 240), y, c)
    d = madd(v128.load(x, 256), y, d)
    e = madd(v128.load(x, 272), y, e)
    f = madd(v128.load(x, 288), y, f)
    g = madd(v128.load(x, 304), y, g)
    h = madd(v128.load(x, 320), y, h)
    i = madd(v128.load(x, 336), y, i)
    j = madd(v128.load(x, 352), y, j)
    k = madd(v128.load(x, 368), y, k)
    l = madd(v128.load(x, 384), y, l)
  }
  const sum = f32x4.add(
    f32x4.add(f32x4.add(a, b), f32x4.add(c, d)),
    f32x4.add(f32x4.add(e, f), f32x4.add(g, h)),
  )
  v128.store(at, f32x4.add(sum, f32x4.add(f32x4.add(i, j), f32x4.add(k, l))))
}
