/**
 * How many of the rows from `start` to `end` (not included) a batch takes that begins there: as many whole
 * groups as `max` rows hold. `order`: the rows are those at these places.
 */
export function batchOfGroups(
  groups: Uint32Array,
  { start, end, max, order }: { start: number; end: number; max: number; order?: Uint32Array | undefined },
): number {
  if (end - start <= max) return end - start
  const groupOf = (row: number) => groups[order ? order[row] : row]
  let next = start + max
  while (next > start && groupOf(next) === groupOf(next - 1)) next--
  return next - start
}
