import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthOf, type HealthParts } from '../../src/server/health.ts'
import { MODEL } from './fakeServices.ts'

const parts: HealthParts = {
  phase: 'ready',
  store: { kind: 'sqlite', connected: true, synced: true, lagMs: 0 },
  model: MODEL,
  rows: { users: 1, restaurants: 2 },
  listeningThreads: 3,
  threads: 3,
}
const LOST = { ...parts.store, connected: false, synced: false }

test('a server that lacks nothing is ready, without a reason', () => {
  const { store, model } = parts
  assert.deepEqual(healthOf(parts), {
    ready: true,
    reasons: [],
    store,
    model,
    users: 1,
    restaurants: 2,
    listeningThreads: 3,
  })
})

test('a server that starts is not ready, for this reason alone', () => {
  for (const more of [{}, { store: LOST, model: null, rows: { users: 0, restaurants: 0 } }]) {
    const { ready, reasons } = healthOf({ ...parts, phase: 'starting', ...more })
    assert.equal(ready, false)
    assert.deepEqual(reasons, ['Features are still being loaded.'])
  }
})

test('a server without its store, or without rows, is ready and says what is wrong', () => {
  for (const [more, wanted] of [
    [{ store: LOST }, ['The store cannot be reached: features are served from memory.']],
    [
      { store: { ...LOST, refusal: 'it is busy; try again later' } },
      ['The store cannot be used: it is busy; try again later. Features are served from memory.'],
    ],
    [
      { store: { ...parts.store, synced: false } },
      ['The store is being read again: features may be out of date.'],
    ],
    [{ store: { ...parts.store, troubles: ['Writes fail.'] } }, ['Writes fail.']],
    [{ store: { ...parts.store, synced: false, troubles: ['Rows are lost.'] } }, ['Rows are lost.']],
    [
      { store: { ...LOST, troubles: ['Writes fail.'] } },
      ['The store cannot be reached: features are served from memory.', 'Writes fail.'],
    ],
    [
      { rows: { users: 0, restaurants: 0 } },
      ['There are no users in the store.', 'There are no restaurants in the store.'],
    ],
    [{ listeningThreads: 2 }, ['Only 2 of 3 listening threads take requests: see the log.']],
  ] as const) {
    const { ready, reasons } = healthOf({ ...parts, ...more })
    assert.equal(ready, true)
    assert.deepEqual(reasons, wanted)
  }
})

test('a server that stops is not ready, whatever else is wrong', () => {
  assert.deepEqual(healthOf({ ...parts, phase: 'stopping' }).reasons, ['The server is shutting down.'])
  const { ready, reasons } = healthOf({ ...parts, phase: 'stopping', store: LOST })
  assert.equal(ready, false)
  assert.deepEqual(reasons, [
    'The server is shutting down.',
    'The store cannot be reached: features are served from memory.',
  ])
})
