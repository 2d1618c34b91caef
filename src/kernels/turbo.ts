import { setFlagsFromString } from 'node:v8'
import { messageOf, NearrankError } from '../errors.ts'
import { checkKernels, WrongKernels } from './checkKernels.ts'
import { bindKernels, compileKernels, createMemory, type Simd } from './kernels.ts'

/**
 * V8 joins neighbouring 128-bit operations into 256-bit ones; experimental, so nothing of it is trusted
 * unseen.
 */
const FLAG = '--experimental-wasm-revectorize'

/** V8 versions that the tests have run the flag on; nobody else gets it unasked. */
const TRIED_V8 = ['13.6.', '14.6.'] // of Node 24 and 26
const ROWS_MIN = 5_000_000 // a million rows take 0.05 s less, the self-check 0.2 s
const MEMORY_BYTES = 2 ** 20

/**
 * Compiles a build with V8's experimental revectorizer, for the whole process: where the processor has
 * 256-bit registers, products take about half the time with the wide tiles (`bindKernels`), and the bits are
 * the same. Before anything uses it, its products must agree with the naive twin's, and bit for bit with
 * those of the first, unoptimised calls. Cost: a fifth of a second.
 * @throws NearrankError INPUT where they do not.
 */
export function compileTurboKernels(simd: Simd): WebAssembly.Module {
  setFlagsFromString(FLAG)
  const module = compileKernels(simd)
  const memory = createMemory(MEMORY_BYTES)
  try {
    checkKernels(bindKernels(module, memory, { wide: true }), memory.buffer)
  } catch (error) {
    if (!(error instanceof WrongKernels)) throw error
    throw new NearrankError(
      'INPUT',
      `Cannot use --turbo: this version of Node computes different results with it (${error.message})`,
      { cause: error },
    )
  }
  return module
}

/**
 * A compiled build for a run over `rows` rows in all epochs. `auto`: with the revectorizer where that pays
 * and this version of V8 has been tried; if its self-check fails after all, without, and `report` is told.
 * @throws NearrankError INPUT if `on` fails the self-check.
 */
export function compileWithTurbo(
  simd: Simd,
  options: { turbo: 'off' | 'auto' | 'on'; rows: number; report: (message: string) => void },
  compileTurbo = compileTurboKernels, // for tests
): { module: WebAssembly.Module; turbo: boolean } {
  const { turbo, rows, report } = options
  if (turbo === 'on') return { module: compileTurbo(simd), turbo: true }
  const pays = rows >= ROWS_MIN && TRIED_V8.some((version) => process.versions.v8.startsWith(version))
  if (turbo === 'auto' && pays)
    try {
      return { module: compileTurbo(simd), turbo: true }
    } catch (error) {
      setFlagsFromString(FLAG.replace('--', '--no-'))
      report(`${messageOf(error)}: continuing without it`)
    }
  return { module: compileKernels(simd), turbo: false }
}
