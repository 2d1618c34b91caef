import { Argument, Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import { nearest } from '../../options/nearest.ts'
import { shown } from '../../shown.ts'
import { bashScript } from '../completion/bashScript.ts'
import { commandWords } from '../completion/commandWords.ts'
import { fishScript } from '../completion/fishScript.ts'
import { zshScript } from '../completion/zshScript.ts'
import type { CommandContext } from '../commandContext.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[]

/** `nearrank completion`: a script with which a shell completes commands, flags and their values. */
export function completionCommand(_context: CommandContext): Command {
  const command = new Command('completion')
    .summary('complete commands and flags in your shell')
    .usage('bash|zsh|fish')
    .description('Prints a script with which a shell completes commands, flags and their values with Tab.')
    // Optional and any text to commander, so that what is wrong is said here.
    .addArgument(new Argument('[shell]').choices(SHELLS).argParser(String))
  command.addHelpText('after', '\nExample:\n  nearrank completion bash >> ~/.bashrc')
  return command.action((given: string | undefined) => {
    const shell = SHELLS.find((one) => one === given)
    if (shell === undefined) throw wrongShell(given)
    process.stdout.write(SCRIPTS[shell](commandWords(command.parent ?? command)))
  })
}

function wrongShell(given: string | undefined): NearrankError {
  const found = given === undefined ? 'none; give one, as in nearrank completion bash' : shown(given)
  const guess = given === undefined ? undefined : nearest(given, SHELLS)
  return new NearrankError(
    'USAGE',
    `Cannot complete: the shell must be one of ${SHELLS.join(', ')}, found ${found}${guess ? `. Did you mean ${guess}?` : ''}`,
  )
}
