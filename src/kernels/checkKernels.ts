import { Random } from '../random.ts'
import { GROUP_LOSSES, type Kernels } from './kernels.ts'
import { naiveKernels } from './naive/naiveKernels.ts'

/** The optimising compiler takes a function up after some hundred calls; the check has to see its code. */
const CALLS = 3000
const TOLERANCE = 1e-5

/** Thrown by the checks: the kernels compute something else than they must. */
export class WrongKernels extends Error {}

/** So many random numbers fill the memory again and again; no two operands begin at the same one. */
const PERIOD = 9973

const PROBLEM = 'they fail the self-check'

/**
 * Checks that optimised calls give the bits of the first one, and what the naive twin gives, nearly.
 * @throws WrongKernels
 */
export function checkKernels(kernels: Kernels, buffer: ArrayBufferLike): void {
  const first = resultOf(kernels, buffer)
  for (let call = 0; call < CALLS; call++) runAll(kernels)
  assertSame(checkAgainstTwin(kernels, buffer), first)
}

/** Checks that the kernels give these bits, which others gave. @throws WrongKernels */
export function checkSameBits(kernels: Kernels, wanted: Float32Array, buffer: ArrayBufferLike): void {
  assertSame(resultOf(kernels, buffer), wanted)
}

function assertSame(found: Float32Array, wanted: Float32Array): void {
  if (!bytesOf(found).equals(bytesOf(wanted))) throw new WrongKernels(PROBLEM)
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Checks what the kernels give now against the naive twin, and returns it. @throws WrongKernels */
export function checkAgainstTwin(kernels: Kernels, buffer: ArrayBufferLike): Float32Array {
  const found = resultOf(kernels, buffer)
  const wanted = resultOf(naiveKernels(buffer), buffer)
  for (let i = 0; i < found.length; i++)
    if (!(Math.abs(found[i] - wanted[i]) <= TOLERANCE * (1 + Math.abs(wanted[i]))))
      throw new WrongKernels(PROBLEM)
  return found
}

/** All of the memory after a run over the same numbers. */
function resultOf(kernels: Kernels, buffer: ArrayBufferLike): Float32Array {
  const floats = new Float32Array(buffer)
  if (numbers?.length !== floats.length) numbers = numbersFor(floats.length)
  floats.set(numbers)
  runAll(kernels)
  floats.fill(0, at.apart / 4, at.apart / 4 + APART_WORDS)
  floats.set(new Float64Array(buffer, at.lossStats, LOSS_STATS), at.lossSums / 4)
  floats.fill(0, at.lossStats / 4, at.lossStats / 4 + 2 * LOSS_STATS)
  return floats.slice()
}

let numbers: Float32Array | undefined

function numbersFor(length: number): Float32Array {
  const floats = new Float32Array(length)
  const words = new Uint32Array(floats.buffer)
  const random = new Random(1)
  for (let i = 0; i < PERIOD; i++) floats[i] = random.float()
  for (let done = PERIOD; done < length; done *= 2) floats.copyWithin(done, 0, done)
  for (let i = 0; i < at.squares / 4; i++) floats[i] -= 0.5 // but Adam takes roots of those behind
  for (let i = 0; i < 128; i++) words[at.codes / 4 + i] = random.below(CODES)
  for (let i = 0; i < ROWS; i++) words[at.indices / 4 + i] = i
  words.fill(0, at.lossStats / 4, at.lossStats / 4 + 2 * LOSS_STATS)
  words.fill(0, at.sumOf / 4, at.sumOf / 4 + CODES)
  const labels = new Uint8Array(floats.buffer, at.labels, ROWS)
  for (let i = 0; i < ROWS; i++) {
    labels[i] = i % 7 === 3 ? 1 : 0
    words[at.groups / 4 + i] = i < 23 ? 1 : 2
  }
  return floats
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
  gathered: 0xf8000, // [ROWS, 16]
  labels: 0xb4000, // u8 [ROWS]
  groups: 0xb4100, // u32 [ROWS]
  deltas: 0xb5000, // [losses, 32]
  lossStats: 0xb6000, // f64 [LOSS_STATS], which are compared as f32
  lossSums: 0xb7000,
  apart: 0xb8000, // what a kernel uses beside its arguments, and float64 sums: not compared
}
const APART_WORDS = 2048
const LOSS_STATS = 6
const ROWS = 26
const CODES = 16

/** What does nearly all the work, at awkward sizes: rows in, forward, backward, a fold, Adam, sums. */
function runAll(kernels: Kernels): void {
  const rows = ROWS
  const { indices, codes } = at
  kernels.gather(at.gathered, 16, indices, indices, codes, rows - 1, rows, at.w, 12, 10, at.bias, 8, 5)
  // Columns of whole tiles and of parts of one, rows of all remainders.
  const { mask, z, x, w, bias, out } = at
  kernels.hidden(mask, 76, z, x, 20, w, 72, bias, bias + 512, rows, 72, 17)
  kernels.hidden(mask + 0x4000, 44, z + 0x1000, x, 20, w, 40, bias, bias + 512, 16, 40, 17)
  kernels.gemmOnes(out, 72, x, 1, 20, mask, 76, bias, 0, 16, 72, rows)
  kernels.gemmOnes(out + 0x10000, 40, x, 1, 20, mask + 0x4000, 44, bias, 0, 18, 40, 16)
  kernels.gemm(out + 0x4000, 72, out, 72, 1, w, 72, bias, 0, 16, 72, 33)
  kernels.gemm(out + 0x14000, 48, out, 72, 1, w, 48, bias, 0, 14, 48, 33)
  kernels.sumSlices(at.out + 0x8000, at.w, 400, 8, 6, 40, 40)
  kernels.transpose(at.out + 0xa000, 24, at.w, 40, 24, 40)
  kernels.scaleRows(at.out, 72, at.bias, 16, 72)
  for (let i = 0; i < 2; i++)
    kernels.adam(at.out + 0xc000, at.out, at.moments, at.squares, 720, 1e-3, 1.5, 0.9, 0.999, 1e-2, 0.99)
  runLoss(kernels)
  runEmbedding(kernels, 1)
  runEmbedding(kernels, 3)
  for (const kind of Object.values(GROUP_LOSSES)) runGroupLoss(kernels, kind)
}

/** Of the rows of `hidden`, without weights and with. */
function runLoss(kernels: Kernels): void {
  const { z, labels, deltas, bias, lossStats } = at
  const [plain, weighted] = [deltas + 0x300, deltas + 0x380]
  kernels.loss(z, 0.25, labels, plain, ROWS, 28, 1 / ROWS, lossStats)
  kernels.weightedLoss(z, 0.25, labels, weighted, ROWS, 28, 1 / ROWS, lossStats + 24, bias, 2)
}

/** Of one group, two clicks among them, and another of three rows. */
function runGroupLoss(kernels: Kernels, kind: number): void {
  const { x, labels, groups, deltas, apart } = at
  const to = deltas + 128 * kind
  kernels.groupLoss(kind, x, labels, groups, ROWS, to, apart + 32, 1 / ROWS, 10, 0.5, apart, 0, 1, 1)
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
