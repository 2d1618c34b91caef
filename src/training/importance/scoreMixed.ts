import { allocateRows, type ClickRows, copyRows, rowsAt } from '../../dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import { RING_CHUNKS } from '../memory/arena.ts'
import { RowStream } from '../rows/rowStream.ts'
import type { DrawnRows } from './drawRows.ts'

/** A block of rows that have been scored. */
export interface MixedScores {
  columns: ClickRows // the first `rows` of each column
  rows: number
  repeat: number // from 0: which donors these were
  logitsOf: (mix: number) => Float32Array // [rows]; 0: as the rows are, i + 1: with `inputs[i]` of the donors
}

const PAIRS = RING_CHUNKS / 2

/** Rows of a block at most: blocks are as large as the ring's chunks, but for being of one size. */
export function mixedBlockRows(lead: CrewLead, { rows }: DrawnRows): number {
  return Math.ceil(rows / Math.ceil(rows / lead.arena.ring.chunkRows))
}

/**
 * Scores the drawn rows in random order, a block at a time: as they are, and for each of `inputs` with these
 * inputs of another row, their donor. A repeat's donors are the drawn rows once more in another order. A
 * block comes once for each repeat, one after the other.
 */
export async function scoreMixed(
  lead: CrewLead,
  pack: PackedRows,
  { drawn, inputs }: { drawn: DrawnRows; inputs: number[][] },
  consume: (scores: MixedScores) => void,
): Promise<void> {
  const stream = new RowStream(pack, drawn.orderOf(0))
  const donors = Array.from({ length: drawn.repeats }, (_, i) => new RowStream(pack, drawn.orderOf(1 + i)))
  const own = allocateRows(pack.plan, mixedBlockRows(lead, drawn))
  await lead.run({ type: 'scoreMixed', inputs }, async () => {
    const sizes: number[] = [] // of the pairs
    let consumed = 0
    const consumeNext = async () => {
      await lead.awaitDone(2 * consumed + 2)
      const { logits, rows: columns } = lead.chunk(2 * consumed)
      const { chunkRows } = lead.arena.ring
      const rows = sizes[consumed]
      const logitsOf = (mix: number) => logits.subarray(mix * chunkRows, mix * chunkRows + rows)
      consume({ columns, rows, repeat: consumed % drawn.repeats, logitsOf })
      consumed++
    }
    for (let rows = await stream.nextInto(own); rows > 0; rows = await stream.nextInto(own))
      for (const donor of donors) {
        if (sizes.length - consumed === PAIRS) await consumeNext()
        const chunk = 2 * sizes.length
        copyRows(pack.plan, lead.chunk(chunk).rows, 0, { from: own, start: 0, end: rows })
        await donor.nextInto(firstRows(lead, chunk + 1, rows))
        sizes.push(rows)
        lead.publish(chunk, rows)
        lead.publish(chunk + 1, rows)
      }
    while (consumed < sizes.length) await consumeNext()
    lead.publish(2 * sizes.length, -1)
  })
}

/** The first `rows` rows of a chunk. */
function firstRows({ arena: { ring }, memory }: CrewLead, chunk: number, rows: number): ClickRows {
  return rowsAt(ring.plan, memory.buffer, ring.slots[chunk % RING_CHUNKS].rows, rows)
}
