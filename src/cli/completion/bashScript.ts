import type { CommandWords, FlagWords } from './commandWords.ts'

/** Completion for bash: to be sourced. */
export function bashScript(commands: readonly CommandWords[]): string {
  const cases = commands.flatMap(({ name, values, flags }) => {
    const wordsOf = ({ value }: FlagWords) => (value === 'any' || value === 'none' ? [] : value)
    const withValue = flags.filter(({ value }) => value !== 'none')
    const [files, others] = [
      withValue.filter(({ value }) => value === 'any'),
      withValue.filter(({ value }) => value !== 'any'),
    ]
    return [
      ...(files.length > 0 ? [`    ${files.map((flag) => `'${name} ${flag.name}'`).join('|')}) ;;`] : []),
      ...others.map((flag) => `    '${name} ${flag.name}') words='${wordsOf(flag).join(' ')}' ;;`),
      `    '${name} '*) words='${[...values, ...flags.map((flag) => flag.name)].join(' ')}' ;;`,
    ]
  })
  const names = [...commands.map(({ name }) => name), '--help', '--version', '--quiet']
  return `# Completion of nearrank for bash.
_nearrank() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words='' command='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command \${COMP_WORDS[COMP_CWORD-1]}" in
    ' '*) words='${names.join(' ')}' ;;
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _nearrank nearrank
`
}
