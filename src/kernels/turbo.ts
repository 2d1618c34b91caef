import { setFlagsFromString } from 'node:v8'
import { NearrankError } from '../errors.ts'
import { Random } from '../random.ts'
import { bindKernels, compileKernels, createMemory, type Kernels, type Simd } from './kernels.ts'
import { naiveKernels } from './naive.ts'

/** V8 joins neighbouring 128-bit operations into 256-bit ones; experimental, so nothing of it is trusted unseen. */
const FLAG = '--experimental-wasm-revectorize'

const MEMORY_BYTES = 2 ** 20
/** The optimising compiler takes a function up after some hundred calls; the check has to see its code. */
const CALLS = 3000
const TOLERANCE = 1e-5

/**
 * Compiles a build with V8's experimental revectorizer, for the whole process: about 15 % more rows per second where the
 * processor has 256-bit registers, and the same bits. Before anything uses it, its products must agree with the naive twin's, and bit for bit with
 * those of the first, unoptimised calls. Cost: a fifth of a second.
 * @throws NearrankError INPUT where they do not.
 */
export function compileTurboKernels(simd: Simd): WebAssembly.Module {
  setFlagsFromString(FLAG)
  const module = compileKernels(simd)
  const memory = createMemory(MEMORY_BYTES)
  checkKernels(bindKernels(module, memory), memory.buffer)
  return module
}

/** @throws NearrankError INPUT where optimised calls do not give the bits of the first one, or that is far from the naive twin's. */
export function checkKernels(kernels: Kernels, buffer: ArrayBufferLike): void {
  const floats = new Float32Array(buffer)
  const fresh = () => {
    const random = new Random(1)
    for (let i = 0; i < floats.length; i++) floats[i] = random.float() - (i < at.squares / 4 ? 0.5 : 0) // Adam takes roots
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
        'Cannot use --turbo: this version of Node computes something else with it (its products fail the self-check). Run without it',
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
}

/** The kernels that do nearly all the work, at awkward sizes: forward, backward, a fold, Adam, sums. */
function runAll(kernels: Kernels): void {
  const rows = 26
  kernels.hidden(at.mask, 44, at.z, at.x, 20, at.w, 40, at.bias, at.bias + 256, rows, 40, 17)
  kernels.gemm(at.out, 40, at.x, 1, 20, at.mask, 44, at.bias, 0, 18, 40, rows)
  kernels.gemm(at.out + 0x4000, 48, at.out, 40, 1, at.w, 48, at.bias, 0, 18, 48, 33)
  kernels.sumParts(at.out + 0x8000, at.w, 400, 8, 6, 40, 40)
  kernels.transpose(at.out + 0xa000, 24, at.w, 40, 24, 40)
  kernels.scaleRows(at.out, 40, at.bias, 18, 40)
  for (let i = 0; i < 2; i++)
    kernels.adam(at.out + 0xc000, at.out, at.moments, at.squares, 720, 1e-3, 1.5, 0.9, 0.999, 1e-2, 0.99)
}
