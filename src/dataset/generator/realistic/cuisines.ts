/** When a cuisine is eaten most. */
export const DAYPARTS = ['morning', 'noon', 'evening', 'night'] as const

/** Each cuisine with its daypart, the most popular first: the one of rank k has the weight 1 / (k + 3). */
export const CUISINES: readonly (readonly [name: string, daypart: (typeof DAYPARTS)[number]])[] = [
  ['thai', 'noon'],
  ['coffee', 'morning'],
  ['noodles', 'noon'],
  ['japanese', 'evening'],
  ['street food', 'night'],
  ['seafood', 'evening'],
  ['chinese', 'evening'],
  ['bakery', 'morning'],
  ['italian', 'evening'],
  ['fast food', 'night'],
  ['korean', 'evening'],
  ['isan', 'noon'],
  ['pizza', 'night'],
  ['vegetarian', 'noon'],
  ['sushi', 'noon'],
  ['burgers', 'night'],
  ['desserts', 'morning'],
  ['indian', 'evening'],
  ['barbecue', 'evening'],
  ['brunch', 'morning'],
  ['ramen', 'noon'],
  ['vietnamese', 'noon'],
  ['bar food', 'night'],
  ['steak', 'evening'],
  ['mexican', 'evening'],
  ['french', 'evening'],
  ['dim sum', 'morning'],
  ['middle eastern', 'night'],
  ['salads', 'noon'],
  ['halal', 'noon'],
]

/** Of each cuisine, the place of its daypart in `DAYPARTS`. */
export const CUISINE_DAYPARTS = Uint8Array.from(CUISINES, ([, daypart]) => DAYPARTS.indexOf(daypart))

export const CUISINE_WEIGHTS = Float64Array.from(CUISINES, (_, rank) => 1 / (rank + 3))

/** The cuisines of a set: bit k is cuisine k. */
export function cuisineNames(set: number): string[] {
  return CUISINES.flatMap(([name], k) => ((set >>> k) & 1 ? [name] : []))
}

/** How many cuisines a set holds. */
export function cuisineCount(set: number): number {
  const pairs = set - ((set >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
