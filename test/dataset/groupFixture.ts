import { join } from 'node:path'
import { wordsOf } from '../../src/features/encodeRow.ts'
import { blockRows, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import { writeParquetFile } from './fixture.ts'

// Groups of 1 to 20 rows: each twenty rows are two groups, or one.
export const groupOf = (i: number) => {
  const twenty = Math.floor(i / 20)
  return 2 * twenty + (i % 20 >= (twenty * 7) % 20 ? 1 : 0)
}
const GROUP = `(2 * (i // 20) + (i % 20 >= ((i // 20) * 7) % 20)::INTEGER)`

/** Of the users and restaurants of `writeLargeTables`; `serial` tells which row it is. */
export const expectedClick = (i: number) => [(i * 7) % 1000, (i * i) % 100, i % 3 === 0 ? 1 : 0]

/** SQL types of groups, from their number. */
export const GROUP_TYPES: Record<string, string> = {
  integers: `${GROUP}::INTEGER`,
  'long integers': `(${GROUP} - 70)::BIGINT * 4294967296`, // with equal low words
  strings: `'the request number ' || ${GROUP}`,
  uuids: `md5(${GROUP}::VARCHAR)::UUID`,
  'uuids as strings': `md5(${GROUP}::VARCHAR)::UUID::VARCHAR`,
  timestamps: `make_timestamp(${GROUP}::BIGINT * 1000000)`,
  'timestamps in milliseconds': `make_timestamp(${GROUP}::BIGINT * 1000000)::TIMESTAMP_MS`,
}

/** Writes rows of clicks, those of `rows` as SQL that gives their numbers as `i`, in order. */
export async function writeGroupedClicks(
  data: string,
  name: string,
  rows: string,
  group = GROUP_TYPES.integers,
): Promise<void> {
  await writeParquetFile(
    data,
    join('train', name),
    `SELECT (3 * ((i * 7) % 1000))::BIGINT AS user_id, (-((i * i) % 100))::BIGINT AS restaurant_id,
     (i % 3 = 0)::INTEGER AS click, i::FLOAT AS serial, ${group} AS request_id FROM (${rows})`,
  )
}

/** A packed click: the number that `serial` tells, and the group. */
export interface GroupedRow {
  i: number
  group: number
  click: number[] // see expectedClick
}

/** All rows of a pack, block by block. The serial is the first of the context's numbers. */
export async function readGroups(pack: PackedRows): Promise<GroupedRow[][]> {
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  const blocks: GroupedRow[][] = []
  for (const [block, { rows }] of pack.blocks.entries()) {
    await pack.readBlockInto(block, bytes)
    const { users, restaurants, clicks, groups, context } = blockRows(pack.plan, bytes.buffer, 0, rows)
    const { f32 } = wordsOf(context as Uint32Array)
    const width = f32.length / rows
    blocks.push(
      Array.from({ length: rows }, (_, row) => ({
        i: f32[width * row],
        group: groups[row],
        click: [users[row], restaurants[row], clicks[row]],
      })),
    )
  }
  return blocks
}
