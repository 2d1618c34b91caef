import type { Command, Help } from 'commander'
import { FlagOption } from './flags/flags.ts'

const GAP = '  '

/**
 * The layout of `--help`: usage, what it does, one line for each flag under its heading without blank lines
 * between, an example. Nothing is wrapped: every line is written to fit 100 columns, and a test holds them to
 * it.
 */
export function formatHelp(command: Command, helper: Help): string {
  const sections = new Map<string, [string, string][]>()
  const add = (heading: string, term: string, description: string) =>
    sections.set(heading, [...(sections.get(heading) ?? []), [term, description]])
  for (const subcommand of helper.visibleCommands(command))
    add('Commands:', subcommand.name(), subcommand.summary())
  for (const option of helper.visibleOptions(command))
    add(
      option.helpGroupHeading ?? 'Other:',
      option instanceof FlagOption ? option.term : option.flags,
      helper.optionDescription(option),
    )

  const items = [...sections.values()].flat()
  const termWidth = Math.max(...items.map(([term]) => term.length))
  const lines = [`Usage: ${helper.commandUsage(command)}`, '', helper.commandDescription(command), '']
  for (const [heading, group] of sections) {
    lines.push(heading)
    for (const [term, description] of group)
      lines.push(`${GAP}${term.padEnd(termWidth)}${GAP}${description}`.trimEnd())
  }
  return `${lines.join('\n')}\n`
}
