import type { Command } from 'commander'
import { FlagOption } from '../flags/flags.ts'

/** What a shell can complete of a command. */
export interface CommandWords {
  name: string
  summary: string
  values: readonly string[] // of its argument
  flags: FlagWords[]
}

export interface FlagWords {
  name: string // --epochs
  help: string // '' for a flag that the help tells on another one's line
  value: 'none' | 'any' | readonly string[] // 'any': file names are offered; else these
}

/** With any command. */
export const EVERYWHERE: readonly FlagWords[] = [
  { name: '--quiet', help: 'neither progress nor notes', value: 'none' },
  { name: '--help', help: 'print this help', value: 'none' },
]

/** The words of a program's commands, without what differs from shell to shell. */
export function commandWords(program: Command): CommandWords[] {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    flags: [
      ...command.options.map((option): FlagWords => {
        const choices = option instanceof FlagOption ? option.values : []
        const value = option.isBoolean() ? 'none' : choices.length > 0 ? choices : 'any'
        return { name: option.long ?? '', help: option.description, value }
      }),
      ...EVERYWHERE,
    ],
  }))
}
