import { Command } from 'commander'
import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { UNKNOWN_CONTEXT_OPTION } from '../../ranking/unknownContext.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printError, printJson } from '../output/output.ts'
import { REQUEST_OPTIONS } from '../flags/recommend.ts'
import { recommendationText } from '../output/recommendationText.ts'

const OUTPUT = {
  json: { ...JSON_OPTION.json, help: 'print one JSON object, the answer of the HTTP API' },
}

/** `nearrank recommend`: one ranked list, as the API will give it. */
export function recommendCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('recommend')
    .summary('rank restaurants for one request')
    .usage('--data <dir> --model <dir> --request <file> [options]')
    .description('Ranks restaurants near a user by click probability. Flags override the request file.')
  const places = { ...DATA_OPTION, ...MODEL_OPTION }
  const datasetOptions = optionsReading()
  addFlags(command, 'Paths:', places)
  addFlags(command, 'Request:', { ...REQUEST_OPTIONS, ...UNKNOWN_CONTEXT_OPTION })
  addFlags(command, 'Output:', OUTPUT)
  addFlags(command, 'Data (default: the columns that the model was trained with):', datasetOptions)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank recommend --data data --model model --request data/requests.parquet --request-row 7\n' +
      '  nearrank recommend --data data --model model --user 42 --latitude 13.8 --longitude 100.5',
  )

  return command.action(async () => {
    const { data, model } = givenOptions(command, places)
    if (data === undefined || model === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot recommend: ${data === undefined ? '--data DIR' : '--model DIR'} is missing`,
      )
    const [{ recommend }, { readUserRequest }] = await Promise.all([
      import('../../ranking/recommend.ts'),
      import('../recommendRequest.ts'),
    ])
    const request = await readUserRequest(givenOptions(command, REQUEST_OPTIONS), model)
    const { restaurants, unknown } = await recommend(request, {
      ...givenOptions(command, { ...datasetOptions, ...UNKNOWN_CONTEXT_OPTION }),
      data,
      model,
      signal: interrupt.signal,
      onProgress: ({ stage, rowsDone, rowsTotal }) =>
        progress.update({ stage: `pack ${stage}`, done: rowsDone, total: rowsTotal }),
    })
    progress.end()
    if (unknown.length > 0)
      printError(
        `${formatCount(unknown.length)} unknown ${unknown.length === 1 ? 'candidate is' : 'candidates are'} left out: ${someOf(unknown)}`,
      )
    if (givenOptions(command, OUTPUT).json) printJson({ restaurants }, ['restaurants'])
    else if (restaurants.length === 0)
      print(`No restaurant is within ${formatCount(request.request.maxDistM)} m. Try a larger --max-dist.`)
    else print(recommendationText(restaurants))
  })
}

function someOf(ids: (number | string)[]): string {
  return ids.length > 10 ? `${ids.slice(0, 10).join(', ')}, …` : ids.join(', ')
}
