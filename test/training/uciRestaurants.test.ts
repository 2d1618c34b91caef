import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { evaluate, recommend, train, type TrainEvent } from '../../src/index.ts'
import { startServer } from '../../src/server/startServer.ts'

const DATA = join(import.meta.dirname, '../../examples/uci-restaurants')
const COLUMNS = { userId: 'userID', restaurantId: 'placeID' }
const SAN_LUIS_POTOSI = { latitude: 22.15, longitude: -100.98 }

describe('the restaurants of UCI as they are: nulls, lists, codes in text', () => {
  let folder = ''
  let model = ''
  let cache = ''
  const notes: string[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nearrank-uci-'))
    model = join(folder, 'model')
    cache = join(folder, 'cache')
    await train({
      data: DATA,
      out: model,
      cache,
      columns: COLUMNS,
      batchSize: 64,
      epochs: 20,
      warmupSteps: 10,
      validation: 0,
      onProgress: (event: TrainEvent) => event.type === 'note' && notes.push(event.message),
    })
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('are learned, with column names alone', async () => {
    const metrics = await evaluate({ data: DATA, model, cache })
    assert.equal(metrics.rows, 233)
    assert.ok(metrics.auc! > 0.6, `${metrics.auc}`)
    assert.ok(metrics.accuracy > metrics.majorityAccuracy, `${metrics.accuracy}`)
    assert.match(notes[0], /^Features of the users: smoker, .* and 9 more; of the restaurants: city, /)
    assert.deepEqual(notes.slice(1), [
      'Not used as features of the users: latitude, longitude (its name is that of another id, of a place or of the label; to use it, declare it, or name it with --user-features).',
      'Not used as features of the restaurants: name (nearly every row has another text).',
      'Not used of the clicks: rating, food_rating, service_rating. Name what is known before the click with --context-features.',
    ])
  })

  test('are recommended and served with the same scores', async () => {
    const request = {
      candidateRestaurantIds: null,
      ...SAN_LUIS_POTOSI,
      size: 5,
      maxDistM: 20_000,
      sortByDistance: false,
    }
    const wanted = await recommend({ user: 'U1001', request }, { data: DATA, model, cache })
    assert.equal(wanted.restaurants.length, 5)
    const server = await startServer({
      model,
      store: `sqlite:${join(folder, 'features.db')}`,
      fill: { data: DATA, cache },
      port: 0,
      workers: 1,
      logLevel: 'fatal',
    })
    try {
      assert.deepEqual([server.users, server.restaurants], [138, 130])
      const url = `http://127.0.0.1:${server.port}`
      const answer = await fetch(`${url}/recommend/U1001`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...SAN_LUIS_POTOSI, size: 5, max_dist: 20_000 }),
      })
      const { restaurants } = (await answer.json()) as { restaurants: { id: number; score: number }[] }
      assert.deepEqual(
        restaurants.map(({ id }) => id),
        wanted.restaurants.map(({ id }) => id),
      )
      for (const [i, { score }] of restaurants.entries())
        assert.ok(Math.abs(score - wanted.restaurants[i].score) < 1e-6)
      const user = (await (await fetch(`${url}/users/U1001`)).json()) as { features: Record<string, unknown> }
      assert.deepEqual(user.features.Rcuisine, ['American'])
    } finally {
      await server.stop()
    }
  })
})
