import { Command } from 'commander'
import { apiKeyCommand } from './commands/apiKey.ts'
import { backupCommand } from './commands/backup.ts'
import type { CommandContext } from './commandContext.ts'
import { compareCommand } from './commands/compare.ts'
import { completionCommand } from './commands/completion.ts'
import { evaluateCommand } from './commands/evaluate.ts'
import { exportCommand } from './commands/export.ts'
import { generateCommand } from './commands/generate.ts'
import { usageText } from './flags/flags.ts'
import { formatHelp } from './help.ts'
import { importanceCommand } from './commands/importance.ts'
import { inspectCommand } from './commands/inspect.ts'
import { loadCommand } from './commands/load.ts'
import { loadtestCommand } from './commands/loadtest.ts'
import { recommendCommand } from './commands/recommend.ts'
import { scoreCommand } from './commands/score.ts'
import { serveCommand } from './commands/serve.ts'
import { trainCommand } from './commands/train.ts'
import { tuneCommand } from './commands/tune.ts'

/** The whole command line. Parsing throws `CommanderError`; nothing here ends the process. */
export function buildProgram(version: string, context: CommandContext): Command {
  const program = new Command('nearrank')
    .usage('<command> [options]')
    .description('Trains a click ranker on logs far larger than memory, and ranks places near a user.')
    .version(version, '--version', 'print the version')
    .option('--quiet', 'with any command: neither progress nor notes, only results and errors')
    .hook('preAction', () => {
      if (program.opts<{ quiet?: boolean }>().quiet) context.progress.stream = { write: () => true }
    })
    .addHelpText(
      'after',
      '\nExample:\n  nearrank generate --out data && nearrank train --data data --out model',
    )
  const commands = [
    generateCommand,
    inspectCommand,
    trainCommand,
    tuneCommand,
    evaluateCommand,
    compareCommand,
    importanceCommand,
    scoreCommand,
    recommendCommand,
    exportCommand,
    serveCommand,
    loadCommand,
    backupCommand,
    loadtestCommand,
    apiKeyCommand,
    completionCommand,
  ]
  for (const command of commands.map((make) => make(context))) program.addCommand(command)
  program.helpCommand(false)
  for (const command of [program, ...program.commands])
    command
      .exitOverride()
      .allowExcessArguments(false)
      .configureHelp({ formatHelp })
      .configureOutput({ outputError: (text, write) => write(usageText(text, command)) })
      .helpOption('--help', 'print this help')
  return program
}
