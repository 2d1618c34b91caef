import type { CompiledKernels } from '../src/kernels/compiledKernels.ts'
import { bestSimd, compileKernels, type Simd } from '../src/kernels/kernels.ts'
import { findNative } from '../src/kernels/chooseNative.ts'
import { FAMILIES_ON, type NativeFamily } from '../src/kernels/native.ts'

/** What is measured: a build of the kernels in WebAssembly, alone or with those of a family of native ones in their place. */
export interface BenchBuild extends CompiledKernels {
  name: string
  peakFlops: number // of one step of its `peak`
}

/** The WebAssembly build that this engine trains with, and the native families that this processor can run. */
export function trainingBuilds(): BenchBuild[] {
  const { family } = findNative()
  const families = family === null ? [] : FAMILIES_ON[family]
  return [null, ...families].map((native) => buildOf(bestSimd(), native))
}

export function buildOf(simd: Simd, native: NativeFamily | null = null): BenchBuild {
  const name = native === null ? simd : `native, ${native}`
  const lanes = native === null ? 4 : { avx512: 16, avx2: 8, neon: 4 }[native]
  return { name, module: compileKernels(simd), turbo: false, native, peakFlops: 24 * lanes }
}
