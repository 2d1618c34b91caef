import { refusalOf } from './errors.ts'

interface Refusal {
  reason: string // a part of a sentence
  isForGood: boolean // no other server would take it either
  isProbed: boolean // a look was refused as well, so that one can tell when it is over
}

/** Whether the server takes writes, as far as writes and looks have shown. */
export class Writability {
  #refusal: Refusal | undefined
  #isRefused = false // the last look was

  /** For an operator; undefined: nothing is known to be wrong. */
  get trouble(): string | undefined {
    return this.#refusal && `Writes to the store fail: ${this.#refusal.reason}.`
  }

  /** Whether it may be worth looking for another server under the same name. */
  get isToBeLeft(): boolean {
    return this.#isRefused && this.#refusal?.isForGood === false
  }

  onLook(reply: Error | undefined): void {
    const refusal = reply && refusalOf(reply)
    this.#isRefused = refusal !== undefined
    if (refusal) this.#refusal = { ...refusal, isProbed: true }
    // A look is small, and names one key: it may pass where rows still do not.
    else if (this.#refusal?.isProbed) this.#refusal = undefined
  }

  onRefused(reply: Error): void {
    const refusal = refusalOf(reply)
    if (refusal) this.#refusal = { ...refusal, isProbed: this.#refusal?.isProbed ?? false }
  }

  onWritten(): void {
    if (!this.#refusal?.isProbed) this.#refusal = undefined // otherwise a look says so, within a second
  }
}
