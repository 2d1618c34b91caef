// The whole way on a small data set: makes it, inspects it, trains, evaluates, ranks, serves, tests the load.
// `npm run demo`; under two minutes on two cores. `--kind reference`: users and restaurants that are numbers alone. In a terminal,
// it goes on serving at the end, and opens the console; `--no-open`: it only prints its address.
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readDatasetInfo } from '../src/dataset/datasetInfo.ts'
import type { Inspection } from '../src/dataset/inspect/report.ts'
import { messageOf } from '../src/errors.ts'
import type { EvaluationReport } from '../src/training/evaluate.ts'
import type { TrainResult } from '../src/training/types.ts'
import { consoleLines, openBrowser } from './demo/console.ts'
import { killAll, nearrank, nearrankJson, ROOT, say, serve, Stopped } from './demo/shell.ts'
import { columnsTable, resultTable } from './demo/tables.ts'
import { chooseRequest, updateLikes, updateNumbers } from './demo/updates.ts'

const KINDS = {
  realistic: {
    rows: 600_000,
    clicksPerUser: 50,
    restaurants: 2000,
    train: '--ids both --context-features time,device,companion,position',
  },
  reference: { rows: 2_000_000, clicksPerUser: 20, restaurants: 10_000, train: '' },
}
const LOAD = '--rate 30 --duration 10 --p95 100'

interface DemoOptions {
  kind: keyof typeof KINDS
  out: string // folder of all that is made, relative to the repository
  rows: number // training clicks
  opens: boolean // the console
}

function readOptions(): DemoOptions {
  const { values } = parseArgs({
    options: {
      kind: { type: 'string', default: 'realistic' },
      out: { type: 'string', default: 'demo-data' },
      rows: { type: 'string' },
      'no-open': { type: 'boolean', default: false },
    },
  })
  const { kind, out, 'no-open': staysClosed } = values
  if (kind !== 'realistic' && kind !== 'reference')
    throw new Stopped(`--kind must be realistic or reference, found ${kind}`, 2)
  const rows = Number(values.rows ?? KINDS[kind].rows)
  if (!Number.isInteger(rows) || rows < 1000)
    throw new Stopped(`--rows must be an integer from 1000, found ${values.rows}`, 2)
  return { kind, out, rows, opens: !staysClosed }
}

async function demo({ kind, out, rows, opens }: DemoOptions): Promise<void> {
  const { clicksPerUser, restaurants, train } = KINDS[kind]
  const [data, model, features] = [`${out}/data`, `${out}/model`, `${out}/features.db`]
  const requests = `${data}/requests.parquet`
  const sizes = `--rows ${rows} --test-rows ${Math.ceil(rows / 10)} --users ${Math.ceil(rows / clicksPerUser)} --restaurants ${restaurants}`
  const files = '--requests 100 --files 4 --test-files 2'
  say((await nearrank(`generate --kind ${kind} --out ${data} ${sizes} ${files}`)).trim())
  if (kind === 'realistic') say(columnsTable(await nearrankJson<Inspection>(`inspect --data ${data}`)))
  const trained = await nearrankJson<TrainResult>(`train --data ${data} --out ${model} ${train}`.trim())
  const evaluated = await nearrankJson<EvaluationReport>(`evaluate --data ${data} --model ${model}`)
  const info = await readDatasetInfo(resolve(ROOT, data))
  say(`\n${resultTable(trained, evaluated, info && 'ceilings' in info ? info.ceilings : null)}`)

  const request = await chooseRequest(resolve(ROOT, requests), resolve(ROOT, model))
  const asked = `--request ${requests} --request-row ${request.row} --candidates all --max-dist 5000 --size 5`
  say((await nearrank(`recommend --data ${data} --model ${model} ${asked}`)).trim())
  // Those of an earlier demo: its user has changed.
  for (const end of ['', '-wal', '-shm', '-journal'])
    rmSync(resolve(ROOT, `${features}${end}`), { force: true })
  const server = await serve(
    `--model ${model} --data ${data} --store sqlite:${features} --port 0 --log-level warn`,
  )
  if (kind === 'realistic') await updateLikes(server.url, request)
  else await updateNumbers(server.url)
  const loadTest = nearrank(`loadtest --url ${server.url} --requests ${requests} ${LOAD}`)
  const addresses = `\n${consoleLines(server.url, request)}`
  if (process.stdout.isTTY) {
    await loadTest.then((table) => say(table.trim()), showMissed)
    say(`${addresses}\n\nThe server goes on until you press Ctrl+C.`)
    if (opens) openBrowser(`${server.url}/`)
    return await server.ended()
  }
  say((await loadTest).trim())
  say(addresses)
  await server.stop()
  say(
    `\nThe model and its report are in ${model}, the features in ${features}. To serve them:\n\n` +
      `$ npx nearrank serve --model ${model} --store sqlite:${features}`,
  )
}

/** Limits that a busy machine misses do not keep anybody from the console; the load test has told them. */
function showMissed(error: unknown): void {
  if (signalled !== 0 || !(error instanceof Stopped)) throw error
}

let signalled = 0
process.on('SIGINT', () => (signalled = 130)) // the command that runs gets it too, says what to say and ends the demo
process.on('SIGTERM', () => process.exit(143))
process.on('exit', killAll) // nothing stays behind, whatever went wrong

try {
  await demo(readOptions())
} catch (error) {
  if (messageOf(error) !== '' && signalled === 0) process.stderr.write(`demo: ${messageOf(error)}\n`)
  process.exitCode = signalled || (error instanceof Stopped ? error.exitCode : 1)
  killAll()
}
