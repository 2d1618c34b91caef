import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fittedBy } from '../../src/dataset/clicks/fittedBy.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { inputsOf } from '../../src/model/network.ts'
import { CrewLead } from '../../src/training/crew/crewLead.ts'
import { loadFeatures } from '../../src/training/memory/featureMemory.ts'
import { setEmbeddingPenalties } from '../../src/training/rows/embeddingPenalties.ts'
import { PRESETS } from '../../src/training/settings/presets.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { query } from '../dataset/realisticFixture.ts'
import { temporaryFolder } from './dataFixture.ts'

const USERS = 60
const L2 = 7
const BATCH = 64
const VALIDATION = 0.25

/** The values of each embedding in a click, in SQL; a list of them if it takes several. */
const VALUES_SQL: Record<string, string> = {
  'user.user_id': 'user_id::VARCHAR',
  'user.city': 'city',
  'user.likes': 'likes',
  'restaurant.cuisine': 'cuisine',
  'restaurant.tags': 'tags',
  'context.device': 'device',
  'context.with': '"with"',
  'context.time.hour': 'hour(time)::VARCHAR',
}

/** Users of whom every fifth makes no clicks, a city and a tag that no click has, lists that are empty or null. */
async function penaltyData(): Promise<string> {
  const data = join(await temporaryFolder(), 'data')
  await writeParquetFile(
    data,
    'user_features.parquet',
    `SELECT i AS user_id, CASE WHEN i % 5 = 4 THEN 'nowhere' WHEN i % 7 > 0 THEN 'city ' || (i % 3) END AS city,
      CASE WHEN i % 6 > 0 THEN list_transform(range(i % 4), k -> 'like ' || ((i + k) % 6)) END AS likes
      FROM range(${USERS}) t(i)`,
  )
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT 3 * i AS restaurant_id, 13 + i / 1000 AS latitude, 100.5 AS longitude, 'cuisine ' || (i % 4) AS cuisine,
      CASE WHEN i > 7 THEN ['unused', 'tag 0'] ELSE ['tag ' || (i % 2), 'tag 2'] END AS tags
      FROM range(12) t(i)`,
  )
  for (const [file, rows] of [700, 1300].entries())
    await writeParquetFile(
      data,
      `train/${file}.parquet`,
      `SELECT i // 13 % ${USERS} // 5 * 5 + i % 4 AS user_id, 3 * (i // 3 % 8) AS restaurant_id, i % 3 // 2 AS click,
        TIMESTAMP '2026-01-01' + to_minutes(7 * i % 1000) AS time,
        CASE WHEN i % 11 > 0 THEN ['ios', 'web', 'android'][1 + i * i % 3] END AS device,
        CASE WHEN i % 4 > 0 THEN list_transform(range(i % 3), k -> 'guest ' || ((i + k) % 5)) END AS "with"
        FROM range(${rows}) t(i)`,
    )
  return data
}

test('penalties are l2 / (clicks with the value · batch · trained share), 0 for values without clicks', async () => {
  const data = await penaltyData()
  const options: DatasetOptions = { data, contextFeatures: ['device', 'with', 'time'], ids: 'users' }
  const tables = await openTables(options)
  const pack = await openRows(options, tables, 'train')
  const features = fittedBy(tables, pack)
  const { hidden, activations } = PRESETS.reference
  const network = { ...inputsOf(features), hidden, activations }
  const settings = { ...PRESETS.reference, embeddingL2: L2, batchSize: BATCH, validation: VALIDATION }
  const sides = { users: tables.users.rows, restaurants: tables.restaurants.rows }
  const shape = { network, ...sides, batchSize: BATCH, threads: 1, purpose: 'train' as const }
  const lead = new CrewLead({ shape, simd: 'relaxed', settings, steps: 10 })
  try {
    await loadFeatures(lead, tables, null)
    await setEmbeddingPenalties(lead, pack, settings)
    const vocabularies = vocabulariesOf(features)
    const seen = new Set<string>()
    let unused = 0
    for (const { embedding, penalties } of lead.arena.embedded!.steps) {
      const { name, codes, slots } = embedding.table
      if (!(name in VALUES_SQL)) continue
      const counts = await countsOf(data, VALUES_SQL[name], slots > 1, vocabularies.get(name))
      const wanted = Float32Array.from({ length: codes }, (_, code) => {
        const count = counts.get(code) ?? 0
        return count > 0 ? L2 / (count * BATCH * (1 - VALIDATION)) : 0
      })
      assert.ok(wanted.some((penalty) => penalty > 0))
      assert.deepEqual(lead.floats(penalties, codes), wanted, name)
      unused += wanted.subarray(2).filter((penalty) => penalty === 0).length
      seen.add(name)
    }
    assert.deepEqual([...seen].toSorted(), Object.keys(VALUES_SQL).toSorted())
    assert.ok(unused > USERS / 5, `${unused} values without clicks`)
  } finally {
    await lead.close()
    await pack.close()
  }
})

/** The values of each feature in the order of their codes; of hours there is no list. */
function vocabulariesOf(features: ReturnType<typeof fittedBy>): Map<string, readonly string[]> {
  const prefixes = { users: 'user', restaurants: 'restaurant', context: 'context' } as const
  return new Map(
    (['users', 'restaurants', 'context'] as const).flatMap((source) =>
      (features[source] ?? []).flatMap((feature) =>
        'values' in feature && feature.values
          ? [[`${prefixes[source]}.${feature.name}`, feature.values.map(String)] as const]
          : [],
      ),
    ),
  )
}

/** In how many clicks each code is, counted by DuckDB: 0 is missing, 1 not in the vocabulary. */
async function countsOf(
  data: string,
  value: string,
  isList: boolean,
  vocabulary: readonly string[] | undefined,
): Promise<Map<number, number>> {
  const values = isList ? `CASE WHEN len(${value}) > 0 THEN ${value} ELSE [NULL] END` : `[${value}]`
  const rows = await query(`
    SELECT v::VARCHAR, count(*)::INT FROM (
      SELECT unnest(${values}) AS v FROM '${join(data, 'train')}/*.parquet'
        JOIN '${join(data, 'user_features.parquet')}' USING (user_id)
        JOIN '${join(data, 'restaurant_features.parquet')}' USING (restaurant_id))
    GROUP BY v`)
  const counts = new Map<number, number>()
  for (const [text, count] of rows as [string | null, number][]) {
    const code = text === null ? 0 : 2 + (vocabulary ? vocabulary.indexOf(text) : Number(text))
    counts.set(code, (counts.get(code) ?? 0) + count)
  }
  return counts
}
