import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import type { OptionTable } from '../../options/option.ts'
import { boolean, text } from '../../options/schemas.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { renderTable } from '../output/table.ts'

const OPTIONS = {
  store: { schema: text(), flag: '--store <address>', help: 'sqlite:FILE (required)' },
  out: { schema: text(), flag: '--out <file>', help: 'the backup, a new file (required)' },
  overwrite: { schema: boolean(), flag: '--overwrite', help: 'replace an earlier file' },
  json: {
    schema: boolean(),
    flag: '--json',
    help: 'print one JSON object: users, restaurants, bytes, seconds',
  },
} satisfies OptionTable

const MIB = 2 ** 20

/** `nearrank backup`: a SQLite store as it is at one moment, while a server writes. */
export function backupCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('backup')
    .summary('copy a feature store, also one that is being served')
    .usage('--store <address> --out <file> [options]')
    .description(
      'Copies a SQLite store into one file, as it is at one moment; a server may go on writing meanwhile.\n' +
        'The backup is a store: nearrank load --from takes it in, and serve --store can use a copy of it.',
    )
  addFlags(command, 'Options:', OPTIONS)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank backup --store sqlite:features.db --out backup.db\n' +
      '  nearrank load --from backup.db --store sqlite:restored.db',
  )
  return command.action(async () => {
    const { store, out, overwrite = false, json } = givenOptions(command, OPTIONS)
    if (store === undefined || out === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot back up: ${store === undefined ? '--store ADDRESS' : '--out FILE'} is missing`,
      )
    const { backUpStore } = await import('../../store/backUpStore.ts')
    const started = performance.now()
    const { rows, bytes } = await backUpStore(store, out, {
      overwrite,
      signal: interrupt.signal,
      onProgress: ({ bytesDone, bytesTotal }) =>
        progress.update({
          stage: 'back up',
          done: Math.round(bytesDone / MIB),
          total: Math.round(bytesTotal / MIB),
          unit: 'MiB',
        }),
    })
    progress.end()
    const seconds = (performance.now() - started) / 1000
    if (json) return printJson({ ...rows, bytes, seconds }, ['users', 'restaurants', 'bytes', 'seconds'])
    print(
      renderTable(
        [],
        [
          ['users', formatCount(rows.users)],
          ['restaurants', formatCount(rows.restaurants)],
          ['size', formatBytes(bytes)],
          ['time', formatSeconds(seconds)],
        ],
        ['left', 'right'],
      ),
    )
  })
}
