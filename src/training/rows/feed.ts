import { RING_CHUNKS } from '../memory/arena.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import type { RowStream } from './rowStream.ts'

/** Rows that have been scored: the first `rows` of each column. */
export type ScoredRows = (logits: Float32Array, clicks: Uint8Array, users: Uint32Array, rows: number) => void

/** Hands the stream's rows to the workers until it ends or they leave; chunk by chunk, never more than the ring holds. */
export async function feedTraining(lead: CrewLead, stream: RowStream): Promise<void> {
  for (let chunk = 0; await lead.awaitFree(chunk); chunk++) {
    const rows = await stream.nextInto(lead.chunks[chunk % RING_CHUNKS])
    lead.publish(chunk, rows === 0 ? -1 : rows)
    if (rows === 0) return
  }
}

/** Scores the stream's rows on all threads and hands them on in their order. The parameters must have been folded. */
export async function scoreRows(lead: CrewLead, stream: RowStream, consume: ScoredRows): Promise<void> {
  await lead.run({ type: 'score' }, async () => {
    const sizes: number[] = []
    let consumed = 0
    const consumeNext = async () => {
      await lead.awaitDone(consumed + 1)
      const { logits, clicks, users } = lead.chunks[consumed % RING_CHUNKS]
      consume(logits, clicks, users, sizes[consumed])
      consumed++
    }
    for (;;) {
      const chunk = sizes.length
      if (chunk - consumed === RING_CHUNKS) await consumeNext()
      const rows = await stream.nextInto(lead.chunks[chunk % RING_CHUNKS])
      if (rows === 0) break
      sizes.push(rows)
      lead.publish(chunk, rows)
    }
    while (consumed < sizes.length) await consumeNext()
    lead.publish(sizes.length, -1)
  })
}
