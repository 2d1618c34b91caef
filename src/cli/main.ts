import { CommanderError } from 'commander'
import { NearrankError } from '../errors.ts'
import { packageVersion } from '../packageVersion.ts'
import { setupError } from '../setupError.ts'
import { Interrupt, isAbort } from './interrupt.ts'
import { printError, quietBrokenPipes } from './output/output.ts'
import { Progress } from './progress/progress.ts'
import { buildProgram } from './program.ts'

const EXIT = { done: 0, failed: 1, usage: 2 } as const

quietBrokenPipes()
process.on('uncaughtException', (error) => process.exit(reportError(error)))
process.exitCode = await runCli(process.argv.slice(2))

/** Runs one command. Returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
async function runCli(args: string[]): Promise<number> {
  const interrupt = new Interrupt()
  const progress = new Progress(process.stderr)
  interrupt.listen()
  try {
    await buildProgram(packageVersion(), { interrupt, progress }).parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    progress.end({ quiet: true })
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    if (interrupt.exitCode !== undefined && isAbort(error)) {
      printError(`nearrank: ${error.message}`)
      return interrupt.exitCode
    }
    return reportError(error)
  }
}

function reportError(thrown: unknown): number {
  const error = setupError(thrown) ?? thrown
  if (error instanceof NearrankError) {
    printError(`nearrank: ${error.message}`)
    if (error.code === 'INTERNAL') askForReport()
    return error.code === 'USAGE' ? EXIT.usage : EXIT.failed
  }
  printError(error instanceof Error ? (error.stack ?? error.message) : String(error))
  askForReport()
  return EXIT.failed
}

function askForReport(): void {
  printError(
    `nearrank: This is a bug in Nearrank. Please report it with the lines above, the command, and: nearrank ${packageVersion()}, Node ${process.versions.node}, ${process.platform} ${process.arch}.`,
  )
}
