import { readFileSync } from 'node:fs'
import { NearrankError } from '../errors.ts'

/**
 * Which build of the kernels runs: `relaxed` has fused multiply-adds (one rounding), `strict` has not. They
 * round differently, so a model records which one made it.
 */
export type Simd = 'relaxed' | 'strict'

/** The losses of groups, by the numbers that `groupLoss` knows. */
export const GROUP_LOSSES = { pairwise: 1, lambdarank: 2, softmax: 3, 'logistic+pairwise': 4 } as const

/** c = init + a·b: src/kernels/assembly/gemm.ts. */
type Product = (
  c: number,
  ldc: number,
  a: number,
  am: number,
  ap: number,
  b: number,
  ldb: number,
  init: number,
  ldi: number,
  m: number,
  n: number,
  p: number,
) => void

/**
 * The compute kernels: WebAssembly from src/kernels/assembly, where each is described with its shapes. All
 * pointers are byte offsets into the memory they were bound to, 16-byte aligned unless said; strides and
 * widths count floats.
 */
export interface Kernels {
  gemm: Product
  gemmOnes: Product // b is of ones and zeros: the same bits for a finite a and no −0 in init
  hidden(
    mask: number,
    ldm: number,
    z: number,
    x: number,
    ldx: number,
    w: number,
    ldw: number,
    bias: number,
    wOut: number,
    m: number,
    n: number,
    p: number,
  ): void
  gather(
    x: number,
    ldx: number,
    users: number,
    restaurants: number,
    clicks: number,
    rows: number,
    rowsPadded: number,
    userTable: number,
    userStride: number,
    userCount: number,
    restaurantTable: number,
    restaurantStride: number,
    restaurantCount: number,
  ): number
  gatherContext(
    x: number,
    ldx: number,
    users: number,
    restaurants: number,
    clicks: number,
    context: number,
    words: number,
    numbers: number,
    shift: number,
    scale: number,
    rows: number,
  ): number
  digestWeights(users: number, restaurants: number, clicks: number, weights: number, rows: number): number
  loss(
    z4: number,
    bias: number,
    clicks: number,
    delta: number,
    rows: number,
    rowsPadded: number,
    scale: number,
    stats: number,
  ): void
  weightedLoss(
    z4: number,
    bias: number,
    clicks: number,
    delta: number,
    rows: number,
    rowsPadded: number,
    scale: number,
    stats: number,
    weights: number,
    mean: number,
  ): void
  logits(z4: number, bias: number, out: number, rows: number): void
  groupLoss(
    kind: number,
    logits: number,
    clicks: number,
    groups: number,
    rows: number,
    delta: number,
    scratch: number,
    scale: number,
    k: number,
    weight: number,
    stats: number,
    weights: number,
    rowMean: number,
    clickMean: number,
  ): void
  adam(
    p: number,
    g: number,
    m: number,
    v: number,
    count: number,
    stepSize: number,
    vScale: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    decay: number,
  ): number
  embed(
    x: number,
    ldx: number,
    indices: number,
    rowsTable: number,
    rowsStride: number,
    word: number,
    slots: number,
    table: number,
    dim: number,
    out: number,
    ldo: number,
    rows: number,
  ): void
  setColumn(x: number, ldx: number, value: number, rows: number): void
  addToLogits(z4: number, x: number, ldx: number, width: number, rows: number): void
  addDeltas(d: number, ldd: number, delta: number, width: number, rows: number): void
  embeddingAdam(
    p: number,
    m: number,
    v: number,
    dim: number,
    codes: number,
    ldc: number,
    slots: number,
    residue: number,
    residues: number,
    deltas: number,
    ldd: number,
    rows: number,
    sumOf: number,
    touched: number,
    sums: number,
    stepSize: number,
    vScale: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    decay: number,
    penalties: number,
  ): number
  scaleRows(x: number, ldx: number, factor: number, rows: number, width: number): void
  reluRows(x: number, ldx: number, rows: number, width: number): void
  backRelu(
    d: number,
    ldd: number,
    act: number,
    lda: number,
    factor: number,
    rows: number,
    width: number,
  ): void
  dotRows(z: number, x: number, ldx: number, w: number, rows: number, width: number): void
  sumRows(out: number, x: number, ldx: number, rows: number, width: number): void
  sumSlices(
    out: number,
    slices: number,
    stride: number,
    sliceCount: number,
    rows: number,
    width: number,
    ld: number,
  ): void
  outputGradient(
    dw: number,
    gt: number,
    w: number,
    wOut: number,
    ld: number,
    rows: number,
    width: number,
  ): void
  transpose(to: number, ldt: number, from: number, ldf: number, rows: number, width: number): void
  addInto(x: number, y: number, count: number): void
  rowProduct(out: number, x: number, w: number, ldw: number, init: number, n: number, p: number): void
  scoreRows(
    out: number,
    rows: number,
    count: number,
    parts: number,
    ldp: number,
    user: number,
    wOut: number,
    bias: number,
    n: number,
  ): void
  scorePairs(
    out: number,
    rows: number,
    count: number,
    parts: number,
    ldp: number,
    x: number,
    ldx: number,
    w: number,
    p: number,
    users: number,
    codes: number,
    ldc: number,
    wOut: number,
    bias: number,
    n: number,
  ): void
  peak(at: number, steps: number): void
}

/** Compiles one build; the module can be posted to worker threads, which then share its machine code. */
export function compileKernels(simd: Simd): WebAssembly.Module {
  const url = new URL(`../../wasm/kernels-${simd}.wasm`, import.meta.url)
  let bytes: Uint8Array
  try {
    bytes = readFileSync(url)
  } catch (cause) {
    throw new NearrankError(
      'INPUT',
      `Cannot read the compiled kernels (wasm/kernels-${simd}.wasm). In a clone, run: npm run build`,
      { cause },
    )
  }
  return new WebAssembly.Module(bytes)
}

/** What a build exports: two products twice. */
type Exports = Omit<Kernels, 'gemmOnes'> & { gemmWide: Kernels['gemm']; hiddenWide: Kernels['hidden'] }

/**
 * Binds a compiled build to a shared memory. `wide`: its products in tiles that pay where V8 has 256-bit
 * operations (turbo.ts); the same bits. Cost: microseconds.
 */
export function bindKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  options: { wide?: boolean } = {},
): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const { gemmWide, hiddenWide, ...kernels } = exports as unknown as Exports
  const gemm = options.wide ? gemmWide : kernels.gemm
  const hidden = options.wide ? hiddenWide : kernels.hidden
  return { ...kernels, hidden, gemm, gemmOnes: gemm }
}

/** The fastest build that this engine can run: `relaxed`, where its relaxed SIMD is on. */
export function bestSimd(): Simd {
  const url = new URL('../../wasm/kernels-relaxed.wasm', import.meta.url)
  try {
    return WebAssembly.validate(readFileSync(url)) ? 'relaxed' : 'strict'
  } catch {
    return 'strict'
  }
}

const PAGE_BYTES = 65_536
export const MEMORY_BYTES_MAX = 65_536 * PAGE_BYTES

/**
 * A shared memory of at least `bytes`. @throws NearrankError MEMORY past 4 GiB, or where the system gives
 * none.
 */
export function createMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  if (bytes > MEMORY_BYTES_MAX)
    throw new NearrankError(
      'MEMORY',
      `Cannot hold the feature tables and buffers: they take ${(bytes / 2 ** 30).toFixed(1)} GiB, and one WebAssembly memory holds at most 4 GiB. Use fewer features or rows in the tables.`,
    )
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (cause) {
    throw new NearrankError('MEMORY', `Cannot allocate ${pages * PAGE_BYTES} bytes of shared memory`, {
      cause,
    })
  }
}
