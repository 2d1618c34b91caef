import { Command } from 'commander'
import { DATA_OPTION, type DatasetOptions, type OpenOptions, optionsReading } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import type { FillProgress } from '../../live/fillStore.ts'
import type { OptionTable } from '../../options/option.ts'
import { text } from '../../options/schemas.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { REDIS_TLS_OPTION } from '../flags/redisTls.ts'
import { print, printJson } from '../output/output.ts'
import { formatRate } from '../progress/progressLine.ts'
import { renderTable } from '../output/table.ts'

const PLACES = {
  ...DATA_OPTION,
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

/** `nearrank load`: all features of a folder of Parquet into a store. */
export function loadCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('load')
    .summary('fill a feature store from Parquet')
    .usage('--data <dir> --store <address> [--model <dir>] [options]')
    .description(
      'Writes the features of all users and restaurants into a store, which is created if missing.\n' +
        'Rows that are only in the store stay.',
    )
  const datasetOptions = optionsReading()
  addFlags(command, 'Paths:', PLACES)
  addFlags(command, 'Output:', OUTPUT)
  addFlags(command, 'Data:', datasetOptions)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank load --data data --store sqlite:features.db --model model',
  )

  return command.action(async () => {
    const { data, store: address, redisTls, model } = givenOptions(command, PLACES)
    if (data === undefined || address === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot load: ${data === undefined ? '--data DIR' : '--store ADDRESS'} is missing`,
      )
    const [{ fillStore, storeForData }, { openStore }] = await Promise.all([
      import('../../live/fillStore.ts'),
      import('../../store/openStore.ts'),
    ])
    const started = performance.now()
    const options = { ...givenOptions(command, datasetOptions), data }
    const source = {
      ...(model === undefined ? options : await optionsFor(model, options)),
      signal: interrupt.signal,
      onProgress: ({ stage, side, rowsDone, rowsTotal }: FillProgress) =>
        progress.update({ stage: `${stage} ${side}`, done: rowsDone, total: rowsTotal }),
    }
    const store = await openStore(address, {
      ...(await storeForData(source)),
      ...(redisTls && { redisTls }),
    })
    try {
      const { users, restaurants } = await fillStore({ ...source, store })
      progress.end()
      const seconds = (performance.now() - started) / 1000
      if (givenOptions(command, OUTPUT).json)
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

async function optionsFor(model: string, options: DatasetOptions): Promise<DatasetOptions & OpenOptions> {
  const [{ dataOfModel }, { loadModelFiles }] = await Promise.all([
    import('../../dataset/dataOfModel.ts'),
    import('../../model/modelDirectory.ts'),
  ])
  return dataOfModel((await loadModelFiles(model)).description, options)
}
