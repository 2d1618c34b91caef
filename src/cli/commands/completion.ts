import { Argument, Command } from 'commander'
import { bashScript } from '../completion/bashScript.ts'
import { commandWords } from '../completion/commandWords.ts'
import { fishScript } from '../completion/fishScript.ts'
import { zshScript } from '../completion/zshScript.ts'
import type { CommandContext } from '../commandContext.ts'
import { choiceOf } from '../flags/values.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[]

/** `nearrank completion`: a script with which a shell completes commands, flags and their values. */
export function completionCommand(_context: CommandContext): Command {
  const command = new Command('completion')
    .summary('complete commands and flags in your shell')
    .usage('bash|zsh|fish')
    .description('Prints a script with which a shell completes commands, flags and their values with Tab.')
    .addArgument(new Argument('<shell>').choices(SHELLS).argParser(choiceOf(SHELLS)))
  command.addHelpText('after', '\nExample:\n  nearrank completion bash >> ~/.bashrc')
  return command.action((shell: keyof typeof SCRIPTS) => {
    process.stdout.write(SCRIPTS[shell](commandWords(command.parent ?? command)))
  })
}
