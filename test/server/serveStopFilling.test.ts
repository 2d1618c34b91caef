import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateFew } from '../cli/runCli.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { saveSeed } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const USERS = 200_000

test('SIGTERM while the store is packed for, and while it is filled: a clean end, and the next start completes it', async () => {
  const folder = await temporaryFolder()
  const [data, model] = [join(folder, 'data'), join(folder, 'model')]
  await saveSeed(model, 1)
  await generateFew(data, { users: USERS })
  const path = join(folder, 'features.db')
  const args = ['--model', model, '--data', data, '--store', `sqlite:${path}`, '--workers', '1']
  for (const when of ['packing', 'filling'] as const) {
    const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const exit = once(child, 'exit')
    // The store is made when the tables are packed, and has megabytes when rows are written.
    const isSoFar = async () =>
      when === 'packing' ? isThere(join(data, '.nearrank')) : (await sizeOf(`${path}-wal`)) > 2 ** 20
    while (!(await isSoFar())) {
      assert.equal(child.exitCode, null, said)
      await delay(2)
    }
    child.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null], said)
    const why = when === 'packing' ? '' : 'Filling the store from .* was stopped at row'
    assert.match(said, new RegExp(`^nearrank: Stopped before it was ready\\. ${why}`, 'm'))
    assert.doesNotMatch(said, /This is a bug|\n {4}at /)
  }
  const server = await ServeProcess.start(args)
  const { users } = (await (await fetch(`http://127.0.0.1:${server.port}/health/ready`)).json()) as {
    users: number
  }
  assert.equal(users, USERS)
  server.signal('SIGTERM')
  assert.equal(await server.ended(), 0)
})

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0
}
