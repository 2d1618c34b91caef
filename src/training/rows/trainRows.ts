import { firstRows } from '../../dataset/clicks/rowLayout.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import type { RowStream } from './rowStream.ts'

/**
 * Trains on the stream's rows until it ends, `rowsMax` of them have passed, or the workers leave; chunk by
 * chunk, never more than the ring holds. `rowsMax`: whole batches.
 */
export async function trainRows(
  lead: CrewLead,
  stream: RowStream,
  rowsMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { chunkRows, plan } = lead.arena.ring
  let left = rowsMax
  await lead.run({ type: 'train' }, async () => {
    for (let chunk = 0; await lead.awaitFree(chunk); chunk++) {
      const room = lead.chunk(chunk).rows
      const rows = await stream.nextInto(left < chunkRows ? firstRows(plan, room, left) : room)
      left -= rows
      lead.publish(chunk, rows === 0 ? -1 : rows)
      if (rows === 0) return
    }
  })
}
