/** Whether a row comes before another one where their keys are equal. */
export type IsBefore = (rowA: number, rowB: number) => boolean

/**
 * Positions of the `k` smallest of the first `count` keys, smallest first, equal keys as `isBefore` says of
 * their `rows`, written to `order` (length ≥ min(k, count)); returns how many. A heap of the best so far:
 * O(count + swaps · log k), and close to O(count) where few candidates get in. No key is NaN. Largest first:
 * negate the keys.
 */
export function topKInto(
  order: Uint32Array,
  keys: Float64Array,
  rows: Uint32Array,
  count: number,
  k: number,
  isBefore: IsBefore,
): number {
  const kept = Math.min(k, count)
  if (kept <= 0) return 0
  for (let i = 0; i < kept; i++) order[i] = i
  for (let i = (kept >> 1) - 1; i >= 0; i--) siftDown(order, keys, rows, i, kept, isBefore)
  for (let i = kept; i < count; i++) {
    if (!comesBefore(keys, rows, i, order[0], isBefore)) continue // order[0]: the last of those kept
    order[0] = i
    siftDown(order, keys, rows, 0, kept, isBefore)
  }
  for (let end = kept - 1; end > 0; end--) {
    const last = order[0]
    order[0] = order[end]
    order[end] = last
    siftDown(order, keys, rows, 0, end, isBefore)
  }
  return kept
}

function comesBefore(
  keys: Float64Array,
  rows: Uint32Array,
  a: number,
  b: number,
  isBefore: IsBefore,
): boolean {
  return keys[a] < keys[b] || (keys[a] === keys[b] && isBefore(rows[a], rows[b]))
}

/** Restores the heap `heap[0 … end − 1]`, whose root comes last in the order, after `heap[at]` changed. */
function siftDown(
  heap: Uint32Array,
  keys: Float64Array,
  rows: Uint32Array,
  at: number,
  end: number,
  isBefore: IsBefore,
): void {
  const moved = heap[at]
  let parent = at
  for (let child = 2 * parent + 1; child < end; child = 2 * parent + 1) {
    if (child + 1 < end && comesBefore(keys, rows, heap[child], heap[child + 1], isBefore)) child++
    if (!comesBefore(keys, rows, moved, heap[child], isBefore)) break
    heap[parent] = heap[child]
    parent = child
  }
  heap[parent] = moved
}
