import { isUtf8 } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import type { FeatureId } from '../../ids.ts'
import type { Side } from '../../features/featureSpec.ts'
import type { Change, StoreLayout } from '../../store/featureStore.ts'
import type { RowBody, SideBodies } from './featureBodies.ts'
import { Problem, type ProblemCode } from '../problems/problems.ts'
import { readId } from '../readId.ts'

const SLICE_MS_MAX = 5 // at a stretch; other requests are answered between
const ROWS_MAX = 1_000_000 // of one load, a bound for its memory
const NEWLINE = 10

/** What a bulk load says, checked completely. */
export interface FeatureLines {
  changes: Change[]
  counts: { users: number; restaurants: number; deleted: number }
}

/**
 * Reads the body of a bulk load.
 * @throws Problem BAD_JSON, BAD_BODY or BAD_ID naming the first wrong line.
 */
export type ParseFeatureLines = (body: Buffer) => Promise<FeatureLines>

interface ParserOptions {
  layout: StoreLayout
  lineBytesMax: number
}

/**
 * A reader of newline-delimited JSON for rows of `layout`; it works in
 * slices and never holds the thread for long.
 */
export function featureLinesParser(
  bodies: Record<Side, SideBodies>,
  { layout, lineBytesMax }: ParserOptions,
): ParseFeatureLines {
  return async (body) => {
    const lines: FeatureLines = { changes: [], counts: { users: 0, restaurants: 0, deleted: 0 } }
    let sliceStartMs = performance.now()
    let number = 0
    for (let start = 0; start < body.length; ) {
      const newline = body.indexOf(NEWLINE, start)
      const end = newline === -1 ? body.length : newline
      number += 1
      if (end - start > lineBytesMax)
        throw wrongLine(number, 'BAD_BODY', `it must be at most ${lineBytesMax} bytes, found ${end - start}`)
      const text = textOf(body.subarray(start, end), number)
      if (text !== '') {
        if (lines.changes.length === ROWS_MAX)
          throw wrongLine(
            number,
            'BODY_TOO_LARGE',
            `a load must be at most ${ROWS_MAX} rows; send the rest in another`,
          )
        const change = changeOf(text, number, { bodies, layout })
        lines.changes.push(change)
        lines.counts['deleted' in change ? 'deleted' : change.side] += 1
      }
      start = end + 1
      if (performance.now() - sliceStartMs > SLICE_MS_MAX) {
        await setImmediate()
        sliceStartMs = performance.now()
      }
    }
    return lines
  }
}

function textOf(line: Buffer, number: number): string {
  if (!isUtf8(line)) throw wrongLine(number, 'BAD_JSON', 'it must be UTF-8')
  return line.toString('utf8').trim()
}

function changeOf(
  text: string,
  number: number,
  { bodies, layout }: { bodies: Record<Side, SideBodies>; layout: StoreLayout },
): Change {
  const json = parseLine(text, number)
  const side: Side = hasKey(json, 'restaurant_id') ? 'restaurants' : 'users'
  if (side === 'users' && !hasKey(json, 'user_id'))
    throw wrongLine(number, 'BAD_BODY', 'it must be an object with user_id or restaurant_id')
  const isDeletion = hasKey(json, 'deleted')
  const { checkLine, checkDeletion, idProblem, rowOf } = bodies[side]
  const problem = isDeletion ? checkDeletion(json) : checkLine(json)
  if (problem !== undefined) throw wrongLine(number, 'BAD_BODY', problem)
  const line = json as { user_id: number | string; restaurant_id: number | string } & RowBody
  const id = lineId(side === 'users' ? line.user_id : line.restaurant_id, number, { side, layout })
  if (isDeletion) return { side, id, deleted: true }
  const wrongId = idProblem(id, line)
  if (wrongId !== undefined) throw wrongLine(number, 'BAD_BODY', wrongId)
  return rowOf(id, line)
}

function parseLine(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw wrongLine(number, 'BAD_JSON', messageOf(error))
  }
}

function lineId(
  value: number | string,
  number: number,
  { side, layout }: { side: Side; layout: StoreLayout },
): FeatureId {
  try {
    return readId(value, side, layout[side].ids)
  } catch (error) {
    throw wrongLine(number, 'BAD_ID', messageOf(error).replace('Cannot use ', ''))
  }
}

function hasKey(json: unknown, key: string): boolean {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, key)
}

function wrongLine(number: number, code: ProblemCode, sentence: string): Problem {
  return new Problem(code, `Cannot use line ${number}: ${sentence}; nothing was written`)
}
