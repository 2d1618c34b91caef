import { type RawRow, rowText } from '../features/rawRow.ts'

/**
 * The rows of one side as they were written, by their number in the live tables: what a reader is given back,
 * and what another model's features are encoded from. As JSON, which takes a third of the memory of objects.
 */
export class RawRows {
  readonly #texts: (string | undefined)[] = []

  set(row: number, values: RawRow): void {
    this.#texts[row] = rowText(values)
  }

  delete(row: number): void {
    this.#texts[row] = undefined
  }

  get(row: number): RawRow | undefined {
    const text = this.#texts[row]
    return text === undefined ? undefined : (JSON.parse(text) as RawRow)
  }
}
