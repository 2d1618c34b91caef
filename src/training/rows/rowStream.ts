import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import {
  allocateRows,
  blockRows,
  type ClickRows,
  copyRows,
  gatherRows,
  rowBytes,
} from '../../dataset/clicks/rowLayout.ts'
import { batchOfGroups } from '../../dataset/clicks/groupBatches.ts'
import { rowDigest, rowDigestAt, weightBits } from '../../dataset/clicks/rowDigest.ts'
import { mix32, Random } from '../../random.ts'

/** Which rows of a pack, and in which order. */
export interface RowOrder {
  shuffle: boolean
  seed: number
  epoch: number // each has an order of its own
  validation: number // share held out, drawn row by row from the seed; the same rows in every epoch
  select: 'all' | 'training' | 'validation'
  /** Rows that a batch has at most: then groups stay together, in each batch and in either part. */
  wholeGroups?: number
}

/** What has passed so far. */
export interface RowCount {
  rows: number
  digest: number // of the rows handed out, modulo 2^32
  heldDigest: number // of those that were not
  used: number[] // by file
  heldOut: number[] // by file
}

/**
 * Blocks that are mixed with one another at a time, half a million rows: 5 MB of them and 2 MB for their
 * order, about a second-level cache.
 */
export const WINDOW_BLOCKS = 8
const HELD_OUT = 2
const BLOCK_ORDER = 3
const WINDOW_ORDER = 4

/**
 * Streams the rows of a pack once, in constant memory.
 * In file order, or shuffled: blocks in random order, a window of them at a time, and the rows of a window in
 * random order. Both are functions of the seed and the epoch alone.
 */
export class RowStream {
  readonly count: RowCount
  readonly #pack: PackedRows
  readonly #order: RowOrder
  readonly #blocks: number[] // in the order of reading
  readonly #firstRows: number[] // of each block, in the pack
  readonly #windowBlocks: number
  readonly #bytes: Uint8Array // of the block being added
  readonly #ahead: Uint8Array // of the one being read
  #nextBlock = 0
  #reading: Promise<void> | undefined
  // The window, and the order in which the rest of it goes out.
  readonly #window: ClickRows
  readonly #permutation: Uint32Array
  readonly #selected: Uint32Array // rows of a block that belong to the part
  #rows = 0
  #next = 0
  #endOfFile = true
  readonly #groupsMax: number // rows of a batch of whole groups; 0: rows go by themselves

  constructor(pack: PackedRows, order: RowOrder) {
    this.#pack = pack
    this.#order = order
    const none = () => pack.files.map(() => 0)
    this.count = { rows: 0, digest: 0, heldDigest: 0, used: none(), heldOut: none() }
    let first = 0
    this.#firstRows = pack.blocks.map((block) => {
      const at = first
      first += block.rows
      return at
    })
    this.#blocks = pack.blocks.map((_, i) => i)
    if (order.shuffle) shuffleInPlace(this.#blocks, new Random(order.seed, BLOCK_ORDER, order.epoch))
    this.#windowBlocks = order.shuffle ? Math.min(WINDOW_BLOCKS, pack.blocks.length) : 1
    this.#groupsMax = pack.groups ? (order.wholeGroups ?? 0) : 0
    const { plan, blockRowsMax } = pack
    const windowRows = this.#windowBlocks * blockRowsMax
    this.#bytes = new Uint8Array(blockRowsMax * rowBytes(plan))
    this.#ahead = new Uint8Array(blockRowsMax * rowBytes(plan))
    this.#window = allocateRows(plan, windowRows)
    this.#permutation = new Uint32Array(order.shuffle ? windowRows : 0)
    this.#selected = new Uint32Array(order.select === 'all' ? 0 : blockRowsMax)
  }

  /**
   * Fills `target` from the start with the next rows, and returns how many: fewer than it holds only at the
   * end of a file (in file order) or of everything; 0 if there are no more. Of whole groups, it takes as many
   * batches as fit, none of which crosses a window: see `batchOfGroups`.
   */
  async nextInto(target: ClickRows): Promise<number> {
    const size = target.clicks.length
    let filled = 0
    while (filled < size) {
      if (this.#next === this.#rows) {
        if (filled > 0 && (this.#groupsMax > 0 || (this.#endOfFile && !this.#order.shuffle))) break
        if (!(await this.#fillWindow())) break
        continue
      }
      const count = this.#groupsMax > 0 ? this.#batch() : Math.min(size - filled, this.#rows - this.#next)
      if (count > size - filled) break
      this.#copyInto(target, filled, count)
      filled += count
    }
    this.count.rows += filled
    return filled
  }

  #batch(): number {
    const order = this.#order.shuffle ? this.#permutation : undefined
    return batchOfGroups(this.#window.groups as Uint32Array, {
      start: this.#next,
      end: this.#rows,
      max: this.#groupsMax,
      order,
    })
  }

  /**
   * Passes over the next `rows` rows, counted as if they had been handed out. @returns how many there were.
   */
  async skip(rows: number): Promise<number> {
    let left = rows
    while (left > 0) {
      const size = Math.min(left, Math.max(this.#pack.blockRowsMax, this.#groupsMax))
      const taken = await this.nextInto(allocateRows(this.#pack.plan, size))
      if (taken === 0) break
      left -= taken
    }
    return rows - left
  }

  #copyInto(target: ClickRows, filled: number, count: number): void {
    const { plan } = this.#pack
    const start = this.#next
    const from = this.#window
    if (this.#order.shuffle) {
      const order = this.#permutation.subarray(start, start + count)
      gatherRows(plan, target, filled, { from, order, count })
    } else copyRows(plan, target, filled, { from, start, end: start + count })
    this.#next += count
  }

  /** Reads the next blocks; false if there are none. */
  async #fillWindow(): Promise<boolean> {
    this.#rows = 0
    this.#next = 0
    if (this.#nextBlock === this.#blocks.length) return false
    for (let i = 0; i < this.#windowBlocks && this.#nextBlock < this.#blocks.length; i++)
      await this.#addBlock()
    if (this.#order.shuffle) {
      const window = this.#permutation.subarray(0, this.#rows)
      const random = new Random(this.#order.seed, WINDOW_ORDER, this.#order.epoch, this.#nextBlock)
      if (this.#groupsMax > 0) shuffleGroups(window, this.#window.groups as Uint32Array, random)
      else {
        for (let i = 0; i < window.length; i++) window[i] = i
        shuffleInPlace(window, random)
      }
    }
    return true
  }

  /** Adds one block to the window, and starts reading the one after it. */
  async #addBlock(): Promise<void> {
    const { blocks, files, plan } = this.#pack
    const index = this.#blocks[this.#nextBlock]
    await (this.#reading ?? this.#pack.readBlockInto(index, this.#ahead))
    const { rows, file, digest } = blocks[index]
    this.#bytes.set(this.#ahead.subarray(0, rows * rowBytes(plan)))
    this.#nextBlock++
    this.#reading = undefined
    if (this.#nextBlock < this.#blocks.length) {
      this.#reading = this.#pack.readBlockInto(this.#blocks[this.#nextBlock], this.#ahead)
      this.#reading.catch(() => {}) // reported where it is awaited
    }
    const block = blockRows(plan, this.#bytes.buffer, 0, rows)
    if (this.#order.select === 'all') {
      copyRows(plan, this.#window, this.#rows, { from: block, start: 0, end: rows })
      this.#rows += rows
      this.count.used[file] += rows
      this.count.digest = (this.count.digest + digest) % 2 ** 32
    } else this.#select(block, this.#firstRows[index], file)
    const { firstBlock, blockCount } = files[file]
    this.#endOfFile = index === firstBlock + blockCount - 1
  }

  /** Adds the rows of a block that belong to the training or the validation part. */
  #select(block: ClickRows, firstRow: number, file: number): void {
    const { users, restaurants, clicks, context } = block
    const bits = weightBits(block)
    const isPlain = context === undefined && bits === undefined
    const groups = this.#groupsMax > 0 ? (block.groups as Uint32Array) : null
    const isHeldOut = heldOutBy(this.#order)
    const heldWanted = this.#order.select === 'validation'
    const { count } = this
    const order = this.#selected
    let taken = 0
    let digest = 0
    let heldDigest = 0
    for (let i = 0; i < clicks.length; i++) {
      const own = isPlain ? rowDigest(users[i], restaurants[i], clicks[i]) : rowDigestAt(block, i, bits)
      if (isHeldOut(groups ? groups[i] : firstRow + i) !== heldWanted) {
        heldDigest += own
        continue
      }
      order[taken++] = i
      digest += own
    }
    gatherRows(this.#pack.plan, this.#window, this.#rows, { from: block, order, count: taken })
    this.#rows += taken
    count.used[file] += taken
    count.heldOut[file] += clicks.length - taken
    count.digest = (count.digest + digest) % 2 ** 32
    count.heldDigest = (count.heldDigest + heldDigest) % 2 ** 32
  }
}

/**
 * Whether row `row` of the pack, or the group of that number, belongs to the validation part: drawn from the
 * seed and the number alone.
 */
export function heldOutBy({
  seed,
  validation,
}: Pick<RowOrder, 'seed' | 'validation'>): (row: number) => boolean {
  const threshold = Math.round(validation * 2 ** 32)
  const salt = mix32(mix32(seed) + HELD_OUT)
  return (row) => mix32(mix32(row ^ salt) + Math.floor(row / 2 ** 32)) >>> 0 < threshold
}

/** How many rows of each file an epoch trains on. Cost: 2 ns a row where some are held out, else none. */
export function trainingRows(pack: PackedRows, order: Pick<RowOrder, 'seed' | 'validation'>): number[] {
  if (order.validation === 0) return pack.files.map((file) => file.rows)
  const isHeldOut = heldOutBy(order)
  let row = 0
  return pack.files.map((file) => {
    let count = 0
    for (const end = row + file.rows; row < end; row++) if (!isHeldOut(row)) count++
    return count
  })
}

/** Writes the places of all rows, group by group in random order; those of a group stay as they are. */
function shuffleGroups(places: Uint32Array, groups: Uint32Array, random: Random): void {
  const starts: number[] = []
  for (let row = 0; row < places.length; row++)
    if (row === 0 || groups[row] !== groups[row - 1]) starts.push(row)
  shuffleInPlace(starts, random)
  let at = 0
  for (const start of starts)
    for (let row = start; row < places.length && groups[row] === groups[start]; row++) places[at++] = row
}

/**
 * Fisher and Yates. The draw is uniform to one part in 2^32 / length: rejecting the rest would cost more than
 * the shuffle.
 */
function shuffleInPlace(values: number[] | Uint32Array, random: Random): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor((random.uint32() / 2 ** 32) * (i + 1))
    const value = values[i]
    values[i] = values[j]
    values[j] = value
  }
}
