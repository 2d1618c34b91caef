import { chooseNative } from './chooseNative.ts'
import type { CompiledKernels } from './compiledKernels.ts'
import type { Simd } from './kernels.ts'
import { compileWithTurbo } from './turbo.ts'

/**
 * The kernels of a run over `rows` rows in all epochs: native ones where they run, and for the others the
 * build that `turbo` says. `report` is told if that cannot be.
 * @throws NearrankError INPUT if what is asked for by name cannot run.
 */
export function compileForRun(
  simd: Simd,
  options: {
    turbo: 'off' | 'auto' | 'on'
    kernels: 'auto' | 'wasm' | 'native'
    rows: number
    report: (message: string) => void
  },
): CompiledKernels {
  // They round once for each multiply-add: a strict build cannot have them in the place of its own.
  const native = simd === 'relaxed' ? chooseNative(options.kernels, options.report) : null
  return { ...compileWithTurbo(simd, options), native }
}
