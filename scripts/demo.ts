// The whole way on a small data set: makes it, trains, evaluates, ranks, serves, tests the load. `npm run demo`; under two minutes on two cores.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { renderTable } from '../src/cli/output/table.ts'
import { messageOf } from '../src/errors.ts'
import type { EvaluationReport } from '../src/training/evaluate.ts'
import { formatBytes, formatCount, formatSeconds } from '../src/format.ts'
import type { TrainResult } from '../src/training/types.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const DATA = 'demo-data/data'
const MODEL = 'demo-data/model'
const FEATURES = 'demo-data/features.db'
const REQUESTS = `${DATA}/requests.parquet`
const SIZES =
  '--rows 2000000 --test-rows 200000 --users 100000 --restaurants 10000 --requests 100 --files 8 --test-files 2'
const LOAD = '--rate 30 --duration 10 --p95 100'
const PLACE = { latitude: 13.8, longitude: 100.5, size: 5 }
const FEATURES_SHOWN = 3

/** What ends the demo early; the message is empty where a command has said it already. */
class Stopped extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

const running = new Set<ChildProcess>()

function start(args: string): ChildProcess {
  process.stdout.write(`\n$ npx nearrank ${args}\n`)
  const child = spawn(process.execPath, [MAIN, ...args.split(' ')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  child.on('close', () => running.delete(child))
  return child
}

/** Shows a command and runs it; returns its standard output. Progress goes straight to the terminal. */
async function nearrank(args: string): Promise<string> {
  const child = start(args)
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return stdout
  process.stdout.write(stdout) // a test that misses its limits has its table here
  throw new Stopped('', code ?? 1)
}

interface Server {
  url: string
  stop(): Promise<void>
}

/** Shows the command and starts the server; resolves when it is ready. */
async function serve(args: string): Promise<Server> {
  const child = start(`serve ${args}`)
  const closed = once(child, 'close') as Promise<[number | null]>
  const ended = closed.then(([code]) => {
    throw new Stopped('', code || 1)
  })
  const ready = once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
  const [line] = (await Promise.race([ready, ended])) as [string]
  return {
    url: (JSON.parse(line) as { url: string }).url,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await closed
      // Windows knows no SIGTERM: there the server is simply ended.
      if (code !== 0 && process.platform !== 'win32') throw new Stopped('The server did not stop gracefully.')
    },
  }
}

interface Answer {
  restaurants: { id: number; score: number; displacement: number }[]
}

/** Shows a request as `curl` sends it, with `shown` in place of its body, and makes it; returns the answer. */
async function ask(url: string, request: { method: string; body: object; shown?: string }): Promise<string> {
  const { method, body, shown } = request
  const json = JSON.stringify(body)
  const verb = method === 'POST' ? '' : `-X ${method} `
  process.stdout.write(
    `\n$ curl ${verb}${url} -H 'content-type: application/json' \\\n    -d '${shown ?? json}'\n`,
  )
  const response = await fetch(url, { method, headers: { 'content-type': 'application/json' }, body: json })
  const text = await response.text()
  if (!response.ok) throw new Stopped(`${method} ${url} was answered ${response.status}: ${text}`)
  return text
}

async function recommend(url: string): Promise<Answer> {
  const answer = JSON.parse(await ask(`${url}/recommend/u00042`, { method: 'POST', body: PLACE })) as Answer
  if (answer.restaurants.length === 0) throw new Stopped('No restaurant is within reach of the request.')
  const few = answer.restaurants.slice(0, 2).map(({ id, score, displacement }) => ({
    id,
    score: Number(score.toFixed(4)),
    displacement: Number(displacement.toFixed(1)),
  }))
  process.stdout.write(`${JSON.stringify({ restaurants: few }).slice(0, -2)}, …]}\n`)
  return answer
}

/** One request, an update of its user to the opposite taste, and the same request again. */
async function showUpdate(url: string): Promise<void> {
  const before = await recommend(url)
  const { features } = (await (await fetch(`${url}/users/42`)).json()) as { features: number[] }
  const opposite = features.map((feature) => -feature)
  await ask(`${url}/users/42`, {
    method: 'PUT',
    body: { features: opposite },
    shown: `{"features":[${opposite.slice(0, FEATURES_SHOWN).join(',')}, …]}`,
  })
  const after = await recommend(url)
  const idsOf = ({ restaurants }: Answer) => restaurants.map(({ id }) => id).join(', ')
  if (idsOf(before) === idsOf(after)) throw new Stopped('The update of the user changed nothing.')
  process.stdout.write(
    `\nUser 42 was given the opposite features: restaurants ${idsOf(before)} before, ${idsOf(after)} at once after.\n`,
  )
}

function summaryOf(trained: TrainResult, evaluated: EvaluationReport): string {
  const figure = (value: number | null) => value?.toFixed(4) ?? '–'
  return renderTable(
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
}

async function demo(): Promise<void> {
  process.stdout.write(await nearrank(`generate --out ${DATA} ${SIZES}`))
  const trained = JSON.parse(await nearrank(`train --data ${DATA} --out ${MODEL} --json`)) as TrainResult
  const evaluated = JSON.parse(
    await nearrank(`evaluate --data ${DATA} --model ${MODEL} --json`),
  ) as EvaluationReport
  process.stdout.write(`\n${summaryOf(trained, evaluated)}\n`)
  process.stdout.write(
    await nearrank(
      `recommend --data ${DATA} --model ${MODEL} --request ${REQUESTS} --request-row 0 --size 10`,
    ),
  )
  // Those of an earlier demo: its user 42 has changed.
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${ROOT}/${FEATURES}${end}`, { force: true })
  const server = await serve(
    `--model ${MODEL} --data ${DATA} --store sqlite:${FEATURES} --port 0 --log-level warn --json`,
  )
  await showUpdate(server.url)
  process.stdout.write(await nearrank(`loadtest --url ${server.url} --requests ${REQUESTS} ${LOAD}`))
  await server.stop()
  process.stdout.write(
    `\nThe model and its report are in ${MODEL}, the features in ${FEATURES}. To serve them:\n\n` +
      `$ npx nearrank serve --model ${MODEL} --store sqlite:${FEATURES}\n`,
  )
}

let signalled = 0
process.on('SIGINT', () => (signalled = 130)) // the command that runs gets it too, says what to say and ends the demo
process.on('SIGTERM', () => process.exit(143))
process.on('exit', () => {
  for (const child of running) child.kill() // nothing stays behind, whatever went wrong
})

try {
  await demo()
} catch (error) {
  if (messageOf(error) !== '' && signalled === 0) process.stderr.write(`demo: ${messageOf(error)}\n`)
  process.exitCode = signalled || (error instanceof Stopped ? error.exitCode : 1)
  for (const child of running) child.kill()
}
