import { bindKernels, type Kernels } from './kernels.ts'
import { bindNative, type NativeFamily, useLargePages } from './native.ts'

/** What a run computes with. */
export interface CompiledKernels {
  module: WebAssembly.Module
  turbo: boolean // it was compiled for V8's 256-bit operations
  native: NativeFamily | null // those that there are in C take the place of the module's
}

/** Prepares a memory for these kernels: once, before it is filled and threads bind them to it. */
export function prepareMemory({ native }: Pick<CompiledKernels, 'native'>, memory: WebAssembly.Memory): void {
  if (native !== null) useLargePages(memory)
}

/** Binds them to a shared memory. Cost: microseconds, and opening a library in each thread. */
export function bindCompiled(
  { module, turbo, native }: CompiledKernels,
  memory: WebAssembly.Memory,
): Kernels {
  const kernels = bindKernels(module, memory, { wide: turbo })
  return native === null ? kernels : bindNative(kernels, memory, native)
}
