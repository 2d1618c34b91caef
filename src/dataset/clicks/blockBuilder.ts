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
  rowBytes,
  type RowPlan,
} from './rowLayout.ts'
import { ColumnStatistics } from '../tables/columnStatistics.ts'
import type { PackedBlock, PackedFile, PackedRowsBody } from './readRows.ts'
import { rowsDigest } from './rowDigest.ts'

const CHUNK_ROWS = 2048 // DuckDB's vectors

/** Features that come with a click row, in its column `context`. */
interface OwnFeatures {
  context: readonly FeatureSpec[]
  pairs: readonly PairFeature[]
}

/** Gathers rows into blocks that never cross a file, and writes them. */
export class BlockBuilder {
  readonly scratch: ClickRows
  readonly plan: RowPlan
  readonly #own: OwnFeatures
  readonly #statistics: ColumnStatistics // of the context's numbers
  readonly #output: DurableFile
  readonly #block: ClickRows
  readonly #packed: Uint8Array
  #rows = 0 // in the block
  #clicks = 0
  readonly #files: PackedFile[] = []
  readonly #blocks: PackedBlock[] = []

  constructor(output: DurableFile, plan: RowPlan, own: OwnFeatures = { context: [], pairs: [] }) {
    const { numbers, words } = rowShape([...own.context, ...own.pairs])
    this.plan = plan
    this.#output = output
    this.#own = own
    this.#statistics = new ColumnStatistics(numbers, words)
    this.scratch = allocateRows(plan, CHUNK_ROWS)
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

  /**
   * Takes the first `rows` rows of `from`, a block's at most; returns a promise if a block was full and is
   * being written.
   */
  append(rows: number, from = this.scratch): Promise<void> | undefined {
    let written: Promise<void> | undefined
    for (let start = 0; start < rows; ) {
      const end = Math.min(rows, start + BLOCK_ROWS_MAX - this.#rows)
      copyRows(this.plan, this.#block, this.#rows, { from, start, end })
      this.#rows += end - start
      start = end
      // once at most: a chunk is smaller than a block, and a block is one
      if (this.#rows === BLOCK_ROWS_MAX) written = this.#flush()
    }
    return written
  }

  async endFile(): Promise<void> {
    if (this.#rows > 0) await this.#flush()
    this.#file.blockCount = this.#blocks.length - this.#file.firstBlock
  }

  async #flush(): Promise<void> {
    const rows = this.#rows
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
    this.#file.rows += rows
    this.#rows = 0
    await this.#output.write(packed)
  }

  body(): PackedRowsBody {
    return {
      rows: this.#files.reduce((sum, file) => sum + file.rows, 0),
      clicks: this.#clicks,
      dropped: this.#files.reduce((sum, file) => sum + file.dropped, 0),
      digest: this.#blocks.reduce((digest, block) => (digest + block.digest) >>> 0, 0),
      files: this.#files,
      blocks: this.#blocks,
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
