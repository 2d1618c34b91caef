import { type Command, Option as CommanderOption } from 'commander'
import { NearrankError } from '../../errors.ts'
import { nearest } from '../../options/nearest.ts'
import type { Option, OptionTable, OptionValues } from '../../options/option.ts'
import { boolean, type SchemaFacts, text } from '../../options/schemas.ts'
import { isSwitch, parserOf, repeats } from './parserOf.ts'

const GUESSES_MAX = 3

/** One flag, and the option that it sets. */
export interface Flag {
  flags: string // '--epochs <n>', or '--resume' for a switch
  path: string[] // ['epochs']; ['columns', 'userId'] sets a key inside of an object
  option: Option
  help: string | undefined // undefined: the flag is told on another one's line
}

export const JSON_OPTION = {
  json: { schema: boolean(), flag: '--json', help: 'print one JSON object at the end' },
} satisfies OptionTable

export const CONFIG_OPTION = {
  config: {
    schema: text(),
    flag: '--config <file>',
    help: 'JSON with these options in camelCase; flags override it',
  },
} satisfies OptionTable

/** A commander option that knows how its line of the help begins. */
export class FlagOption extends CommanderOption {
  readonly term: string
  readonly values: readonly string[] // that it may have; none: any

  constructor({ flags, help, option }: Flag) {
    super(flags, help)
    const { enum: values, items }: SchemaFacts = option.schema
    this.term = option.term ?? option.flag ?? flags
    this.values = values ?? items?.enum ?? []
    this.hideHelp(help === undefined)
  }
}

/** The flags of a table's options. A switch may have two, the second of which turns it off. */
export function flagsOf(table: OptionTable, path: string[] = []): Flag[] {
  return Object.entries(table).flatMap(([key, option]) => {
    const own = [...path, key]
    if (option.parts) return flagsOf(option.parts, own)
    if (option.flag === undefined) return []
    const words = isSwitch(option.schema) ? option.flag.split(', ') : [option.flag]
    return words.map((flags, i) => ({ flags, path: own, option, help: i === 0 ? option.help : undefined }))
  })
}

/** Adds the flags of `table` to `command` under a heading. */
export function addFlags(command: Command, heading: string, table: OptionTable): void {
  for (const flag of flagsOf(table)) {
    const { schema } = flag.option
    const option = new FlagOption(flag).helpGroup(heading)
    if (!isSwitch(schema)) {
      const parse = parserOf(schema)
      option.argParser((given: string, previous: unknown) => {
        checkGiven(flag.flags, given)
        const value = parse(given)
        return repeats(schema) ? [...(Array.isArray(previous) ? previous : []), value] : value
      })
    }
    command.addOption(option)
  }
}

/** A flag without its value takes the next flag for it, and what is wrong then is said of something else. */
function checkGiven(flags: string, given: string): void {
  if (!/^--[a-z]/i.test(given)) return
  throw new NearrankError(
    'USAGE',
    `${withoutValue(flags)}, found the flag ${given}; a path that begins with -- is written ./--…`,
  )
}

function withoutValue(flags: string): string {
  const [name, value] = flags.split(' ')
  return `Cannot use ${name}: its value must follow, as in ${name} ${value.replace(/[<>]/g, '').toUpperCase()}`
}

/**
 * What commander says of a wrong line of `command`, in our words where its own tell too little, or guess a
 * flag that nobody meant.
 */
export function usageText(said: string, command: Command): string {
  return said
    .replace(
      /^error: unknown option '(--[^']+)'[^]*/,
      (_, flag: string) => `error: unknown option '${flag}'${guessText(flag, command)}\n`,
    )
    .replace(
      /^error: option '([^']+)' argument missing/,
      (_, flags: string) => `error: ${withoutValue(flags)}, found the end of the line`,
    )
    .replace(/^error: /, 'nearrank: ')
}

function guessText(flag: string, command: Command): string {
  const [word] = flag.split('=')
  const known = [command, command.parent].flatMap((one) => one?.options.map(({ long }) => long ?? '') ?? [])
  const begun = known.filter((name) => name.startsWith(word))
  const guess = nearest(
    word.slice(2),
    known.map((name) => name.slice(2)),
  )
  const guesses =
    begun.length > 0 && begun.length <= GUESSES_MAX ? begun : guess === undefined ? [] : [`--${guess}`]
  return guesses.length === 0 ? '' : `\n(Did you mean ${guesses.join(' or ')}?)`
}

/** What was given of `table` on the command line. */
export function givenOptions<T extends OptionTable>(command: Command, table: T): Partial<OptionValues<T>> {
  const options: Record<string, unknown> = {}
  for (const { flags, path } of flagsOf(table)) {
    const name = new CommanderOption(flags).attributeName()
    if (command.getOptionValueSource(name) !== 'cli') continue
    const value: unknown = command.getOptionValue(name)
    const [outer, inner] = path
    options[outer] =
      inner === undefined ? value : { ...(options[outer] as object | undefined), [inner]: value }
  }
  return options as Partial<OptionValues<T>> // the parsers let nothing else pass
}
