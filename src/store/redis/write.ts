import type { Change, StoreLayout } from '../featureStore.ts'
import type { RedisListener } from './listener.ts'
import { type RedisPipeline, ROUND_COMMANDS_MAX } from './pipeline.ts'
import { keyOf, readCommand, type RowKey, writeCommand } from './rows.ts'

const WRITES_A_ROUND = ROUND_COMMANDS_MAX / 2 // each is read back

interface WriteOptions {
  changes: readonly Change[]
  prefix: string
  layout: StoreLayout
  listener: () => RedisListener | null // who is to be told, at the time when a round is sent
  /**
   * Rows were written and could not be read back: nobody else tells us
   * of them, so the listener is behind from now on.
   */
  onUnread: (error: unknown) => void
}

/**
 * Writes rows in their order, one command each, and reads them back right behind, so that before it resolves
 * the listener has been told of this write or of a later one. After a refusal no further rounds are sent.
 * @throws an ErrorReply where the server refuses, another error where
 * the connection is lost. A part may have been written.
 */
export async function writeRows(
  pipeline: RedisPipeline,
  { changes, prefix, layout, listener, onUnread }: WriteOptions,
): Promise<void> {
  let refusal: unknown
  const rounds: Promise<void>[] = []
  for (let at = 0; at < changes.length; at += WRITES_A_ROUND) {
    const some = changes.slice(at, at + WRITES_A_ROUND)
    let keys: RowKey[] = []
    const commands = () => {
      if (refusal !== undefined) return []
      const names = new Set(some.map((change) => keyOf(prefix, change)))
      keys = listener()?.rowKeys([...names]) ?? []
      const writes = some.map((change) => writeCommand(prefix, change, layout))
      return [...writes, ...keys.map((key) => readCommand(key, layout))]
    }
    const deliver = (replies: readonly unknown[]) => {
      refusal ??= replies.slice(0, some.length).find((reply) => reply instanceof Error)
      try {
        listener()?.changes(keys, replies.slice(some.length))
      } catch (error) {
        onUnread(error)
        throw error
      }
    }
    rounds.push(pipeline.round(commands, deliver))
  }
  const outcomes = await Promise.allSettled(rounds)
  if (refusal !== undefined) throw refusal
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
