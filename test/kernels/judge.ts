import assert from 'node:assert/strict'
import {
  bindKernels,
  compileKernels,
  createMemory,
  type Kernels,
  type Simd,
} from '../../src/kernels/kernels.ts'
import { findNative } from '../../src/kernels/chooseNative.ts'
import { bindNative, FAMILIES_ON, type NativeFamily } from '../../src/kernels/native.ts'
import { naiveKernels } from '../../src/kernels/naive/naiveKernels.ts'
import type { Arena, Block } from './arena.ts'

/** One compiled build with a memory of its own. */
export interface Build {
  simd: Simd
  name: string
  kernels: Kernels
  bytes: Uint8Array
}

export const ARENA_BYTES = 1 << 19

const chosen = findNative().family

/** The native kernels that this machine can run. */
export const nativeFamilies = chosen === null ? [] : FAMILIES_ON[chosen]
export const nativeBuilds = nativeFamilies.map(nativeBuild)

/** All builds, each over ARENA_BYTES of shared memory. */
export const builds: Build[] = [
  ...(['relaxed', 'strict'] as const).map((simd) => buildOf(simd, false)),
  ...nativeBuilds,
]

/** And both with the wide tiles, of which only the products know. */
export const productBuilds: Build[] = [...builds, buildOf('relaxed', true), buildOf('strict', true)]

function buildOf(simd: Simd, wide: boolean): Build {
  const memory = createMemory(ARENA_BYTES)
  const kernels = bindKernels(compileKernels(simd), memory, { wide })
  return { simd, name: wide ? `${simd} wide` : simd, kernels, bytes: new Uint8Array(memory.buffer) }
}

function nativeBuild(family: NativeFamily): Build {
  const memory = createMemory(ARENA_BYTES)
  const kernels = bindNative(bindKernels(compileKernels('relaxed'), memory), memory, family)
  return { simd: 'relaxed', name: family, kernels, bytes: new Uint8Array(memory.buffer) }
}

/** What a call may change, and how far the kernel may be from its twin: |x − ref| ≤ absolute + relative·|ref|; 0: the same bits. */
export interface Result extends Block {
  name: string
  type?: 'f32' | 'f64' // default f32
  absolute?: number
  relative?: number
}

/** Runs `call` on a copy of the arena in the build's memory; gives the memory afterwards and what the call returned. */
export function runBuild(build: Build, arena: Arena, call: (kernels: Kernels) => unknown) {
  const bytes = build.bytes.subarray(0, arena.buffer.byteLength)
  bytes.set(arena.u8)
  const returned = call(build.kernels)
  return { returned, after: bytes.slice().buffer }
}

/** Asserts that all builds that round alike leave the same bytes: those with one rounding, and those with two. */
export function sameBits(arena: Arena, call: (kernels: Kernels) => unknown): void {
  const first = new Map<Simd, Buffer>()
  for (const build of productBuilds) {
    const bytes = Buffer.from(runBuild(build, arena, call).after)
    const wanted = first.get(build.simd)
    if (wanted) assert.ok(bytes.equals(wanted), `${build.name} gives other bits than ${build.simd}`)
    else first.set(build.simd, bytes)
  }
}

/** Runs `call` on a copy of the arena with the naive twin. */
export function runTwin(arena: Arena, call: (kernels: Kernels) => unknown) {
  const after = arena.buffer.slice(0)
  const returned = call(naiveKernels(after))
  return { returned, after }
}

/**
 * Runs `call` on a build (or several) and on the twin and compares the whole memory: results within their tolerance and not all zero,
 * every other word as it was, the same value returned. Gives the twin's memory and value.
 */
export function judge(
  which: Build | Build[],
  arena: Arena,
  results: Result[],
  call: (kernels: Kernels) => unknown,
) {
  const twin = runTwin(arena, call)
  const free = resultWords(arena, results)
  expectUntouched('naive', arena, twin.after, free)
  for (const build of [which].flat()) {
    const fast = runBuild(build, arena, call)
    for (const result of results) compareResult(build.name, result, fast.after, twin.after)
    expectUntouched(build.name, arena, fast.after, free)
    assert.equal(fast.returned, twin.returned, `${build.name} returned another value than its twin`)
  }
  return twin
}

/** For each word of the arena: 1 where a result may stand. */
function resultWords(arena: Arena, results: Result[]): Uint8Array {
  const free = new Uint8Array(arena.u32.length)
  for (const { at, rows, width, stride, type } of results) {
    const words = type === 'f64' ? 2 : 1
    for (let row = 0; row < rows; row++)
      free.fill(1, at / 4 + row * stride * words, at / 4 + (row * stride + width) * words)
  }
  return free
}

function compareResult(who: string, result: Result, actual: ArrayBuffer, expected: ArrayBuffer): void {
  const { name, at, rows, width, stride, absolute = 0, relative = 0 } = result
  const View = result.type === 'f64' ? Float64Array : Float32Array
  const a = new View(actual)
  const e = new View(expected)
  let norm = 0
  for (let row = 0; row < rows; row++)
    for (let j = 0; j < width; j++) {
      const i = at / View.BYTES_PER_ELEMENT + row * stride + j
      norm += Math.abs(e[i])
      if (Object.is(a[i], e[i])) continue
      const error = Math.abs(a[i] - e[i])
      // Without a tolerance 0 and −0 differ; a NaN on one side alone is never within any.
      if (absolute + relative > 0 && error <= absolute + relative * Math.abs(e[i])) continue
      assert.fail(
        `${who}: ${name}[${row}, ${j}] of [${rows}, ${width}] is ${shown(a[i])}, its twin's ${shown(e[i])}, off by ${error}`,
      )
    }
  assert.notEqual(norm, 0, `${name} is all zero in the twin: the case tests nothing`)
}

function shown(x: number): string {
  return Object.is(x, -0) ? '−0' : `${x}`
}

function expectUntouched(who: string, arena: Arena, after: ArrayBuffer, free: Uint8Array): void {
  const words = new Uint32Array(after)
  for (let i = 0; i < words.length; i++)
    if (words[i] !== arena.u32[i] && free[i] === 0)
      assert.fail(`${who} wrote outside its result, at byte ${4 * i}`)
}
