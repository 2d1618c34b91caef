import { hash } from 'node:crypto'
import { join } from 'node:path'
import { generate } from '../../src/dataset/generator/generate.ts'
import { ApiKeys } from '../../src/server/keys/apiKeys.ts'
import type { ServeOptions } from '../../src/server/serveOptions.ts'
import { SMALL_REALISTIC } from '../dataset/realisticFixture.ts'
import { serveWorld } from '../server/serverFixture.ts'
import { trainSmall } from '../server/valuesWorld.ts'
import { temporaryFolder } from '../training/dataFixture.ts'

export const KEY = 'a-secret-key'

/** A server of realistic restaurants and of a model with context. Not to be called in a hook. */
export async function exploreServers(): Promise<
  (options?: Partial<ServeOptions>) => ReturnType<typeof serveWorld>
> {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  const model = join(folder, 'model')
  await generate({ ...SMALL_REALISTIC, out: data })
  await trainSmall({ data, out: model, contextFeatures: ['time', 'device', 'companion'] })
  let stores = 0
  const newStore = async () => `sqlite:${join(folder, `features-${++stores}.db`)}`
  return (options = {}) => serveWorld({ model, newStore }, { fill: { data }, workers: 1, ...options })
}

/** What lets a key do everything. */
export function allRights(): ApiKeys {
  return new ApiKeys([{ name: 'all', sha256: hash('sha256', KEY), rights: ['read', 'write', 'admin'] }])
}
