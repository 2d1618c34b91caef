import { type Static, Type } from '../../schema.ts'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { messageOf } from '../../errors.ts'
import type { Split } from '../options.ts'
import { readExactly } from '../pack/packFile.ts'
import { damagedPack, readManifest } from '../pack/packManifest.ts'
import { FeatureSchema, PairSchema } from '../../features/featureSchema.ts'
import { widthOf } from '../../features/rowShape.ts'
import { BLOCK_ROWS_MAX, clickPlan, rowBytes, type RowPlan } from './rowLayout.ts'

export const ROWS_FORMAT = 1
export const ROWS_FILE = 'clicks.rows'

const Count = Type.Integer({ minimum: 0 })
const PackedFileSchema = Type.Object({
  name: Type.String(), // of the source file, relative to the data folder
  rows: Count, // kept
  dropped: Count, // clicks that the policies leave out
  notReplayed: Type.Optional(Count), // older clicks that were not drawn; absent: it is a file of new ones
  heldOut: Type.Optional(Count), // rows of other parts, told by their times; absent: the whole file is one
  firstBlock: Count,
  blockCount: Count,
})
const PackedBlockSchema = Type.Object({
  file: Count,
  rows: Type.Integer({ minimum: 1, maximum: BLOCK_ROWS_MAX }),
  byteOffset: Count,
  crc32: Count,
  digest: Count, // see rowDigest
})
const DroppedSchema = Type.Object({
  noFeatures: Count,
  nulls: Count,
  badPlace: Count,
  noTime: Type.Optional(Count),
})
const GroupsSchema = Type.Object({
  count: Count,
  longest: Count, // rows
  withoutOrder: Count, // without a click, or with nothing else
  split: Count, // of more than GROUP_ROWS_MAX rows: each counts as several
})
const WeightsSchema = Type.Object({
  mean: Type.Number({ minimum: 0 }),
  clickMean: Type.Number({ minimum: 0 }), // of the rows with click 1; 0 if there are none
})
const BodySchema = Type.Object({
  rows: Type.Integer({ minimum: 1 }),
  clicks: Count, // rows with click 1
  dropped: Count,
  droppedBecause: Type.Optional(DroppedSchema), // absent: all of them have no features
  digest: Count,
  groups: Type.Optional(GroupsSchema), // absent: the rows are in none
  weights: Type.Optional(WeightsSchema), // absent: each row counts once
  files: Type.Array(PackedFileSchema),
  blocks: Type.Array(PackedBlockSchema),
  unused: Type.Optional(Type.Array(Type.String())), // columns that nothing reads; absent: there are none
  // features of the clicks themselves, fitted to the training rows, and of pairs; absent: there are none
  context: Type.Optional(
    Type.Object({
      features: Type.Array(FeatureSchema),
      pairs: Type.Array(PairSchema),
      mean: Type.Array(Type.Number()), // [numbers], over these rows
      standardDeviation: Type.Array(Type.Number()), // [numbers]
    }),
  ),
})
const ManifestSchema = Type.Object({
  format: Type.Literal(ROWS_FORMAT),
  fingerprint: Type.String(), // of the files, the columns, and the tables
  key: Type.String(),
  ...BodySchema.properties,
})

export type PackedFile = Static<typeof PackedFileSchema>
export type PackedBlock = Static<typeof PackedBlockSchema>

/** What packing finds out about the rows that it writes. */
export type PackedRowsBody = Static<typeof BodySchema>

/** The clicks of a split as row numbers of the feature tables, in blocks that never cross a source file. */
export interface PackedRows extends PackedRowsBody {
  split: Split
  plan: RowPlan // of every block
  fingerprint: string
  path: string
  blockRowsMax: number
  /**
   * Reads block `i` into `target` (≥ `rowBytes(plan)` a row, may lie in shared memory), column after column,
   * as `blockRows` sees them. @throws NearrankError DAMAGED if its checksum does not match.
   */
  readBlockInto(i: number, target: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** The packed rows in a folder; undefined where there are none. @throws NearrankError DAMAGED */
export async function readRows(directory: string, split: Split): Promise<PackedRows | undefined> {
  const manifest = await readManifest(directory, ManifestSchema)
  if (!manifest) return undefined
  const { fingerprint, rows, clicks, dropped, droppedBecause, digest, files, blocks } = manifest
  const context = [...(manifest.context?.features ?? []), ...(manifest.context?.pairs ?? [])]
  const plan = clickPlan(
    widthOf(context),
    manifest.groups ? 'numbers' : 'none',
    manifest.weights !== undefined,
  )
  const bytesEach = rowBytes(plan)
  const path = join(directory, ROWS_FILE)
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw damagedPack(directory, messageOf(error), error)
  })
  const { size } = await handle.stat()
  if (size !== rows * bytesEach) {
    await handle.close()
    throw damagedPack(directory, `${ROWS_FILE} has ${size} bytes, ${rows * bytesEach} were written`)
  }
  return {
    split,
    plan,
    fingerprint,
    path,
    rows,
    clicks,
    dropped,
    ...(droppedBecause && { droppedBecause }),
    digest,
    files,
    blocks,
    ...(manifest.groups && { groups: manifest.groups }),
    ...(manifest.unused && { unused: manifest.unused }),
    ...(manifest.weights && { weights: manifest.weights }),
    ...(manifest.context && { context: manifest.context }),
    blockRowsMax: blocks.reduce((most, block) => Math.max(most, block.rows), 0),
    async readBlockInto(i, target) {
      const block = blocks[i]
      const bytes = target.subarray(0, block.rows * bytesEach)
      await readExactly(handle, bytes, block.byteOffset, path)
      if (crc32(bytes) !== block.crc32)
        throw damagedPack(
          directory,
          `the checksum of block ${i} in ${ROWS_FILE} (from ${files[block.file].name}) does not match`,
        )
    },
    close: () => handle.close(),
  }
}
