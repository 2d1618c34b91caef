import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** `nearrank serve` in a process of its own. */
export class ServeProcess {
  readonly child: ChildProcess
  readonly port: number
  readonly #ended: Promise<unknown[]>
  readonly #said: { stdout: string; stderr: string }

  private constructor(child: ChildProcess, port: number, said: { stdout: string; stderr: string }) {
    this.child = child
    this.port = port
    this.#said = said
    this.#ended = once(child, 'exit')
  }

  /**
   * `log`: where standard error goes; `preload`: a module that is loaded first and gets what `child.send`
   * sends; `nodeFlags`: of Node itself. Resolves when it is ready. Killed after the test file if it runs still.
   */
  static async start(
    args: string[],
    log: 'pipe' | number = 'pipe',
    { preload, nodeFlags = [] }: { preload?: string; nodeFlags?: readonly string[] } = {},
  ): Promise<ServeProcess> {
    const first = preload === undefined ? nodeFlags : [...nodeFlags, '--import', preload]
    const child = spawn(process.execPath, [...first, MAIN, 'serve', '--port', '0', '--json', ...args], {
      stdio: ['ignore', 'pipe', log, ...(preload === undefined ? [] : ['ipc' as const])],
    })
    const { stdout } = child
    assert.ok(stdout)
    const said = { stdout: '', stderr: '' }
    after(() => child.kill('SIGKILL'))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
    const port = await new Promise<number>((resolve, reject) => {
      stdout.setEncoding('utf8').on('data', (text: string) => {
        said.stdout += text
        if (said.stdout.endsWith('\n')) resolve((JSON.parse(said.stdout) as { port: number }).port)
      })
      child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${said.stderr}`)))
    })
    return new ServeProcess(child, port, said)
  }

  get stderr(): string {
    return this.#said.stderr
  }

  signal(signal: NodeJS.Signals): void {
    assert.ok(this.child.kill(signal), 'it runs')
  }

  /** Resolves with the exit code, or the name of the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    const [code, signal] = (await this.#ended) as [number | null, NodeJS.Signals | null]
    return code ?? signal
  }
}
