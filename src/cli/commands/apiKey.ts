import { Command, InvalidArgumentError } from 'commander'
import { NearrankError } from '../../errors.ts'
import { type Right, RIGHTS } from '../../server/keys/apiKeys.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, type Flag, givenOptions } from '../flags/flags.ts'
import { print, printError, printJson } from '../output/output.ts'
import { choiceOf, parseNames, parseText } from '../flags/values.ts'

const FLAGS: Flag[] = [
  { flags: '--file <file>', key: 'file', parse: parseText, help: 'file of keys, made if missing (required)' },
  { flags: '--name <name>', key: 'name', parse: parseText, help: 'whose key it is (required)' },
  {
    flags: '--rights <list>',
    key: 'rights',
    parse: parseRights,
    help: `what it may do: ${RIGHTS.join(', ')}, with commas between (default read)`,
  },
  { flags: '--json', key: 'json', help: 'print one JSON object at the end' },
]

/** `nearrank api-key`: a new key for the server. */
export function apiKeyCommand(_context: CommandContext): Command {
  const command = new Command('api-key')
    .summary('a new key for the server')
    .usage('--file <file> --name <name> [options]')
    .description(
      'Makes an API key, adds its hash to a file for serve --api-keys, and prints the key, this once.',
    )
  addFlags(command, 'Options:', FLAGS)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank api-key --file keys.json --name app --rights read,write',
  )
  return command.action(async () => {
    const { file, name, rights = ['read'], json } = givenOptions(command, FLAGS)
    if (typeof file !== 'string' || typeof name !== 'string')
      throw new NearrankError(
        'USAGE',
        `Cannot make a key: ${typeof file === 'string' ? '--name NAME' : '--file FILE'} is missing`,
      )
    const { addApiKey } = await import('../../server/keys/apiKeyFile.ts')
    const key = await addApiKey(file, { name, rights: rights as Right[] })
    if (json) return printJson({ name, rights, key }, ['name', 'rights', 'key'])
    printError(`The key of ${name} (${(rights as Right[]).join(', ')}); it is kept nowhere else:`)
    print(key)
  })
}

function parseRights(text: string): Right[] {
  const rights = parseNames(text).map(choiceOf(RIGHTS))
  if (new Set(rights).size < rights.length) throw new InvalidArgumentError('Wanted each right once.')
  return rights
}
