import type { RestaurantRow, UserRow } from '../api/rows.ts'

const WORDS_MAX = 4

/** The first few texts of a row, as `thai, halal · Riverside`; '': it has none. */
export function describeRow({ features }: Pick<RestaurantRow | UserRow, 'features'>): string {
  if (Array.isArray(features)) return ''
  const words = Object.values(features).flatMap((value) => {
    const texts = [value].flat().filter((one): one is string => typeof one === 'string' && !isTime(one))
    return texts.length === 0 ? [] : [texts.slice(0, WORDS_MAX).join(', ')]
  })
  return words.slice(0, 2).join(' · ')
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text)
}
