import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { NearrankClient } from '../../../src/client/nearrankClient.ts'
import { makeWorld, saveSeed, serveWorld } from '../serverFixture.ts'

interface Report {
  checksum: string
  features: Record<string, { name: string; kind: string }[]>
  [part: string]: unknown
}
interface Reports {
  current: Report
  previous: Report | null
  folder: Report | null
  folder_problem?: string
}

test('the reports tell what is served, what was, and what the folder holds, whichever way it changes', async () => {
  const world = await makeWorld()
  const { url } = await serveWorld(world)
  const client = new NearrankClient({ url })
  const reports = async () => (await (await fetch(`${url}/admin/models`)).json()) as Reports
  const written = async () => JSON.parse(await readFile(join(world.model, 'model.json'), 'utf8'))

  const first = await reports()
  const { weights, createdBy, network, columns, ...file } = await written()
  for (const part of ['metrics', 'epochs', 'constraints', 'settings', 'training', 'preset'])
    assert.deepEqual(first.current[part], file[part], part)
  assert.equal(first.current.checksum, weights.sha256)
  assert.equal(first.current.created_by, `Nearrank ${createdBy.version}`)
  assert.equal(first.current.scores, 'probabilities')
  assert.deepEqual(first.current.hidden, network.hidden)
  const named = (names: string[]) => names.map((name) => ({ name, kind: 'number' }))
  assert.deepEqual(first.current.features, {
    users: named(columns.userFeatures),
    restaurants: named(columns.restaurantFeatures),
    context: [],
    pairs: [],
  })
  assert.equal(first.previous, null)
  assert.deepEqual(first.folder, first.current)

  await saveSeed(world.model, 2)
  const replaced = await reports()
  assert.deepEqual([replaced.current, replaced.previous], [first.current, null])
  assert.equal(replaced.folder?.checksum, (await written()).weights.sha256)
  assert.notEqual(replaced.folder?.checksum, first.current.checksum)

  await client.reload()
  const reloaded = await reports()
  assert.deepEqual(reloaded.current, replaced.folder)
  assert.deepEqual(reloaded.previous, first.current)

  await client.rollback()
  const back = await reports()
  assert.deepEqual([back.current, back.previous], [reloaded.previous, reloaded.current])

  await writeFile(join(world.model, 'model.json'), '{')
  const damaged = await reports()
  assert.equal(damaged.folder, null)
  assert.match(damaged.folder_problem ?? '', /model\.json: it is not valid JSON/)
  assert.deepEqual(damaged.current, back.current)
})
