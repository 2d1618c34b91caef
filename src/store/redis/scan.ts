import { type Side, SIDES } from '../../features/featureSpec.ts'
import type { RedisConnection } from './connection.ts'
import { keyPrefix, scanPattern } from './rows.ts'

type Page = [cursor: string, keys: string[]]

const PAGE_KEYS = '1000' // about; the server may answer with more or fewer

/**
 * Every key that begins with `prefix`, a page at a time; a key may
 * come twice. One pass over the whole database.
 */
export async function* scanPages(connection: RedisConnection, prefix: string): AsyncGenerator<string[]> {
  const ask = (from: string) => {
    const words = ['SCAN', from, 'MATCH', scanPattern(prefix), 'COUNT', PAGE_KEYS]
    const page = connection.send(words) as Promise<Page>
    page.catch(() => undefined) // it may fail before anybody waits for it
    return page
  }
  let next: Promise<Page> | undefined = ask('0')
  while (next !== undefined) {
    const [cursor, keys]: Page = await next
    // Asked for before this page is used, so that the server always has work.
    next = cursor === '0' ? undefined : ask(cursor)
    yield keys
  }
}

/** How many rows there are, about: one that is put in or taken out meanwhile may count or not. */
export async function countRows(connection: RedisConnection, prefix: string): Promise<Record<Side, number>> {
  const counts = { users: 0, restaurants: 0 }
  for await (const keys of scanPages(connection, prefix))
    for (const side of SIDES)
      for (const key of keys) if (key.startsWith(keyPrefix(prefix, side))) counts[side]++
  return counts
}
