import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import type { OptionTable } from '../../options/option.ts'
import { someOf, text } from '../../options/schemas.ts'
import { RIGHTS } from '../../server/keys/apiKeys.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printError, printJson } from '../output/output.ts'

const OPTIONS = {
  file: { schema: text(), flag: '--file <file>', help: 'key file, created if missing (required)' },
  name: { schema: text(), flag: '--name <name>', help: 'whose key it is (required)' },
  rights: {
    schema: someOf(...RIGHTS),
    flag: '--rights <list>',
    help: `what it allows, comma-separated: ${RIGHTS.join(', ')}; default read`,
  },
  ...JSON_OPTION,
} satisfies OptionTable

/** `nearrank api-key`: a new key for the server. */
export function apiKeyCommand(_context: CommandContext): Command {
  const command = new Command('api-key')
    .summary('create an API key for the server')
    .usage('--file <file> --name <name> [options]')
    .description('Creates an API key, adds its hash to a file for serve --api-keys, and prints the key once.')
  addFlags(command, 'Options:', OPTIONS)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank api-key --file keys.json --name app --rights read,write',
  )
  return command.action(async () => {
    const { file, name, rights = ['read'], json } = givenOptions(command, OPTIONS)
    if (file === undefined || name === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot make a key: ${file === undefined ? '--file FILE' : '--name NAME'} is missing`,
      )
    const { addApiKey } = await import('../../server/keys/apiKeyFile.ts')
    const key = await addApiKey(file, { name, rights })
    if (json) return printJson({ name, rights, key }, ['name', 'rights', 'key'])
    printError(`API key of ${name} (${rights.join(', ')}). It cannot be shown again:`)
    print(key)
  })
}
