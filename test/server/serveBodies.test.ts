import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RawConnection } from './rawConnection.ts'
import { sendGenerated } from './sendGenerated.ts'
import { CENTRE, makeWorld, rankedList, serveWorld } from './serverFixture.ts'

const REQUESTS = 10_000 // a hundred thousand, and a million at night, are among the trust tests

const { port } = await serveWorld(await makeWorld(), { workers: 2 })

test('10,000 generated requests: none is answered with a 5xx, none hangs, every error is a problem of the table', async () => {
  const { statuses, routes } = await sendGenerated(port, REQUESTS)
  const count = (status: number) => statuses.get(status) ?? 0
  assert.ok(count(200) > 0.2 * REQUESTS, `${count(200)} lists`)
  assert.ok(count(400) > 0.2 * REQUESTS, `${count(400)} refused`)
  for (const status of [204, 404, 405, 415]) assert.ok(count(status) > 10, `${count(status)} times ${status}`)
  for (const route of ['users 204', 'restaurants 204', 'features 200', 'features 400', 'recommend 404'])
    assert.ok(routes.has(route), route)
  assert.equal((await rankedList(await RawConnection.open(port), 1, { ...CENTRE, max_dist: 1e6 })).length, 20)
})
