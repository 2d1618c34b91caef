import type { CommandWords } from './commandWords.ts'

/** Completion for fish: to be sourced, or a file nearrank.fish among its completions. */
export function fishScript(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap(({ name, summary, values, flags }) => [
    `complete -c nearrank -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...(values.length > 0
      ? [`complete -c nearrank -n '__fish_seen_subcommand_from ${name}' -a '${values.join(' ')}'`]
      : []),
    ...flags.map(({ name: flag, help, value }) => {
      const told = help === '' ? '' : ` -d ${quoted(help)}`
      const takes = value === 'none' ? '' : value === 'any' ? ' -r -F' : ` -x -a '${value.join(' ')}'`
      return `complete -c nearrank -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${takes}${told}`
    }),
  ])
  return `# Completion of nearrank for fish.
complete -c nearrank -f
${lines.join('\n')}
`
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
