import type { CrewLead } from '../crew/crewLead.ts'
import type { RowStream } from './rowStream.ts'

/**
 * Trains on the stream's rows until it ends or the workers leave; chunk by chunk, never more than the ring
 * holds.
 */
export async function trainRows(lead: CrewLead, stream: RowStream): Promise<void> {
  await lead.run({ type: 'train' }, async () => {
    for (let chunk = 0; await lead.awaitFree(chunk); chunk++) {
      const rows = await stream.nextInto(lead.chunk(chunk).rows)
      lead.publish(chunk, rows === 0 ? -1 : rows)
      if (rows === 0) return
    }
  })
}
