import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LastProblems } from '../../src/server/problems/lastProblems.ts'
import { Problem } from '../../src/server/problems/problems.ts'
import { RawConnection } from './rawConnection.ts'
import { CENTRE, makeWorld, openConnections, serveWorld } from './serverFixture.ts'

interface ShownProblem {
  code: string
  status: number
  title: string
  count: number
  last_at: string
  last_detail: string
}

test('of each kind the last one is kept, the newest kind first', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 })
  const problems = new LastProblems()
  problems.note(new Problem('BAD_ID', 'one'))
  t.mock.timers.setTime(2000)
  problems.note(new Problem('BAD_BODY', 'b'.repeat(1000)))
  t.mock.timers.setTime(3000)
  problems.note(new Problem('BAD_ID', 'two'))
  assert.deepEqual(problems.newestFirst(), [
    { code: 'BAD_ID', count: 2, at: 3000, detail: 'two' },
    { code: 'BAD_BODY', count: 1, at: 2000, detail: `${'b'.repeat(300)}…` },
  ])
})

test('what threads have noted is added up, each with the last detail, and told once', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 5000 })
  const all = new LastProblems()
  const [early, late] = [new LastProblems(), new LastProblems()]
  early.note(new Problem('OVERLOADED', 'early'))
  t.mock.timers.setTime(6000)
  late.note(new Problem('OVERLOADED', 'late'))
  all.add(late.take())
  all.add(early.take())
  assert.deepEqual(all.newestFirst(), [{ code: 'OVERLOADED', count: 2, at: 6000, detail: 'late' }])
  assert.deepEqual([late.take(), early.take()], [[], []])
})

test('a server tells the problems of all its threads, whoever answered', async () => {
  const world = await makeWorld()
  const { port } = await serveWorld(world, { workers: 2 })
  const [connection] = await openConnections(port, 1)
  const before = Date.now()
  const wish = JSON.stringify({ ...CENTRE, size: 0 })
  assert.equal((await connection.send('POST /recommend/1', wish)).status, 400) // by the thread
  assert.equal((await connection.send('POST /recommend/1', '{')).status, 400)
  assert.equal((await connection.send('POST /recommend/1', '[')).status, 400)
  assert.equal((await connection.send('GET /nowhere')).status, 404) // by the main thread
  const nonsense = await RawConnection.open(port) // on the bare socket
  nonsense.write('NONSENSE\r\n\r\n')
  await nonsense.closed
  let shown: ShownProblem[] = []
  for (const end = Date.now() + 10_000; Date.now() < end && shown.length < 4; await sleep(50)) {
    const answer = await connection.send('GET /problems')
    assert.equal(answer.status, 200)
    ;({ problems: shown } = JSON.parse(answer.body) as { problems: ShownProblem[] })
  }
  const counts = new Map(shown.map(({ code, count }) => [code, count]))
  assert.deepEqual(Object.fromEntries(counts), {
    BAD_BODY: 1,
    BAD_JSON: 2,
    BAD_REQUEST: 1,
    UNKNOWN_ROUTE: 1,
  })
  const unknown = shown.find(({ code }) => code === 'UNKNOWN_ROUTE')
  assert.match(unknown?.last_detail ?? '', /Cannot GET \/nowhere/)
  assert.deepEqual([unknown?.status, unknown?.title], [404, 'There is no such path'])
  for (const { last_at } of shown) {
    const at = Date.parse(last_at)
    assert.ok(at >= before && at <= Date.now(), last_at)
  }
})
