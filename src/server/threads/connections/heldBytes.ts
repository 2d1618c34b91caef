/** Who holds memory of a thread, and can be made to let it go. */
export interface Holder {
  heldBytes: number // set by `HeldBytes` alone
  /** Lets go of everything. */
  drop(): void
}

/**
 * Bounds the bytes that all holders of a thread hold together. Past the bound, holders are dropped, the one
 * first that has not got on for the longest time: whoever reads its answers keeps being served.
 */
export class HeldBytes {
  readonly #bytesMax: number
  readonly #holders = new Set<Holder>() // whoever got on last stands last
  #total = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get total(): number {
    return this.#total
  }

  /** `holder` holds `bytes` from now on. It is not dropped itself, so one holder may pass the bound. */
  set(holder: Holder, bytes: number): void {
    if (bytes === 0 && holder.heldBytes === 0) return
    this.#change(holder, bytes)
    if (this.#total <= this.#bytesMax) return
    for (const other of this.#holders) {
      if (other === holder) return
      this.#change(other, 0)
      other.drop()
      if (this.#total <= this.#bytesMax) return
    }
  }

  #change(holder: Holder, bytes: number): void {
    this.#total += bytes - holder.heldBytes
    holder.heldBytes = bytes
    this.#holders.delete(holder)
    if (bytes > 0) this.#holders.add(holder)
  }
}
