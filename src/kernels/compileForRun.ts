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
  // Of what is left for the module, nothing gains by it, and its self-check takes 0.1 s.
  const turbo = native !== null && options.turbo === 'auto' ? 'off' : options.turbo
  return { ...compileWithTurbo(simd, { ...options, turbo }), native }
}
