import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { CENTRE, makeWorld, openConnections, putRow, rankedList } from '../server/serverFixture.ts'
import { ServeProcess } from '../server/serveProcess.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { generateFew, runCli } from './runCli.ts'

const READ = ['--permission', '--no-warnings', '--allow-fs-read=*']
const NET = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []

test('serve under the permission model of Node: with the flags that are documented, or it says which one is missing', async () => {
  const world = await makeWorld()
  const store = await world.newStore()
  const write = `--allow-fs-write=${dirname(store.replace('sqlite:', ''))}`
  const args = ['--model', world.model, '--store', store, '--workers', '1']
  const refused = await runCli(['serve', '--port', '0', ...args], { nodeFlags: [...READ, write, ...NET] })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /^nearrank: Cannot go on: .*; start node with --allow-worker, see docs/)
  assert.doesNotMatch(refused.stderr, /This is a bug|\n {4}at /)

  const server = await ServeProcess.start(args, 'pipe', {
    nodeFlags: [...READ, write, ...NET, '--allow-worker'],
  })
  const [connection] = await openConnections(server.port, 1)
  await putRow(connection, '/users/5', { features: Array.from({ length: 30 }, () => 1) })
  assert.equal((await rankedList(connection, 5, { ...CENTRE, max_dist: 1e6 })).length, 20)
  server.signal('SIGTERM')
  assert.equal(await server.ended(), 0, server.stderr)
})

test('train under the permission model of Node: with the flags that are documented, or it says which one is missing', async () => {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  const out = join(folder, 'out')
  await mkdir(out)
  await generateFew(data)
  const trainWith = (cache: string, nodeFlags: string[]) =>
    runCli(
      ['train', '--data', data, '--cache', join(out, cache), '--out', join(out, 'model'), '--epochs', '1'],
      { nodeFlags },
    )
  const needed = [`--allow-fs-write=${out}`, '--allow-worker', '--allow-child-process', '--allow-addons']
  for (const missing of needed) {
    const { code, stderr } = await trainWith(`cache${needed.indexOf(missing)}`, [
      ...READ,
      ...needed.filter((flag) => flag !== missing),
    ])
    assert.equal(code, 1, `without ${missing}: ${stderr}`)
    assert.match(stderr, new RegExp(`nearrank: Cannot .*start node with ${missing.replace('=', '=?')}`))
    assert.doesNotMatch(stderr, /This is a bug|\n {4}at /)
  }
  const { code, stderr } = await trainWith('cache', [...READ, ...needed])
  assert.equal(code, 0, stderr)
})
