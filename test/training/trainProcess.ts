import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** `nearrank train` in a process of its own. `node`: which Node runs it, with `flags` of Node's own. */
export function trainProcess(
  args: string[],
  { node = process.execPath, flags = [] }: { node?: string; flags?: string[] } = {},
) {
  const child = spawn(node, [...flags, MAIN, 'train', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.on('data', (piece: Buffer) => (text += piece.toString()))
  /** The exit code, or 'killed'. */
  const ended = new Promise<number | 'killed'>((resolve) => {
    child.on('close', (code, signal) => resolve(signal === 'SIGKILL' ? 'killed' : code!))
  })
  return { child, ended, said: () => text }
}
