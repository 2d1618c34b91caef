// Models that go on from yesterday's against models that are trained anew on everything, over daily increments of
// realistic data whose tastes drift. Prints a table for docs/BENCHMARKS.md. Usage:
//   npm run bench:increments -- [--rows 500000] [--history 20] [--increments 10] [--every 3] [--replay 0.2]
import { access, mkdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generate } from '../src/dataset/generator/generate.ts'
import { sqlPath, withDuckDb } from '../src/dataset/parquet/duckdb.ts'
import { evaluate } from '../src/training/evaluate.ts'
import { train } from '../src/training/train.ts'
import { markdownTable } from '../src/training/report/markdown.ts'
import type { TrainOptions } from '../src/training/types.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '500000' }, // a day
    history: { type: 'string', default: '20' }, // days before the first increment
    increments: { type: 'string', default: '10' }, // days
    every: { type: 'string', default: '3' }, // days between two that are compared
    folder: { type: 'string', default: join(tmpdir(), 'nearrank-increments') },
    set: { type: 'string', default: '{}' }, // JSON: settings of the increments that are not the defaults
    anew: { type: 'string', default: '{}' }, // JSON: settings of all other runs
    replay: { type: 'string', default: '0.2' }, // 0: none
  },
})
const ROWS = Number(values.rows)
const HISTORY = Number(values.history)
const INCREMENTS = Number(values.increments)
const DAYS = HISTORY + INCREMENTS + 1
const REPLAY = Number(values.replay)
const { folder } = values
const data = join(folder, `days-${ROWS}-${DAYS}`)

const dayFile = (day: number) => `days/day_${String(day).padStart(2, '0')}.parquet`
const userFile = (day: number) => `tables/users_${day}.parquet`
const restaurantFile = (day: number) => `tables/restaurants_${day}.parquet`

/** Of cuisines and of single restaurants: how many of the clicks of day 0 are clicks on another day. */
const DRIFT = `(0.65 + 0.35 * cos(2 * pi() * (day / 40 + hash(cuisines[1]) % 1000 / 1000)))
  * (0.75 + 0.25 * cos(2 * pi() * (day / 60 + hash(restaurant_id) % 997 / 997)))`
/** Four in five users and restaurants are there from the start; the others come one day after another. */
const comes = (id: string) => `greatest(0, (hash(${id} || ' comes') % ${5 * DAYS})::INTEGER - ${4 * DAYS})`

/** Realistic clicks, a file a day, of which fewer are clicks the more tastes have moved away from them. */
async function makeDays(): Promise<void> {
  const base = join(folder, 'base')
  const counts = { rows: ROWS * DAYS, testRows: 20_000, users: 60_000, restaurants: 6000 }
  await generate({ kind: 'realistic', out: base, files: DAYS, seed: 11, ...counts })
  await mkdir(join(data, 'days'), { recursive: true })
  await mkdir(join(data, 'tables'), { recursive: true })
  const file = (name: string) => `read_parquet(${sqlPath(join(base, name))})`
  await withDuckDb({}, async (connection) => {
    const write = (sql: string, name: string) =>
      connection.run(`COPY (${sql}) TO ${sqlPath(join(data, name))} (FORMAT parquet)`)
    const digits = Math.max(2, String(DAYS - 1).length)
    for (let day = 0; day < DAYS; day++) {
      const users = `SELECT * FROM ${file('user_features.parquet')} WHERE ${comes('user_id')} <= ${day}`
      const restaurants = `SELECT * FROM ${file('restaurant_features.parquet')} WHERE ${comes('restaurant_id')} <= ${day}`
      await write(users, userFile(day))
      await write(restaurants, restaurantFile(day))
      const clicks = file(`train/train_${String(day).padStart(digits, '0')}.parquet`)
      await write(
        `SELECT c.* EXCLUDE (click), CASE WHEN hash(request_id || ' ' || restaurant_id) % 1000003 / 1000003 < ${DRIFT}
           THEN click ELSE 0 END::TINYINT AS click
         FROM (SELECT *, ${day} AS day FROM ${clicks}) c JOIN (${restaurants}) r USING (restaurant_id)
         SEMI JOIN (${users}) u USING (user_id) ORDER BY request_id, position`,
        dayFile(day),
      )
    }
  })
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Seconds of CPU that this process, its threads and the processes that it has started took. */
async function cpuSeconds(): Promise<number> {
  const { user, system } = process.cpuUsage()
  const fields = (await readFile('/proc/self/stat', 'utf8')).split(') ')[1].split(' ')
  return (user + system) / 1e6 + (Number(fields[13]) + Number(fields[14])) / 100
}

async function trained(name: string, day: number, options: Partial<TrainOptions>) {
  const started = await cpuSeconds()
  await train({
    data,
    out: join(folder, name),
    userFile: userFile(day),
    restaurantFile: restaurantFile(day),
    onMissing: 'drop',
    ids: 'both',
    contextFeatures: ['time', 'device', 'companion', 'position'],
    cache: join(folder, 'packs'),
    turbo: 'auto',
    checkpointSeconds: 0,
    ...options,
  })
  const cpu = (await cpuSeconds()) - started
  await rm(join(folder, 'packs'), { recursive: true, force: true }) // the next run packs for itself
  return cpu
}

async function aucOf(name: string, day: number): Promise<number> {
  const { auc } = await evaluate({
    data,
    model: join(folder, name),
    userFile: userFile(day),
    restaurantFile: restaurantFile(day),
    onMissing: 'drop',
    testFiles: dayFile(day),
    cache: join(folder, 'packs'),
  })
  await rm(join(folder, 'packs'), { recursive: true, force: true })
  return auc!
}

await rm(join(folder, 'packs'), { recursive: true, force: true })
if (!(await isThere(join(data, dayFile(DAYS - 1))))) await makeDays()
const files = (end: number) => Array.from({ length: end }, (_, day) => dayFile(day))
const anew = JSON.parse(values.anew) as Partial<TrainOptions>
const set = JSON.parse(values.set) as Partial<TrainOptions>
await trained('warm', HISTORY - 1, { trainFiles: files(HISTORY), ...anew })
const rows: string[][] = []
for (let day = HISTORY; day < HISTORY + INCREMENTS; day++) {
  const isCompared = (HISTORY + INCREMENTS - 1 - day) % Number(values.every) === 0
  const stale = isCompared ? await aucOf('warm', day + 1) : 0
  const warmSeconds = await trained('warm', day, {
    from: join(folder, 'warm'),
    trainFiles: dayFile(day),
    ...(REPLAY > 0 && { replayFiles: files(day), replay: REPLAY }),
    ...set,
  })
  if (!isCompared) continue
  const auc = await aucOf('warm', day + 1)
  const wholeSeconds = await trained('anew', day, { trainFiles: files(day + 1), ...anew })
  const wholeAuc = await aucOf('anew', day + 1)
  const row = [
    `${day - HISTORY + 1}`,
    stale.toFixed(4),
    auc.toFixed(4),
    wholeAuc.toFixed(4),
    (auc - wholeAuc).toFixed(4),
    `${warmSeconds.toFixed(1)} s`,
    `${wholeSeconds.toFixed(1)} s`,
    `${((100 * warmSeconds) / wholeSeconds).toFixed(0)} %`,
  ]
  process.stderr.write(`${row.join('  ')}\n`)
  rows.push(row)
}
const head = [
  'day',
  "AUC of yesterday's",
  'going on',
  'anew',
  'difference',
  'CPU going on',
  'CPU anew',
  'share',
]
console.log(markdownTable(head, rows).join('\n'))
