import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const LINES = fileURLToPath(new URL('./cliLines.ts', import.meta.url))

export interface CliResult {
  code: number | null // null: ended by a signal
  stdout: string
  stderr: string
}

export interface CliOptions {
  cwd?: string
  nodeFlags?: string[]
  env?: Record<string, string>
  /** Called with all of standard error so far, whenever more comes. */
  onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void
}

/** Runs the real command line in a process of its own. */
export function runCli(args: string[], options: CliOptions = {}): Promise<CliResult> {
  return run([MAIN, ...args], options)
}

/** As `runCli` for each of the lines, all in one process: for lines whose process is not what is tested. */
export async function runCliLines(lines: string[][], options: CliOptions = {}): Promise<CliResult[]> {
  const { code, stdout, stderr } = await run([LINES, JSON.stringify(lines)], options)
  assert.equal(code, 0, stderr)
  assert.equal(stderr, '')
  return JSON.parse(stdout) as CliResult[]
}

/** Few rows of the reference data, in a folder that is made. */
export async function generateFew(data: string, { users = 100, restaurants = 50 } = {}): Promise<void> {
  const { code, stderr } = await runCli(
    `generate --rows 2000 --test-rows 1000 --requests 10 --users ${users} --restaurants ${restaurants} --out`
      .split(' ')
      .concat(data),
  )
  assert.equal(code, 0, stderr)
}

function run(args: string[], options: CliOptions): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...(options.nodeFlags ?? []), ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      options.onStderr?.(stderr, (signal) => child.kill(signal))
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
