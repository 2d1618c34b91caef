const SEQUENCE = 0 // odd: a change is being written
const LOCK = 1 // 0 free, 1 taken, 2 taken and somebody sleeps
const RING = 2
const RING_LENGTH = 4096 // a power of two
// A lock is held for microseconds. Whoever holds it for 2 s has died with it. Ten waits, since a process that
// was suspended finds one of them over.
const WAITS_MAX = 10
const WAIT_MS = 200

/**
 * Lets one thread change rows of shared memory while others read many of them at once, without ever seeing
 * half a row. Readers take no lock: they note where the log stands, read, and look which rows were changed
 * meanwhile. The log is a sequence number and a ring of the last changed rows.
 *
 * Why it holds: a writer enters the row into the ring, then makes the sequence odd (a read-modify-write:
 * nothing behind it moves before it), writes, then makes it even. A reader that has seen any new word of a
 * row therefore finds a sequence that counts this change, since its own look is a read-modify-write too,
 * which nothing before it moves behind.
 */
export class ChangeLog {
  static readonly BYTES = 4 * (RING + RING_LENGTH)
  readonly #words: Int32Array

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared)
  }

  /** Changes `row` by `write`. One thread at a time writes; it waits for readers that hold the lock. */
  change(row: number, write: () => void): void {
    this.locked(() => {
      const words = this.#words
      words[RING + ((words[SEQUENCE] >>> 1) & (RING_LENGTH - 1))] = row
      Atomics.add(words, SEQUENCE, 1)
      try {
        write()
      } finally {
        Atomics.add(words, SEQUENCE, 1)
      }
    })
  }

  /** To be called before reading. */
  start(): number {
    return Atomics.load(this.#words, SEQUENCE)
  }

  /** To be called after reading: whether no row for which `concerns` holds has been changed since `start`. */
  isUntouched(start: number, concerns: (row: number) => boolean): boolean {
    const words = this.#words
    const end = Atomics.or(words, SEQUENCE, 0)
    if (end === start && (start & 1) === 0) return true
    const from = start >>> 1 // the first change that was not complete at the start
    const changes = changesBetween(from, end)
    for (let i = 0; i < changes; i++)
      if (concerns(words[RING + ((from + i) & (RING_LENGTH - 1))])) return false
    // What was read from the ring is true only if the writer has not come round to it in the meantime.
    return changesBetween(from, Atomics.or(words, SEQUENCE, 0)) < RING_LENGTH
  }

  /**
   * Runs `work` while nothing changes. Blocks the thread until the lock is free: microseconds, or 2 s if a
   * thread has died that held it.
   */
  locked(work: () => void): void {
    const words = this.#words
    if (Atomics.compareExchange(words, LOCK, 0, 1) !== 0)
      for (let waits = 0; waits < WAITS_MAX && Atomics.exchange(words, LOCK, 2) !== 0; )
        if (Atomics.wait(words, LOCK, 2, WAIT_MS) === 'timed-out') waits++
    try {
      work()
    } finally {
      if (Atomics.exchange(words, LOCK, 0) === 2) Atomics.notify(words, LOCK, 1)
    }
  }
}

/** How many changes, counted from change `from`, have begun at a sequence; both wrap around at 2^31. */
function changesBetween(from: number, sequence: number): number {
  return (((sequence + 1) >>> 1) - from) & 0x7fffffff
}
