const SEQUENCE = 0 // odd: a change is being written
const LOCK = 1 // the number of the turn, then two bits
const RING = 2
const RING_LENGTH = 4096 // a power of two
const TAKEN = 1
const SLEEPERS = 2 // somebody may sleep until the turn ends
const TURN_BITS = 2 // below the number of the turn
const TRIES_WITHOUT_LOCK = 2
// A lock is held for microseconds. Whoever holds it for 2 s has most likely died with it, and nothing tells
// which threads live. Ten waits, since a process that was suspended finds one of them over.
const WAITS_MAX = 10
const WAIT_MS = 200

/**
 * Lets one thread change rows of shared memory while others read many of them at once, without ever seeing
 * half a row. Readers note where the log stands, read, and look which rows were changed meanwhile. The log is
 * a sequence number and a ring of the last changed rows. The lock only lets a reader get on that is disturbed
 * again and again: what is read is whole without it.
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
   * Runs `read` until no row for which `concerns` holds has changed meanwhile; after some tries with the
   * lock.
   */
  readWhole(concerns: (row: number) => boolean, read: () => void): void {
    for (let tries = 0; tries < TRIES_WITHOUT_LOCK; tries++) {
      const start = this.start()
      read()
      if (this.isUntouched(start, concerns)) return
    }
    this.#readLocked(concerns, read)
  }

  /** With the lock it may fail, too: a slow reader can lose it, and have taken it from a slow writer. */
  #readLocked(concerns: (row: number) => boolean, read: () => void): void {
    const isWhole = () => {
      const start = this.start()
      read()
      return this.isUntouched(start, concerns)
    }
    while (!this.locked(isWhole));
  }

  /**
   * Runs `work` while no other thread has the lock. Blocks until it is free: microseconds, or 2 s if a thread
   * has died that held it. A thread that lives and is as slow loses its turn, and takes it from nobody else
   * when it goes on.
   */
  locked<T>(work: () => T): T {
    const turn = this.#takeTurn()
    try {
      return work()
    } finally {
      this.#endTurn(turn)
    }
  }

  /** Returns the word of the lock without the bit of sleepers, which nobody else has had. */
  #takeTurn(): number {
    const words = this.#words
    let word = Atomics.load(words, LOCK)
    let waits = 0 // for the same turn to end
    let sleepers = 0 // whoever has slept cannot know that nobody else does
    for (;;) {
      const isFree = (word & TAKEN) === 0
      if (isFree || waits === WAITS_MAX) {
        const turn = nextTurn(word)
        const found = Atomics.compareExchange(words, LOCK, word, turn | sleepers)
        if (found === word) return turn
        if (turnOf(found) !== turnOf(word)) waits = 0
        word = found
        continue
      }
      sleepers = SLEEPERS
      const found = Atomics.compareExchange(words, LOCK, word, word | SLEEPERS)
      if (found === word || found === (word | SLEEPERS))
        if (Atomics.wait(words, LOCK, word | SLEEPERS, WAIT_MS) === 'timed-out') waits++
      const now = Atomics.load(words, LOCK)
      if (turnOf(now) !== turnOf(word)) waits = 0
      word = now
    }
  }

  /** Does nothing if another thread has taken the lock meanwhile. */
  #endTurn(turn: number): void {
    const words = this.#words
    if (Atomics.compareExchange(words, LOCK, turn, turn & ~TAKEN) === turn) return
    const slept = turn | SLEEPERS
    if (Atomics.compareExchange(words, LOCK, slept, turn & ~TAKEN) === slept) Atomics.notify(words, LOCK, 1)
  }
}

function turnOf(word: number): number {
  return word >> TURN_BITS
}

/** Turns wrap around, after as many as no thread could sleep through. */
function nextTurn(word: number): number {
  return ((turnOf(word) + 1) << TURN_BITS) | TAKEN
}

/** How many changes, counted from change `from`, have begun at a sequence; both wrap around at 2^31. */
function changesBetween(from: number, sequence: number): number {
  return (((sequence + 1) >>> 1) - from) & 0x7fffffff
}
