import type { ConsoleApi } from '../api/consoleApi.ts'
import type { Side } from './rowsState.ts'
import type { StoredRow } from './storedRow.ts'

/** The row as the server has it now; undefined: there is none. @throws NearrankApiError */
export async function lookUp(
  api: ConsoleApi,
  side: Side,
  id: StoredRow['row']['id'],
  options: { signal?: AbortSignal } = {},
): Promise<StoredRow | undefined> {
  if (side === 'users') {
    const row = await api.client.getUser(id, options)
    return row && { side, row }
  }
  const row = await api.client.getRestaurant(id, options)
  return row && { side, row }
}
