import type { Words } from '../encodeRow.ts'
import type { Operand } from '../featureSpec.ts'

/** An encoded row: its words from `at` on. */
export interface EncodedRow extends Words {
  at: number
}

/**
 * What a pair is computed from. The row of the context is that of the click: the numbers of context and
 * pairs, then the codes of both.
 */
export interface EncodedPair extends Record<Operand, EncodedRow> {
  distanceM: number // NaN if it is not known
}

/** Writes what one pair becomes: its numbers from word `number` on, its codes from word `code` on. */
export type EncodePair = (to: Words, number: number, code: number, pair: EncodedPair) => void

/** Encodes one kind of pair, for many restaurants with the same user and context. */
export interface KindEncoder {
  /** Call it before `encodeInto` whenever the rows of user or context have changed. */
  setUser?: (pair: EncodedPair) => void
  encodeInto: EncodePair
}
