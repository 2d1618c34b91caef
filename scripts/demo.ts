// The whole way on a small data set: makes it, trains, evaluates, ranks one request. `npm run demo`; under two minutes on two cores.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { renderTable } from '../src/cli/table.ts'
import type { EvaluationReport } from '../src/training/evaluate.ts'
import { formatBytes, formatCount, formatSeconds } from '../src/format.ts'
import type { TrainResult } from '../src/training/types.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const DATA = 'demo-data/data'
const MODEL = 'demo-data/model'
const SIZES =
  '--rows 2000000 --test-rows 200000 --users 100000 --restaurants 10000 --requests 100 --files 8 --test-files 2'

/** Shows a command and runs it; returns its standard output. Progress goes straight to the terminal. */
function nearrank(args: string): Promise<string> {
  process.stdout.write(`\n$ npx nearrank ${args}\n`)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args.split(' ')], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(stdout)
      else process.exit(code ?? 1)
    })
  })
}

process.on('SIGINT', () => {}) // the command that runs gets it too, says what to say and ends the demo

process.stdout.write(await nearrank(`generate --out ${DATA} ${SIZES}`))
const trained = JSON.parse(await nearrank(`train --data ${DATA} --out ${MODEL} --json`)) as TrainResult
const evaluated = JSON.parse(
  await nearrank(`evaluate --data ${DATA} --model ${MODEL} --json`),
) as EvaluationReport
const ranked = await nearrank(
  `recommend --data ${DATA} --model ${MODEL} --request ${DATA}/requests.parquet --request-row 0 --size 10`,
)

const figure = (value: number | null) => value?.toFixed(4) ?? '–'
const summary = renderTable(
  [],
  [
    ['rows an epoch', formatCount(trained.rows)],
    ...trained.epochs.map((epoch) => [
      `epoch ${epoch.epoch}`,
      `${formatSeconds(epoch.seconds)}, ${formatCount(epoch.rowsPerSecond)} rows/s`,
    ]),
    ['packing', formatSeconds(trained.packSeconds)],
    ['peak memory', formatBytes(trained.peakRssBytes)],
    ['threads', `${trained.threads}`],
    ['accuracy on the test clicks', figure(evaluated.accuracy)],
    ['  majority class', figure(evaluated.majorityAccuracy)],
    ['  best possible (Bayes)', figure(evaluated.bayesAccuracy)],
    ['log loss', figure(evaluated.logLoss)],
    ['  best possible (Bayes)', figure(evaluated.bayesLogLoss)],
    ['AUC', figure(evaluated.auc)],
    ['NDCG@10 by user', figure(evaluated.ndcg10)],
  ],
  ['left', 'left'],
)
process.stdout.write(`\n${summary}\n\nRestaurants for the first request:\n\n${ranked}`)
process.stdout.write(`\nThe model and its report are in ${MODEL}.\n`)
