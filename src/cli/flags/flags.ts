import { type Command, InvalidArgumentError, Option } from 'commander'
import { wantedInstead } from '../../training/settings/settings.ts'
import type { ParseValue } from './values.ts'

/** One flag, and the option of the library that it sets. */
export interface Flag {
  flags: string // '--epochs <n>', or '--resume' for a switch
  key: string // 'epochs'; 'columns.userId' sets a key inside of an object
  help?: string // absent: the flag is told on another one's line
  term?: string // how that line begins where it tells several flags; default: flags
  parse?: ParseValue // absent: a switch
  repeats?: boolean // each use adds to a list
}

/** A commander option that knows how its line of the help begins. */
export class FlagOption extends Option {
  readonly term: string

  constructor(flag: Flag) {
    super(flag.flags, flag.help)
    this.term = flag.term ?? flag.flags
    this.hideHelp(flag.help === undefined)
  }
}

type Schema = Parameters<typeof wantedInstead>[0]

/** Adds `flags` to `command` under a heading. Values are checked against `schema` where it has their key. */
export function addFlags(
  command: Command,
  heading: string,
  flags: readonly Flag[],
  schema: Schema = {},
): void {
  for (const flag of flags) {
    const option = new FlagOption(flag).helpGroup(heading)
    const { parse, repeats, key } = flag
    if (parse)
      option.argParser((text: string, previous: unknown) => {
        const value = parse(text)
        const wanted = Object.hasOwn(schema, key) ? wantedInstead(schema, key, value) : undefined
        if (wanted !== undefined) throw new InvalidArgumentError(`Wanted ${wanted}.`)
        return repeats ? [...(Array.isArray(previous) ? previous : []), value] : value
      })
    command.addOption(option)
  }
}

/** What was given of `flags` on the command line, by the keys of the library's options. */
export function givenOptions(command: Command, flags: readonly Flag[]): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const flag of flags) {
    const name = new Option(flag.flags).attributeName()
    if (command.getOptionValueSource(name) !== 'cli') continue
    const value: unknown = command.getOptionValue(name)
    const [outer, inner] = flag.key.split('.')
    if (inner === undefined) options[outer] = value
    else options[outer] = { ...(options[outer] as object | undefined), [inner]: value }
  }
  return options
}
