import { Command } from 'commander'
import { DATA_OPTION, FILL_OPTIONS, type FillOptions, type OpenOptions } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import type { Side } from '../../features/featureSpec.ts'
import type { FillProgress } from '../../live/fillStore.ts'
import type { OptionTable } from '../../options/option.ts'
import { text } from '../../options/schemas.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { PASSWORD_HELP, storeWithPassword } from '../storeWithPassword.ts'
import { REDIS_TLS_OPTION } from '../flags/redisTls.ts'
import { print, printJson } from '../output/output.ts'
import { formatRate } from '../progress/progressLine.ts'
import { renderTable } from '../output/table.ts'

const PLACES = {
  data: { ...DATA_OPTION.data, help: 'folder with Parquet files (required, or --from)' },
  from: {
    schema: text(),
    flag: '--from <file>',
    help: 'a backup (nearrank backup), in place of --data',
  },
  store: {
    schema: text(),
    flag: '--store <address>',
    help: 'sqlite:FILE or redis://HOST:PORT (required)',
  },
  ...REDIS_TLS_OPTION,
  model: {
    schema: text(),
    flag: '--model <dir>',
    help: 'with the columns and features of this model',
  },
} satisfies OptionTable
const OUTPUT = {
  json: { ...JSON_OPTION.json, help: 'print one JSON object: users, restaurants, seconds' },
}

/** How a load can be stopped, and what it tells. */
interface Told {
  signal: AbortSignal
  onProgress: (progress: FillProgress) => void
  onProblem: (problem: string) => void
}

/** `nearrank load`: all features of a folder of Parquet, or of a backup, into a store. */
export function loadCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('load')
    .summary('fill a feature store from Parquet or a backup')
    .usage('(--data <dir> | --from <file>) --store <address> [options]')
    .description(
      'Writes the features of all users and restaurants into a store, which is created if missing.\n' +
        'Rows that are only in the store stay.\n' +
        PASSWORD_HELP,
    )
  addFlags(command, 'Paths:', PLACES)
  addFlags(command, 'Output:', OUTPUT)
  addFlags(command, 'Data:', FILL_OPTIONS)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank load --data data --store sqlite:features.db --model model\n' +
      '  nearrank load --from backup.db --store sqlite:features.db',
  )

  return command.action(async () => {
    const { store } = givenOptions(command, PLACES)
    if (store === undefined) throw new NearrankError('USAGE', 'Cannot load: --store ADDRESS is missing')
    const started = performance.now()
    const load = givenOptions(command, PLACES).from === undefined ? loadData : loadFromBackup
    const { users, restaurants } = await load(command, storeWithPassword(store), {
      signal: interrupt.signal,
      onProgress: ({ stage, side, rowsDone, rowsTotal }) =>
        progress.update({ stage: `${stage} ${side}`, done: rowsDone, total: rowsTotal }),
      onProblem: (problem) => progress.line(problem),
    })
    progress.end()
    const seconds = (performance.now() - started) / 1000
    if (givenOptions(command, OUTPUT).json)
      return printJson({ users, restaurants, seconds }, ['users', 'restaurants', 'seconds'])
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
  })
}

async function loadData(
  command: Command,
  address: string,
  { signal, onProgress }: Told,
): Promise<Record<Side, number>> {
  const { data, redisTls, model } = givenOptions(command, PLACES)
  if (data === undefined)
    throw new NearrankError('USAGE', 'Cannot load: --data DIR is missing (or --from FILE, for a backup)')
  const [{ fillStore, storeForData }, { openStore }] = await Promise.all([
    import('../../live/fillStore.ts'),
    import('../../store/openStore.ts'),
  ])
  const options = { ...givenOptions(command, FILL_OPTIONS), data }
  const source = {
    ...(model === undefined ? options : await optionsFor(model, options)),
    signal,
    onProgress,
  }
  const store = await openStore(address, {
    ...(await storeForData(source)),
    ...(redisTls && { redisTls }),
  })
  try {
    return await fillStore({ ...source, store })
  } finally {
    await store.close()
  }
}

async function loadFromBackup(command: Command, address: string, told: Told): Promise<Record<Side, number>> {
  const { from = '', data, redisTls, model } = givenOptions(command, PLACES)
  const other = data ?? model ?? Object.keys(givenOptions(command, FILL_OPTIONS))[0]
  if (other !== undefined)
    throw new NearrankError(
      'USAGE',
      'Cannot load: --from FILE takes all that the backup holds, so --data, --model and the flags of data cannot be given with it',
    )
  const { loadBackup } = await import('../../live/loadBackup.ts')
  return loadBackup(from, address, { ...told, ...(redisTls && { redisTls }) })
}

async function optionsFor(model: string, options: FillOptions): Promise<FillOptions & OpenOptions> {
  const [{ dataOfModel }, { loadModelFiles }] = await Promise.all([
    import('../../dataset/dataOfModel.ts'),
    import('../../model/modelDirectory.ts'),
  ])
  return dataOfModel((await loadModelFiles(model)).description, options)
}
