import type { CommandWords, FlagWords } from './commandWords.ts'

/** Completion for zsh: to be sourced after compinit, or a file _nearrank on its fpath. */
export function zshScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`)
  const cases = commands.map(
    ({ name, values, flags }) =>
      `    ${name}) _arguments ${[...flags.map(specOf), ...(values.length > 0 ? [`1:value:(${values.join(' ')})`] : [])].map(quoted).join(' ')} ;;`,
  )
  return `#compdef nearrank
# Completion of nearrank for zsh.
_nearrank() {
  local -a commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
# A file of the fpath is the function itself; when it is sourced, the function is made known.
if [[ $funcstack[1] == _nearrank ]]; then _nearrank "$@"; else compdef _nearrank nearrank; fi
`
}

/** A flag as _arguments takes it; * since some may be given several times. */
function specOf({ name, help, value }: FlagWords): string {
  const told = help === '' ? '' : `[${help.replaceAll(/[[\]]/g, '')}]`
  if (value === 'none') return `*${name}${told}`
  return `*${name}${told}:value:${value === 'any' ? '_files' : `(${value.join(' ')})`}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
