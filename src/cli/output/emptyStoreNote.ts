import { storeAddress } from '../../store/storeAddress.ts'

/** What a server cannot do for want of rows, and how its store is filled; undefined: it has both sides. */
export function emptyStoreNote(
  { users, restaurants }: { users: number; restaurants: number },
  { store, model }: { store: string; model: string },
): string | undefined {
  if (users > 0 && restaurants > 0) return undefined
  const lacking = [restaurants === 0 ? 'no restaurants' : '', users === 0 ? 'no users' : ''].filter(Boolean)
  const { kind } = storeAddress(store)
  const address = kind === 'sqlite' ? store : 'ADDRESS' // that of Redis may hold a password
  // --data fills a store without restaurants and no other one.
  const restart = restaurants === 0 ? 'start it again with --data DIR, or ' : ''
  return (
    `nearrank: Cannot rank anything yet: the store${kind === 'sqlite' ? ` ${store}` : ''} holds ${lacking.join(' and ')}. ` +
    `Stop the server and ${restart}run nearrank load --data DIR --store ${address} --model ${model}; rows can also be written over HTTP`
  )
}
