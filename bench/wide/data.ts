// node bench/wide/data.ts --out DIR [--rows 5000000]: clicks of a million users on 100,000 restaurants, each side with ten
// category columns of 10 to 100,000 values, and DIR/config.json, by which every value gets a code of its own.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { RESTAURANTS, USERS, VOCABULARIES } from './network.ts'

const FILE_ROWS = 1_000_000

const { values } = parseArgs({
  options: { out: { type: 'string' }, rows: { type: 'string', default: '5000000' } },
})
if (values.out === undefined) throw new Error('Cannot write data: give --out DIR')
const out = values.out
const rows = Number(values.rows)
mkdirSync(join(out, 'train'), { recursive: true })
const connection = await (await DuckDBInstance.create(':memory:')).connect()
const write = (select: string, file: string) =>
  connection.run(`COPY (${select}) TO '${join(out, file)}' (FORMAT parquet)`)
const columns = (letter: string) =>
  VOCABULARIES.map(
    (count, i) => `'${letter}${i}_' || (hash(i * 31 + ${i} * 7919) % ${count}) AS ${letter}${i}`,
  ).join(', ')
await write(`SELECT i AS user_id, ${columns('a')} FROM range(${USERS}) t(i)`, 'user_features.parquet')
await write(
  `SELECT i AS restaurant_id, 10.0 + i / 100000.0 AS latitude, 10.0 AS longitude, ${columns('b')} FROM range(${RESTAURANTS}) t(i)`,
  'restaurant_features.parquet',
)
for (let file = 0; file * FILE_ROWS < rows; file++)
  await write(
    `SELECT hash(i * 3 + ${file} * 1000003) % ${USERS} AS user_id, hash(i * 5 + ${file} * 1000033) % ${RESTAURANTS} AS restaurant_id,
    (hash(i * 11 + ${file} * 77) % 10 = 0)::TINYINT AS click FROM range(${Math.min(FILE_ROWS, rows - file * FILE_ROWS)}) t(i)`,
    `train/${String(file).padStart(3, '0')}.parquet`,
  )
const category = { kind: 'category', minCount: 1 }
const features = Object.fromEntries(
  ['user.a', 'restaurant.b'].flatMap((name) => VOCABULARIES.map((_, i) => [`${name}${i}`, category])),
)
writeFileSync(join(out, 'config.json'), `${JSON.stringify({ features }, null, 2)}\n`)
