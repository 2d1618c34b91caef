import { type Markup, markup } from './markup.ts'

/** What a number says: good, between, poor, or nothing of the kind. */
export type Grade = 'good' | 'fair' | 'poor' | 'plain'

/** A number in words. */
export interface Verdict {
  grade: Grade
  word: string // one or two, for the badge: `good`, `no better than chance`
  text: string // sentences
}

// The sign and the word tell what the colour does.
const SIGNS: Record<Grade, string> = { good: '✓', fair: '~', poor: '!', plain: 'i' }

/** A small coloured label. */
export function badge({ grade, word }: Pick<Verdict, 'grade' | 'word'>): Markup {
  return markup`<span class="badge ${grade}"><span aria-hidden="true">${SIGNS[grade]}</span> ${word}</span>`
}
