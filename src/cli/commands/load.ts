import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import type { FillProgress } from '../../live/fillStore.ts'
import { CONFIG_SCHEMA } from '../../training/settings/settings.ts'
import type { CommandContext } from '../commandContext.ts'
import { DATASET_FLAGS } from '../flags/dataset.ts'
import { addFlags, type Flag, givenOptions } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { formatRate } from '../progress/progressLine.ts'
import { renderTable } from '../output/table.ts'
import { parseText } from '../flags/values.ts'

const PLACE_FLAGS: Flag[] = [
  { flags: '--data <dir>', key: 'data', parse: parseText, help: 'folder with the Parquet files (required)' },
  {
    flags: '--store <address>',
    key: 'store',
    parse: parseText,
    help: 'sqlite:FILE or redis://HOST:PORT (required)',
  },
]
const OWN_FLAGS: Flag[] = [
  { flags: '--json', key: 'json', help: 'print one JSON object: users, restaurants, seconds' },
]

/** `nearrank load`: all features of a folder of Parquet into a store. */
export function loadCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('load')
    .summary('fill a feature store from Parquet')
    .usage('--data <dir> --store <address> [options]')
    .description(
      'Writes the features of all users and restaurants into a store, which is made where it is missing.\n' +
        'Rows that only the store has stay.',
    )
  // Clicks are not read here, so their flags are left out.
  const datasetFlags = DATASET_FLAGS.filter(
    ({ key }) => !['trainFiles', 'testFiles', 'columns.click', 'onMissing'].includes(key),
  )
  addFlags(command, 'Places:', PLACE_FLAGS)
  addFlags(command, 'Output:', OWN_FLAGS)
  addFlags(command, 'Data:', datasetFlags, CONFIG_SCHEMA)
  command.addHelpText('after', '\nExample:\n  nearrank load --data data --store sqlite:features.db')

  return command.action(async () => {
    const { data, store: address } = givenOptions(command, PLACE_FLAGS)
    if (typeof data !== 'string' || typeof address !== 'string')
      throw new NearrankError(
        'USAGE',
        `Cannot load: ${typeof data === 'string' ? '--store ADDRESS' : '--data DIR'} is missing`,
      )
    const [{ fillStore, storeForData }, { openStore }] = await Promise.all([
      import('../../live/fillStore.ts'),
      import('../../store/openStore.ts'),
    ])
    const started = performance.now()
    const source = {
      ...givenOptions(command, datasetFlags),
      data,
      signal: interrupt.signal,
      onProgress: ({ stage, side, rowsDone, rowsTotal }: FillProgress) =>
        progress.update({ stage: `${stage} ${side}`, done: rowsDone, total: rowsTotal }),
    }
    const store = await openStore(address, await storeForData(source))
    try {
      const { users, restaurants } = await fillStore({ ...source, store })
      progress.end()
      const seconds = (performance.now() - started) / 1000
      if (givenOptions(command, OWN_FLAGS).json)
        printJson({ users, restaurants, seconds }, ['users', 'restaurants', 'seconds'])
      else
        print(
          renderTable(
            [],
            [
              ['users', formatCount(users)],
              ['restaurants', formatCount(restaurants)],
              ['time', formatSeconds(seconds)],
              ['speed', formatRate((users + restaurants) / seconds)],
            ],
            ['left', 'right'],
          ),
        )
    } finally {
      await store.close()
    }
  })
}
