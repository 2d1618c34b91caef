import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { emptyStoreNote } from '../../src/cli/output/emptyStoreNote.ts'
import { saveModel } from '../../src/model/modelDirectory.ts'
import { modelContent, randomWeights } from '../model/modelFixtures.ts'
import { RawConnection } from '../server/rawConnection.ts'
import { makeWorld, NETWORK, RESTAURANTS, saveSeed, USERS } from '../server/serverFixture.ts'
import { ServeProcess } from '../server/serveProcess.ts'
import { smallData } from '../training/dataFixture.ts'
import { runCli, runCliLines } from './runCli.ts'

const world = await makeWorld()
const base = ['serve', '--port', '0', '--log-level', 'error']

/** Starts that must fail: with a sentence, without a stack, and with nothing on standard output. */
async function fail(starts: [args: string[], code: number, message: RegExp][]): Promise<void> {
  const lines = starts.map(([args]) => [...base, ...args])
  for (const [i, result] of (await runCliLines(lines, { cwd: world.folder })).entries()) {
    const [, code, message] = starts[i]
    assert.match(result.stderr, message)
    assert.equal(result.code, code, result.stderr)
    assert.equal(result.stdout, '')
    assert.doesNotMatch(result.stderr, /\n {4}at |bug in Nearrank/)
    assert.equal(result.stderr.trimEnd().split('\n').length, 1, result.stderr)
  }
}

test('serve fills a new store from Parquet, says where it listens, and ends by SIGTERM; the second start needs no data', async () => {
  const { data, folder } = await smallData({ rows: 100, testRows: 10, users: 300, restaurants: 100 })
  const model = join(folder, 'model')
  await saveSeed(model, 1)
  const store = `sqlite:${join(folder, 'new', 'features.db')}`
  for (const args of [['--data', data], []]) {
    const server = await ServeProcess.start(['--model', model, '--store', store, '--workers', '2', ...args])
    const connection = await RawConnection.open(server.port)
    const ready = JSON.parse((await connection.send('GET /health/ready')).body) as Record<string, unknown>
    assert.deepEqual([ready.status, ready.users, ready.restaurants, ready.workers], ['ready', 300, 100, 2])
    connection.close()
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0, server.stderr)
    const lines = server.stderr
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith('{'))
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
    assert.ok(messages.includes('ready'), server.stderr)
    assert.equal(messages.at(-1), 'stopped')
  }
})

test('without --json it tells people where to look', async () => {
  const store = await world.newStore()
  const { code, stdout } = await runCli(
    [...base, '--model', world.model, '--store', store, '--log-level', 'info'],
    {
      onStderr: (text, kill) => {
        if (text.endsWith('"ready"}\n')) setTimeout(kill, 200, 'SIGTERM')
      },
    },
  )
  assert.equal(code, 0)
  assert.match(
    stdout,
    /^Serving 500 restaurants to 2,000 users on http:\/\/127\.0\.0\.1:\d+ \(\d+ workers\)\.\nSee it at http:\/\/127\.0\.0\.1:\d+\/, try its API at http:\/\/127\.0\.0\.1:\d+\/docs\. Press Ctrl\+C to stop\.\n$/,
  )
})

test('a SIGHUP that comes before the server is ready reloads the model once it is', async () => {
  const store = await world.newStore()
  let hasHungUp = false
  const args = ['serve', '--port', '0', '--model', world.model, '--store', store]
  const { code, stderr } = await runCli(args, {
    onStderr: (text, kill) => {
      if (!hasHungUp && text.includes('"the store has been read"')) kill('SIGHUP')
      hasHungUp ||= text.includes('"the store has been read"')
      if (text.endsWith('"ready"}\n')) setTimeout(kill, 2000, 'SIGTERM')
    },
  })
  assert.equal(code, 0, stderr)
  const messages: string[] = stderr.match(/"msg":"[^"]*"/g) ?? []
  assert.ok(messages.indexOf('"msg":"model reload"') > messages.indexOf('"msg":"ready"'), messages.join('\n'))
})

test('a store that lacks a side is told with the ways to fill it, and a whole one is not', async () => {
  const whole = await ServeProcess.start(['--model', world.model, '--store', await world.newStore()])
  const fresh = `sqlite:${join(world.folder, 'fresh.db')}`
  const empty = await ServeProcess.start(['--model', world.model, '--store', fresh])
  for (const server of [whole, empty]) {
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0, server.stderr)
  }
  assert.doesNotMatch(whole.stderr, /Cannot rank/)
  const fill = `run nearrank load --data DIR --store ${fresh} --model ${world.model};`
  assert.ok(
    empty.stderr.includes(
      `Cannot rank anything yet: the store ${fresh} holds no restaurants and no users. ` +
        `Stop the server and start it again with --data DIR, or ${fill}`,
    ),
    empty.stderr,
  )
  const place = { store: fresh, model: world.model }
  assert.equal(emptyStoreNote({ users: 1, restaurants: 1 }, place), undefined)
  assert.match(
    emptyStoreNote({ users: 1, restaurants: 0 }, place) ?? '',
    /holds no restaurants\. .* --data DIR, or/,
  )
  // --data fills a store without restaurants alone.
  const users = emptyStoreNote({ users: 0, restaurants: 1 }, place) ?? ''
  assert.match(users, /holds no users\. Stop the server and run nearrank load/)
  const redis =
    emptyStoreNote({ users: 0, restaurants: 1 }, { ...place, store: 'redis://:secret@host:1' }) ?? ''
  assert.match(redis, /--store ADDRESS/)
  assert.doesNotMatch(redis, /secret/)
})

test('models that cannot be served', async () => {
  const store = await world.newStore()
  const damaged = join(world.folder, 'damaged')
  await saveSeed(damaged, 1)
  const path = join(damaged, 'weights.safetensors')
  const bytes = await readFile(path)
  bytes[bytes.length - 1] ^= 1
  await writeFile(path, bytes)
  const other = join(world.folder, 'other')
  const network = { ...NETWORK, userFeatures: 7 }
  await saveModel(other, {
    description: modelContent(network, 1),
    weights: randomWeights(network, 1),
    report: '',
  })
  await fail([
    [
      ['--model', 'nowhere', '--store', store],
      1,
      /^nearrank: Cannot load a model from nowhere: .*found nothing/,
    ],
    [['--model', damaged, '--store', store], 1, /^nearrank: Cannot .*weights\.safetensors/],
    [['--model', other, '--store', store], 1, /^nearrank: Cannot .*(7.*30|30.*7)/],
  ])
})

test('stores that cannot be used', async () => {
  const model = ['--model', world.model]
  await writeFile(
    join(world.folder, 'text.db'),
    'this is no database, but text of some length, so that it has a page',
  )
  await fail([
    [[...model, '--store', 'postgres://x'], 2, /^nearrank: Cannot open the store: .*found postgres:/],
    [[...model, '--store', 'features.db'], 2, /found no scheme/],
    [[...model, '--store', 'redis://127.0.0.1:1'], 1, /^nearrank: Cannot .*127\.0\.0\.1:1/],
    [[...model, '--store', 'sqlite:text.db'], 1, /^nearrank: Cannot .*text\.db/],
    [[...model, '--store', await world.newStore(), '--user-ids', 'string'], 1, /^nearrank: Cannot .*ids/],
    [[...model, '--store', 'sqlite:new.db', '--data', 'nowhere'], 1, /^nearrank: Cannot .*nowhere/],
  ])
})

test('addresses that cannot be listened on', async () => {
  const store = await world.newStore()
  const args = ['--model', world.model, '--store', store]
  const taken = createServer().listen(0, '127.0.0.1')
  after(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const isTaken = new RegExp(`^nearrank: Cannot listen on 127\\.0\\.0\\.1:${port}: another`)
  const isNotHere = /^nearrank: Cannot listen on 192\.0\.2\.1:0: this machine has no such/
  await fail([
    [[...args, '--port', String(port)], 1, isTaken],
    [[...args, '--host', '192.0.2.1'], 1, isNotHere],
    [[...args, '--api-keys', 'nowhere.json'], 1, /^nearrank: Cannot use the API keys of nowhere\.json/],
  ])
})

test('origins that cannot be allowed', async () => {
  const args = ['--model', world.model, '--store', await world.newStore(), '--cors-origin']
  const wrong = /^nearrank: Cannot use --cors-origin: an origin must be like https:.*, found /
  await fail([
    [[...args, '*'], 2, /^nearrank: Cannot use --cors-origin: \* needs --api-keys/],
    [[...args, 'https://*.shop.example'], 2, /no part of an origin may be \*/],
    ...[
      'https://shop.example/',
      'https://Shop.example',
      'https://shop.example:443',
      'shop.example',
      'null',
    ].map((origin): [string[], number, RegExp] => [[...args, `https://a.example,${origin}`], 2, wrong]),
  ])
})

test('a second server on the same port or the same SQLite file fails, and the first one is not disturbed', async () => {
  const store = await world.newStore()
  const first = await ServeProcess.start(['--model', world.model, '--store', store, '--workers', '2'])
  const args = ['--model', world.model, '--workers', '2']
  const own = ['--store', await world.newStore(), '--port', String(first.port)]
  await fail([
    [[...args, ...own], 1, /^nearrank: Cannot listen on .*: another program listens there/],
    [[...args, '--store', store], 1, /^nearrank: Cannot .*another process/],
  ])
  for (let i = 0; i < 8; i++) {
    const connection = await RawConnection.open(first.port)
    const { body } = await connection.send('GET /health/ready')
    assert.match(body, new RegExp(`"status":"ready".*"users":${USERS},"restaurants":${RESTAURANTS}`))
    connection.close()
  }
  first.signal('SIGTERM')
  assert.equal(await first.ended(), 0, first.stderr)
})
