import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Interrupt } from '../../src/cli/interrupt.ts'
import { Progress } from '../../src/cli/progress/progress.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { isError } from '../store/conformance.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { generateFew, runCli } from './runCli.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Makes Node find no package whose name begins so. */
function without(prefix: string): string[] {
  const hook = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        return next(specifier.startsWith('${prefix}') ? specifier.replace('/', '/not-installed-') : specifier, context)
      },
    })`
  return ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
}

test("without DuckDB's native package, each command that needs it says which one, and how to install it", async () => {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  await generateFew(data)
  const requests = join(data, 'requests.parquet')
  for (const line of [
    ['inspect', '--data', data],
    ['train', '--data', data, '--out', join(folder, 'model')],
    ['generate', '--out', join(folder, 'more'), '--rows', '1000', '--users', '10'],
    ['load', '--data', data, '--store', `sqlite:${join(folder, 's.db')}`],
    ['tune', '--data', data, '--out', join(folder, 'tuned')],
    ['loadtest', '--url', 'http://127.0.0.1:9', '--requests', requests, '--rate', '1', '--duration', '1'],
  ]) {
    const [, hook] = without('@duckdb/node-bindings-')
    const { code, stderr } = await runCli(line, { env: { NODE_OPTIONS: `--import=${hook}` } })
    assert.equal(code, 1, stderr)
    assert.match(
      stderr,
      /^nearrank: Cannot go on: the package @duckdb\/not-installed-node-bindings-\S+ must be installed, found none; .*npm ci.*--omit=optional/,
      line[0],
    )
    assert.doesNotMatch(stderr, /This is a bug|\n {4}at /)
  }
})

test('a flag without its value: the message is about this flag, in every command', async () => {
  const interrupt = new Interrupt()
  const progress = new Progress({ write: () => true })
  let flags = 0
  for (const { name, long } of buildProgram('0', { interrupt, progress }).commands.flatMap((command) =>
    command.options
      .filter((option) => option.required)
      .map((option) => ({ name: command.name(), long: option.long ?? '' })),
  )) {
    flags++
    await assert.rejects(
      buildProgram('0', { interrupt, progress }).parseAsync([name, long, '--out', 'x'], { from: 'user' }),
      isError(
        'USAGE',
        new RegExp(`^Cannot use ${long}: its value must follow, as in ${long} .*, found the flag --out`),
      ),
    )
  }
  assert.ok(flags > 150, `${flags} flags`)
})

for (const [how, env, endsToo] of [
  ['by npx', { npm_lifecycle_event: 'npx' }, true],
  ['by anybody else', {}, false],
] as const)
  test(`started ${how}, and its shell is ended: a command ${endsToo ? 'ends, too' : 'goes on'}`, {
    skip: process.platform === 'win32' && 'Windows has no such signals',
  }, async () => {
    const data = join(await temporaryFolder(), 'data')
    const args = [process.execPath, MAIN, 'generate', '--out', data, '--rows', '100000000']
    const shell = spawn('sh', ['-c', '"$0" "$@"; true', ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, npm_lifecycle_event: undefined, ...env },
    })
    const closed = once(shell.stdout.resume(), 'close') // when the command has ended, too, which has it open
    await delay(1500)
    shell.kill('SIGTERM')
    const isOver = await Promise.race([closed.then(() => true), delay(4000, false)])
    if (!isOver && shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL') // all of its group
    await closed
    assert.equal(isOver, endsToo)
  })
