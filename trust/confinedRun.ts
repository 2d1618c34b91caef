// Run by install.trust.ts where little is allowed: trains, serves, asks, stops. Arguments: app, data, work. Prints what it saw.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [app, data, work] = process.argv.slice(2)
const PERMISSIONS = [
  '--permission',
  `--allow-fs-read=${app}`,
  `--allow-fs-read=${data}`,
  ...[data, work].map((folder) => `--allow-fs-write=${folder}`),
  `--allow-fs-read=${work}`,
  '--allow-fs-read=/proc',
  '--allow-fs-read=/sys/fs/cgroup',
  '--allow-worker',
  '--allow-addons',
  '--allow-child-process',
  '--allow-net',
]

function nearrank(...args: string[]) {
  const child = spawn(process.execPath, [...PERMISSIONS, join(app, 'bin/nearrank.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: work,
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (bytes: Buffer) => (said.out += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (said.err += bytes.toString()))
  return { child, said, ended: once(child, 'close') as Promise<[number | null]> }
}

function check(isRight: boolean, what: string, said: object): void {
  if (!isRight) throw new Error(`${what}: ${JSON.stringify(said)}`)
}

const training = nearrank('train', '--data', data, '--out', join(work, 'model'), '--json')
const [trained] = await training.ended
check(trained === 0, `train ended with ${trained}`, training.said)

const store = `sqlite:${join(work, 'features.db')}`
const options = ['--model', join(work, 'model'), '--store', store, '--data', data, '--port', '0', '--json']
const serving = nearrank('serve', ...options)
while (!serving.said.out.includes('\n')) {
  check(serving.child.exitCode === null, `serve ended with ${serving.child.exitCode}`, serving.said)
  await new Promise((resolve) => setTimeout(resolve, 20))
}
const { port } = JSON.parse(serving.said.out) as { port: number }
const ask = async (path: string, body?: object) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...(body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  const text = await answer.text()
  check(answer.status === 200, `${path} answered ${answer.status}`, { text, said: serving.said })
  return JSON.parse(text) as { restaurants: unknown[] }
}
await ask('/health/ready')
const { restaurants } = await ask('/recommend/1', { latitude: 13.8, longitude: 100.5, max_dist: 1e6 })
check(restaurants.length === 20, 'twenty places are ranked', restaurants)

let isReadOnly = false
try {
  writeFileSync(join(app, 'x'), 'x')
} catch {
  isReadOnly = true
}
const isOffline = await fetch('http://192.0.2.1/', { signal: AbortSignal.timeout(2000) }).then(
  () => false,
  (error: Error) => error.name !== 'TimeoutError',
)
serving.child.kill('SIGTERM')
const [code] = await serving.ended
check(code === 0, `serve ended with ${code}`, serving.said)
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), isReadOnly, isOffline }))
