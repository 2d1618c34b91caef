import { crc32 } from 'node:zlib'
import { wordsOf } from '../../features/encodeRow.ts'
import type { FeatureSpec, PairFeature } from '../../features/featureSpec.ts'
import { rowShape } from '../../features/rowShape.ts'
import type { DurableFile } from '../pack/durableFile.ts'
import {
  allocateRows,
  BLOCK_ROWS_MAX,
  type ClickRows,
  copyRows,
  packBlock,
  hasGroups,
  hasWeights,
  rowBytes,
  type RowPlan,
} from './rowLayout.ts'
import { ColumnStatistics } from '../tables/columnStatistics.ts'
import type { PackedBlock, PackedFile, PackedRowsBody } from './readRows.ts'
import { rowsDigest } from './rowDigest.ts'

/** Features that come with a click row, in its column `context`. */
interface OwnFeatures {
  context: readonly FeatureSpec[]
  pairs: readonly PairFeature[]
}

/** Gathers rows into blocks that cross no file and cut no group, and writes them. */
export class BlockBuilder {
  readonly groups = { count: 0, longest: 0, withoutOrder: 0 } // of rows that are numbered by group
  readonly plan: RowPlan
  readonly #own: OwnFeatures
  readonly #statistics: ColumnStatistics // of the context's numbers
  readonly #output: DurableFile
  readonly #block: ClickRows
  readonly #packed: Uint8Array
  readonly #hasGroups: boolean
  #rows = 0 // in the block
  #clicks = 0
  readonly #weights = { all: 0, clicks: 0 } // sums, of all rows and of the clicks
  readonly #files: PackedFile[] = []
  readonly #blocks: PackedBlock[] = []

  constructor(output: DurableFile, plan: RowPlan, own: OwnFeatures = { context: [], pairs: [] }) {
    const { numbers, words } = rowShape([...own.context, ...own.pairs])
    this.plan = plan
    this.#output = output
    this.#own = own
    this.#hasGroups = hasGroups(plan)
    this.#statistics = new ColumnStatistics(numbers, words)
    this.#block = allocateRows(plan, BLOCK_ROWS_MAX)
    this.#packed = new Uint8Array(BLOCK_ROWS_MAX * rowBytes(plan))
  }

  get #file(): PackedFile {
    return this.#files[this.#files.length - 1]
  }

  startFile(name: string): void {
    this.#files.push({ name, rows: 0, dropped: 0, firstBlock: this.#blocks.length, blockCount: 0 })
  }

  dropped(rows: number): void {
    this.#file.dropped += rows
  }

  /** Of a file of older clicks. */
  notReplayed(rows: number): void {
    this.#file.notReplayed = (this.#file.notReplayed ?? 0) + rows
  }

  /** Counts rows of the file that belong to other parts of the clicks. */
  heldOut(rows: number): void {
    this.#file.heldOut = (this.#file.heldOut ?? 0) + rows
  }

  /** Takes the first `rows` rows of `from`; true if blocks were full and have been written. */
  async append(rows: number, from: ClickRows): Promise<boolean> {
    let isWritten = false
    for (let start = 0; start < rows; ) {
      const end = Math.min(rows, start + BLOCK_ROWS_MAX - this.#rows)
      copyRows(this.plan, this.#block, this.#rows, { from, start, end })
      this.#rows += end - start
      start = end
      if (this.#rows < BLOCK_ROWS_MAX) continue
      await this.#flush(this.#wholeGroups())
      isWritten = true
    }
    return isWritten
  }

  async endFile(): Promise<void> {
    if (this.#rows > 0) await this.#flush(this.#rows)
    this.#file.blockCount = this.#blocks.length - this.#file.firstBlock
  }

  /** Rows of the block before its last group, which may go on; all if there are no groups. */
  #wholeGroups(): number {
    let rows = this.#rows
    if (!this.#hasGroups) return rows
    const groups = this.#block.groups as Uint32Array
    for (const last = groups[rows - 1]; groups[rows - 1] === last; ) rows--
    return rows
  }

  #countGroups(rows: number): void {
    const groups = this.#block.groups as Uint32Array
    const { clicks } = this.#block
    for (let start = 0, end = 0; start < rows; start = end) {
      let clicked = 0
      for (; end < rows && groups[end] === groups[start]; end++) clicked += clicks[end]
      this.groups.count++
      this.groups.longest = Math.max(this.groups.longest, end - start)
      if (clicked === 0 || clicked === end - start) this.groups.withoutOrder++
    }
  }

  #addWeights(weights: Float32Array, rows: number): void {
    const { clicks } = this.#block
    let [all, clicked] = [0, 0]
    for (let i = 0; i < rows; i++) {
      all += weights[i]
      clicked += clicks[i] * weights[i]
    }
    this.#weights.all += all
    this.#weights.clicks += clicked
  }

  /** Writes the first `rows` rows; the others begin the next block. */
  async #flush(rows: number): Promise<void> {
    const { clicks } = this.#block
    const packed = packBlock(this.plan, this.#block, rows, this.#packed)
    for (let i = 0; i < rows; i++) this.#clicks += clicks[i]
    this.#blocks.push({
      file: this.#files.length - 1,
      rows,
      byteOffset: this.#output.bytes,
      crc32: crc32(packed),
      digest: rowsDigest(this.#block, 0, rows),
    })
    const { context } = this.#block
    if (context) this.#statistics.add(wordsOf(context as Uint32Array).f32, rows)
    if (this.#hasGroups) this.#countGroups(rows)
    if (hasWeights(this.plan)) this.#addWeights(this.#block.weights as Float32Array, rows)
    this.#file.rows += rows
    copyRows(this.plan, this.#block, 0, { from: this.#block, start: rows, end: this.#rows })
    this.#rows -= rows
    await this.#output.write(packed)
  }

  body(): PackedRowsBody {
    const rows = this.#files.reduce((sum, file) => sum + file.rows, 0)
    const { all, clicks } = this.#weights
    const weights = { mean: all / rows, clickMean: this.#clicks === 0 ? 0 : clicks / this.#clicks }
    return {
      rows,
      clicks: this.#clicks,
      dropped: this.#files.reduce((sum, file) => sum + file.dropped, 0),
      digest: this.#blocks.reduce((digest, block) => (digest + block.digest) >>> 0, 0),
      files: this.#files,
      blocks: this.#blocks,
      ...(hasWeights(this.plan) && rows > 0 && { weights }),
      ...(this.#own.context.length + this.#own.pairs.length > 0 && {
        context: {
          features: [...this.#own.context],
          pairs: [...this.#own.pairs],
          mean: Array.from(this.#statistics.mean),
          standardDeviation: Array.from(this.#statistics.standardDeviation()),
        },
      }),
    }
  }
}
