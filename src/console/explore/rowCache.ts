import type { Id } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { getRestaurants, type RestaurantRow } from '../api/rows.ts'

const ROWS_MAX = 5000

/** Restaurants that were asked for once: a drag meets the same ones again and again. */
export class RowCache {
  readonly #api: ConsoleApi
  #rows = new Map<string, RestaurantRow>()

  constructor(api: ConsoleApi) {
    this.#api = api
  }

  /** The rows of those ids that exist, by the text of the id. @throws NearrankApiError */
  async get(ids: readonly Id[]): Promise<ReadonlyMap<string, RestaurantRow>> {
    if (this.#rows.size > ROWS_MAX) this.#rows = new Map()
    const rows = this.#rows
    const unknown = ids.filter((id) => !rows.has(String(id)))
    if (unknown.length > 0)
      for (const row of await getRestaurants(this.#api, unknown)) rows.set(String(row.id), row)
    return rows
  }
}
