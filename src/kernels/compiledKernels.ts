import { bindKernels, type Kernels, type Simd } from './kernels.ts'
import { bindNative, chooseNative, type NativeFamily } from './native.ts'
import { compileWithTurbo } from './turbo.ts'

/** What a run computes with. */
export interface CompiledKernels {
  module: WebAssembly.Module
  turbo: boolean // it was compiled for V8's 256-bit operations
  native: NativeFamily | null // those that there are in C take the place of the module's
}

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

/** Binds them to a shared memory. Cost: microseconds, and opening a library in each thread. */
export function bindCompiled(
  { module, turbo, native }: CompiledKernels,
  memory: WebAssembly.Memory,
): Kernels {
  const kernels = bindKernels(module, memory, { wide: turbo })
  return native === null ? kernels : bindNative(kernels, memory, native)
}
