import { setFlagsFromString } from 'node:v8'
import { messageOf, NearrankError } from '../errors.ts'
import { Random } from '../random.ts'
import { bindKernels, compileKernels, createMemory, type Kernels, type Simd } from './kernels.ts'
import { naiveKernels } from './naive/naiveKernels.ts'

/**
 * V8 joins neighbouring 128-bit operations into 256-bit ones; experimental, so nothing of it is trusted
 * unseen.
 */
const FLAG = '--experimental-wasm-revectorize'

/** V8 versions that the tests have run the flag on; nobody else gets it unasked. */
const TRIED_V8 = ['14.6.']
const ROWS_MIN = 5_000_000 // a million rows take 0.05 s less, the self-check 0.2 s
const MEMORY_BYTES = 2 ** 20
/** The optimising compiler takes a function up after some hundred calls; the check has to see its code. */
const CALLS = 3000
const TOLERANCE = 1e-5

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
  checkKernels(bindKernels(module, memory, { wide: true }), memory.buffer)
  return module
}

/**
 * A compiled build for a run over `rows` rows in all epochs. `auto`: with the revectorizer where that pays
 * and this version of V8 has been tried; if its self-check fails after all, without, and `report` is told.
 * @throws NearrankError INPUT where `on` fails the self-check.
 */
export function compileForRun(
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

/**
 * @throws NearrankError INPUT where optimised calls do not give the bits of the first one, or that is far
 * from the naive twin's.
 */
export function checkKernels(kernels: Kernels, buffer: ArrayBufferLike): void {
  const floats = new Float32Array(buffer)
  const words = new Uint32Array(buffer)
  const fresh = () => {
    const random = new Random(1)
    // Adam takes roots
    for (let i = 0; i < floats.length; i++) floats[i] = random.float() - (i < at.squares / 4 ? 0.5 : 0)
    for (let i = 0; i < 128; i++) words[at.codes / 4 + i] = random.below(CODES)
    for (let i = 0; i < ROWS; i++) words[at.indices / 4 + i] = i
    words.fill(0, at.sumOf / 4, at.sumOf / 4 + CODES)
  }
  fresh()
  runAll(kernels)
  const first = floats.slice()
  for (let call = 0; call < CALLS; call++) runAll(kernels)
  fresh()
  runAll(kernels)
  const optimised = floats.slice()
  fresh()
  runAll(naiveKernels(buffer))
  for (const [i, value] of optimised.entries())
    if (
      !Object.is(value, first[i]) ||
      !(Math.abs(value - floats[i]) <= TOLERANCE * (1 + Math.abs(floats[i])))
    )
      throw new NearrankError(
        'INPUT',
        'Cannot use --turbo: this version of Node computes different results with it (its products fail the self-check)',
      )
}

const at = {
  x: 0,
  w: 0x10000,
  bias: 0x20000,
  out: 0x30000,
  mask: 0x50000,
  z: 0x70000,
  moments: 0x80000,
  squares: 0x90000,
  codes: 0xa0000, // u32 [ROWS, 4]
  indices: 0xa8000, // u32 [ROWS]
  sumOf: 0xb0000, // u32 [CODES]
  touched: 0xb1000,
  sums: 0xb2000,
  table: 0xc0000, // [CODES, 8]
  embedded: 0xe0000, // [ROWS, 20]
  kept: 0xf0000, // u32 [ROWS, 3]
}
const ROWS = 26
const CODES = 16

/** The kernels that do nearly all the work, at awkward sizes: forward, backward, a fold, Adam, sums. */
function runAll(kernels: Kernels): void {
  const rows = ROWS
  kernels.hidden(at.mask, 44, at.z, at.x, 20, at.w, 40, at.bias, at.bias + 256, rows, 40, 17)
  kernels.gemm(at.out, 40, at.x, 1, 20, at.mask, 44, at.bias, 0, 18, 40, rows)
  kernels.gemm(at.out + 0x4000, 48, at.out, 40, 1, at.w, 48, at.bias, 0, 18, 48, 33)
  kernels.sumSlices(at.out + 0x8000, at.w, 400, 8, 6, 40, 40)
  kernels.transpose(at.out + 0xa000, 24, at.w, 40, 24, 40)
  kernels.scaleRows(at.out, 40, at.bias, 18, 40)
  for (let i = 0; i < 2; i++)
    kernels.adam(at.out + 0xc000, at.out, at.moments, at.squares, 720, 1e-3, 1.5, 0.9, 0.999, 1e-2, 0.99)
  runEmbedding(kernels, 1)
  runEmbedding(kernels, 3)
}

/** The same of embeddings, single codes or lists: rows in, a step of Adam on what they touched. */
function runEmbedding(kernels: Kernels, slots: number): void {
  const { indices, codes, table, embedded, kept, sumOf, touched, sums } = at
  kernels.embed(embedded + 4, 20, indices, codes, 4, 1, slots, table, 8, kept, 3, ROWS)
  const [m, v] = [at.moments + 0x8000, at.squares + 0x8000]
  const step = [1e-3, 1.5, 0.9, 0.999, 1e-2, 0.99] as const
  const scratch = [sumOf, touched, sums] as const
  kernels.embeddingAdam(table, m, v, 8, kept, 3, slots, 0, 1, embedded + 4, 20, ROWS, ...scratch, ...step, 0)
}
