import type { Source } from '../../features/featureSpec.ts'
import type { Kernels } from '../../kernels/kernels.ts'
import type { EmbeddingLayout } from '../../model/layout.ts'
import { numberInputs } from '../../model/network.ts'
import type { Arena, ContextArea, RingSlot, Scratch } from '../memory/arena.ts'
import type { EmbeddingArea } from '../memory/embeddingArea.ts'
import { asIs, fromColumn, gemmInto, type GemmOperands, repeated } from './operands.ts'

const NO_ROW = -1

/** How one embedding comes into the block. */
interface EmbeddingGather {
  side: Source
  to: number // its first column of x
  tableAt: number // of the side's rows; those of context and pairs come with each chunk
  stride: number
  word: number // of such a row, where its codes begin
  slots: number
  values: number // the embedding table
  dim: number
  codes: number // of the batch's first row, among those kept
  ldc: number
}

/** An embedding that is also added to the logit. */
interface DirectInputs {
  at: number // its first column of x
  delta: number // its first column among the gradients at the embeddings; nothing is trained: not used
  width: number
}

/** Between the rows of a block and what is no number of a table: context and embeddings, on one thread. */
export class InputPass {
  readonly #arena: Arena
  readonly #gathers: EmbeddingGather[]
  readonly #direct: DirectInputs[]
  readonly #one: number // the first row's place of the 1
  readonly #context: number // and of the numbers of its context
  readonly #kernels: Kernels
  readonly #scratch: Scratch
  readonly #back: GemmOperands | null // to the inputs that are embeddings; null: nothing is trained
  readonly #inner: number // units of the first segment, through which it leads
  readonly #scalesRows: boolean // the gradient at those units lacks the rows' own factor

  constructor(arena: Arena, kernels: Kernels, thread: number) {
    const { embedded, folded } = arena
    const [first] = folded.hidden
    this.#arena = arena
    this.#kernels = kernels
    this.#scratch = arena.scratch[thread]
    this.#gathers = arena.layout.embeddings.map((one) => planGather(arena, this.#scratch, one))
    this.#direct = planDirect(arena, this.#scratch)
    this.#one = fromColumn(this.#scratch.x, arena.layout.features).at
    const { userFeatures, restaurantFeatures } = arena.shape.network
    this.#context = fromColumn(this.#scratch.x, userFeatures + restaurantFeatures).at
    this.#back = embedded && planBack(arena, embedded, this.#scratch)
    this.#inner = first ? first.segment.outputs : 1
    this.#scalesRows = folded.hidden.length === 1
  }

  /**
   * Completes the rows of the block: their context, their embeddings, and the 1 behind them. With `batchRow`
   * their codes are kept, as those of the batch's rows from there on. Returns the rows' digest; undefined:
   * it is that of the rows without context.
   */
  gather(slot: RingSlot, from: number, rows: number, batchRow = NO_ROW): number | undefined {
    const kernels = this.#kernels
    const { x } = this.#scratch
    const { context } = this.#arena
    const own = context ? slot.rows.context + 4 * from * context.words : 0
    for (const one of this.#gathers) {
      const { side, to, stride, word, slots, values, dim, codes, ldc } = one
      const isOwn = side === 'context' || side === 'pairs'
      const tableAt = isOwn ? own : one.tableAt
      const indices = isOwn ? context!.identity : slot.rows[side] + 4 * from
      const out = batchRow === NO_ROW ? 0 : codes + 4 * batchRow * ldc
      kernels.embed(to, x.ld, indices, tableAt, stride, word, slots, values, dim, out, ldc, rows)
    }
    kernels.setColumn(this.#one, x.ld, 1, rows)
    return context ? this.#gatherContext(context, slot, from, rows, own) : undefined
  }

  #gatherContext(context: ContextArea, slot: RingSlot, from: number, rows: number, own: number): number {
    const { x } = this.#scratch
    const { words, numbers, shift, scale } = context
    const { users, restaurants, clicks } = slot.rows
    return this.#kernels.gatherContext(
      this.#context,
      x.ld,
      users + 4 * from,
      restaurants + 4 * from,
      clicks + from,
      own,
      words,
      numbers,
      shift,
      scale,
      rows,
    )
  }

  /** Adds to the logits of a block, [rows, 4] partial sums, what its embeddings add to them directly. */
  addToLogits(rows: number): void {
    const { x, z4 } = this.#scratch
    for (const { at, width } of this.#direct) this.#kernels.addToLogits(z4, at, x.ld, width, rows)
  }

  /**
   * Leaves the gradient at the embeddings of a block, of which the first row is row `batchRow` of the batch.
   */
  backward(batchRow: number, padded: number): void {
    const { embedded } = this.#arena
    if (!this.#back || !embedded) return
    const { deltas, inputs } = embedded
    const at = deltas.at + 4 * batchRow * deltas.ld
    gemmInto(this.#kernels, at, this.#back, padded, inputs, this.#inner)
    const { delta } = this.#scratch
    if (this.#scalesRows) this.#kernels.scaleRows(at, deltas.ld, delta, padded, inputs)
    for (const direct of this.#direct)
      this.#kernels.addDeltas(at + 4 * direct.delta, deltas.ld, delta, direct.width, padded)
  }
}

function planDirect({ layout }: Arena, { x }: Scratch): DirectInputs[] {
  const first = numberInputs(layout.network)
  return layout.embeddings
    .filter(({ table }) => table.direct)
    .map(({ column, table }) => ({
      at: fromColumn(x, column).at,
      delta: column - first,
      width: table.dim,
    }))
}

function planGather(
  { tables, context, parameters, embedded }: Arena,
  { x }: Scratch,
  { table, column, word, offset, code }: EmbeddingLayout,
): EmbeddingGather {
  const { side, slots, dim } = table
  const isOwn = side === 'context' || side === 'pairs'
  const { at, stride } = isOwn ? { at: 0, stride: context?.words ?? 0 } : tables[side]
  return {
    side,
    to: fromColumn(x, column).at,
    tableAt: at,
    stride,
    word,
    slots,
    values: parameters.values + 4 * offset,
    dim,
    codes: embedded ? fromColumn(embedded.codes, code).at : 0,
    ldc: embedded?.codes.ld ?? 0,
  }
}

/** From the gradient at the first segment's units, or from that of the logit, to the embeddings. */
function planBack(
  { folded, layout }: Arena,
  { deltas, backward }: EmbeddingArea,
  { mask, back, delta }: Scratch,
): GemmOperands {
  const init = repeated(folded.zeros)
  if (folded.hidden.length === 0) {
    const w = { at: folded.outputWeights + 4 * numberInputs(layout.network), ld: 0 }
    return { c: deltas, a: { at: delta, row: 1, column: 0 }, b: w, init }
  }
  return { c: deltas, a: asIs(folded.hidden.length === 1 ? mask : back[0]), b: backward, init }
}
