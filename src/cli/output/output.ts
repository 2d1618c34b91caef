import { exactJson } from '../../json/exactJson.ts'

/** Prints lines for people on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Prints the one object that `--json` promises: `keys` of `value` in their order, in full precision. */
export function printJson<T extends object>(value: T, keys: readonly (keyof T)[]): void {
  process.stdout.write(`${exactJson(pickKeys(value, keys))}\n`)
}

/** A copy of `value` with only `keys`, in their order. */
export function pickKeys<T extends object>(value: T, keys: readonly (keyof T)[]): object {
  return Object.fromEntries(keys.map((key) => [key, value[key]]))
}

/** Prints on standard error. */
export function printError(text: string): void {
  process.stderr.write(`${text}\n`)
}

/**
 * A reader that leaves early (`nearrank … | head`) is no failure. With standard output gone nothing is left
 * to say, so the process ends; with standard error gone only the progress is lost, so the work goes on.
 */
export function quietBrokenPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    printError(`nearrank: Cannot write to standard output: ${error.message}`)
    process.exit(1)
  })
  process.stderr.on('error', () => {})
}
