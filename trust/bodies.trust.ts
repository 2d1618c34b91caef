import assert from 'node:assert/strict'
import { RawConnection } from '../test/server/rawConnection.ts'
import { sendGenerated } from '../test/server/sendGenerated.ts'
import { CENTRE, makeWorld, rankedList, serveWorld } from '../test/server/serverFixture.ts'
import { counted, trust } from './trust.ts'

trust(
  'Whatever is sent, no request is answered with a 5xx or left hanging, and every error is a documented problem',
  { small: 100_000, night: 1_000_000 },
  async ({ seed, amount }) => {
    const { port } = await serveWorld(await makeWorld(), { workers: 2 })
    const { statuses, routes } = await sendGenerated(port, amount, { seed })
    const after = await rankedList(await RawConnection.open(port), 1, { ...CENTRE, max_dist: 1e6 })
    assert.equal(after.length, 20)
    const seen = [...statuses].toSorted(([a], [b]) => a - b)
    const count = (status: number) => statuses.get(status) ?? 0
    for (const status of [200, 400])
      assert.ok(count(status) > 0.2 * amount, `${count(status)} times ${status}`)
    for (const status of [204, 404, 405, 415])
      assert.ok(count(status) > amount / 1000, `${count(status)} times ${status}`)
    for (const route of ['users 204', 'restaurants 204', 'features 200', 'features 400', 'recommend 404'])
      assert.ok(routes.has(route), route)
    return `${counted(amount)} requests, valid, nearly valid and not at all: ${seen.map(([status, times]) => `${counted(times)} × ${status}`).join(', ')}`
  },
)
