// Child process of runCliLines: runs command lines one after another, each as if it were the only one of its process, and prints their results as JSON.
import type { CliResult } from './runCli.ts'

const lines = JSON.parse(process.argv[2]) as string[][]
const main = new URL('../../src/cli/main.ts', import.meta.url).href
const print = process.stdout.write.bind(process.stdout)
const results: CliResult[] = []
for (const [i, line] of lines.entries()) {
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    process[stream].write = (text: string | Uint8Array) => {
      said[stream] += String(text)
      return true
    }
  process.argv = [process.argv[0], process.argv[1], ...line]
  process.exitCode = undefined
  await import(`${main}?line=${i}`) // another address: main runs again
  results.push({ code: Number(process.exitCode), ...said })
  for (const event of ['SIGINT', 'SIGTERM', 'uncaughtException']) process.removeAllListeners(event)
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error')
}
process.exitCode = 0
print(JSON.stringify(results))
