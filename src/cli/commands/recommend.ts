import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import { CONFIG_SCHEMA } from '../../training/settings/settings.ts'
import type { CommandContext } from '../commandContext.ts'
import { DATASET_FLAGS } from '../flags/dataset.ts'
import { addFlags, type Flag, givenOptions } from '../flags/flags.ts'
import { print, printError, printJson } from '../output/output.ts'
import { REQUEST_FLAGS } from '../flags/recommend.ts'
import { renderTable } from '../output/table.ts'
import { parseText } from '../flags/values.ts'

const PLACE_FLAGS: Flag[] = [
  { flags: '--data <dir>', key: 'data', parse: parseText, help: 'folder with the Parquet files (required)' },
  { flags: '--model <dir>', key: 'model', parse: parseText, help: 'model folder (required)' },
]
const OWN_FLAGS: Flag[] = [
  { flags: '--json', key: 'json', help: 'print one JSON object, the same that the API answers' },
]

/** `nearrank recommend`: one ranked list, as the API will give it. */
export function recommendCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('recommend')
    .summary('one ranked list for one request')
    .usage('--data <dir> --model <dir> --request <file> [options]')
    .description('Ranks restaurants near a user by click probability. Flags win over what the request says.')
  // Clicks are not read here, so their flags are left out.
  const datasetFlags = DATASET_FLAGS.filter(
    ({ key }) => !['trainFiles', 'testFiles', 'columns.click', 'onMissing'].includes(key),
  )
  addFlags(command, 'Places:', PLACE_FLAGS)
  addFlags(command, 'Request:', REQUEST_FLAGS)
  addFlags(command, 'Output:', OWN_FLAGS)
  addFlags(command, 'Data (default: as the model was trained):', datasetFlags, CONFIG_SCHEMA)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank recommend --data data --model model --request data/requests.parquet --request-row 7\n' +
      '  nearrank recommend --data data --model model --user 42 --candidates 1,2,3 --latitude 13.8 \\\n' +
      '    --longitude 100.5',
  )

  return command.action(async () => {
    const { data, model } = givenOptions(command, PLACE_FLAGS)
    if (typeof data !== 'string' || typeof model !== 'string')
      throw new NearrankError(
        'USAGE',
        `Cannot recommend: ${typeof data === 'string' ? '--model DIR' : '--data DIR'} is missing`,
      )
    const [{ recommend }, { readUserRequest }] = await Promise.all([
      import('../../ranking/recommend.ts'),
      import('../recommendRequest.ts'),
    ])
    const request = await readUserRequest(givenOptions(command, REQUEST_FLAGS))
    const { restaurants, unknown } = await recommend(request, {
      ...givenOptions(command, datasetFlags),
      data,
      model,
      signal: interrupt.signal,
      onProgress: ({ stage, rowsDone, rowsTotal }) =>
        progress.update({ stage: `pack ${stage}`, done: rowsDone, total: rowsTotal }),
    })
    progress.end()
    if (unknown.length > 0)
      printError(
        `${formatCount(unknown.length)} ${unknown.length === 1 ? 'candidate is' : 'candidates are'} not known, left out: ${someOf(unknown)}`,
      )
    if (givenOptions(command, OWN_FLAGS).json) printJson({ restaurants }, ['restaurants'])
    else if (restaurants.length === 0)
      print(
        `No candidate lies within ${formatCount(request.request.maxDistM)} m. A larger --max-dist reaches farther.`,
      )
    else
      print(
        renderTable(
          ['', 'restaurant', 'score', 'distance'],
          restaurants.map(({ id, score, displacement }, i) => [
            `${i + 1}`,
            String(id),
            score.toFixed(4),
            `${formatCount(displacement)} m`,
          ]),
          ['right', 'right', 'right', 'right'],
        ),
      )
  })
}

function someOf(ids: (number | string)[]): string {
  return ids.length > 10 ? `${ids.slice(0, 10).join(', ')}, …` : ids.join(', ')
}
