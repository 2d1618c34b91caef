import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** What ends the demo early; the message is empty where a command has said it already. */
export class Stopped extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

const running = new Set<ChildProcess>()

/** Ends the commands that still run. */
export function killAll(): void {
  for (const child of running) child.kill()
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function start(args: string): ChildProcess {
  say(`\n$ npx nearrank ${args}`)
  const child = spawn(process.execPath, [MAIN, ...args.split(' ')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  child.on('close', () => running.delete(child))
  return child
}

/** Shows a command and runs it; returns its standard output. Progress goes straight to the terminal. */
export async function nearrank(args: string): Promise<string> {
  const child = start(args)
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return stdout
  process.stdout.write(stdout) // a test that misses its limits has its table here
  throw new Stopped('', code ?? 1)
}

/** As `nearrank` with `--json`: the object that is printed. */
export async function nearrankJson<T>(args: string): Promise<T> {
  return JSON.parse(await nearrank(`${args} --json`)) as T
}

export interface Server {
  url: string
  /** Resolves when it was ended by Ctrl+C. */
  ended(): Promise<void>
  stop(): Promise<void>
}

/** Shows the command and starts the server; resolves when it is ready. */
export async function serve(args: string): Promise<Server> {
  const child = start(`serve ${args} --json`)
  const closed = once(child, 'close') as Promise<[number | null]>
  const ended = closed.then(([code]) => {
    throw new Stopped('', code || 1)
  })
  const ready = once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
  const [line] = (await Promise.race([ready, ended])) as [string]
  return {
    url: (JSON.parse(line) as { url: string }).url,
    async ended() {
      const [code] = await closed
      if (code !== 0) throw new Stopped('', code || 1)
    },
    async stop() {
      child.kill('SIGTERM')
      const [code] = await closed
      // Windows knows no SIGTERM: there the server is simply ended.
      if (code !== 0 && process.platform !== 'win32') throw new Stopped('The server did not stop gracefully.')
    },
  }
}

export interface Ask {
  method?: 'GET' | 'PUT' | 'POST'
  body?: object
  shown?: string // in place of the body; '': nothing is shown
}

/** Shows a request as `curl` sends it, and makes it; returns the answer. */
export async function ask<T>(url: string, { method = 'GET', body, shown }: Ask = {}): Promise<T> {
  const json = body && JSON.stringify(body)
  const verb = method === 'PUT' ? '-X PUT ' : ''
  const data = json === undefined ? '' : ` -H 'content-type: application/json' \\\n    -d '${shown ?? json}'`
  if (shown !== '') say(`\n$ curl ${verb}${url}${data}`)
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method, ...(json !== undefined && { headers, body: json }) })
  const text = await response.text()
  if (!response.ok) throw new Stopped(`${method} ${url} was answered ${response.status}: ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as T
}
