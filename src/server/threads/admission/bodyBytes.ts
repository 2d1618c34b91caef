/** A body that is arriving. */
export interface Arriving {
  heldBytes: number // set by `BodyBytes` alone
  /** Lets go of all that has come, and refuses the request. Calls `done` of `BodyBytes`. */
  giveUp(): void
}

export interface BodyBytesOptions {
  all: SharedArrayBuffer // i32: bytes that each listening thread holds
  thread: number // 1 … threads
  threadBytesMax: number
  allBytesMax: number // of all threads together
}

/**
 * Bounds the bytes of bodies that arrive, that wait to be ranked, and that have been passed on, in this
 * thread and in all. Past a bound, bodies that are arriving are given up, the one first of which nothing has
 * come for longest: thousands of slow uploads do not keep a fast one out.
 */
export class BodyBytes {
  readonly #options: BodyBytesOptions
  readonly #all: Int32Array
  readonly #arriving = new Set<Arriving>() // whichever grew last stands last
  #total = 0

  constructor(options: BodyBytesOptions) {
    this.#options = options
    this.#all = new Int32Array(options.all)
    this.#add(0) // what the thread held before it died is gone
  }

  get total(): number {
    return this.#total
  }

  /** More of `body` has come. It is given up itself if there is no room and no other to give up. */
  grow(body: Arriving, bytes: number): void {
    body.heldBytes += bytes
    this.#arriving.delete(body)
    this.#arriving.add(body)
    this.#add(bytes)
    if (this.#isFull) this.#makeRoom(body)
    if (this.#isFull) body.giveUp()
  }

  /** `body` arrives no more. */
  done(body: Arriving): void {
    if (!this.#arriving.delete(body)) return
    this.#add(-body.heldBytes)
    body.heldBytes = 0
  }

  /** Holds a whole body, until `release`, if there is room for it. */
  hold(bytes: number): boolean {
    if (bytes === 0) return true
    this.#add(bytes)
    if (this.#isFull) this.#makeRoom()
    if (!this.#isFull) return true
    this.release(bytes)
    return false
  }

  release(bytes: number): void {
    this.#add(-bytes)
  }

  get #isFull(): boolean {
    const { threadBytesMax, allBytesMax } = this.#options
    return this.#total > threadBytesMax || this.#all.reduce((sum, bytes) => sum + bytes, 0) > allBytesMax
  }

  #makeRoom(kept?: Arriving): void {
    for (const body of this.#arriving) {
      if (body !== kept) body.giveUp()
      if (!this.#isFull) return
    }
  }

  #add(bytes: number): void {
    this.#total += bytes
    Atomics.store(this.#all, this.#options.thread - 1, this.#total)
  }
}
