import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RowEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import type { FeatureSpec } from '../../src/features/featureSpec.ts'
import { rowShape } from '../../src/features/rowShape.ts'
import type { RawValue } from '../../src/features/values.ts'

// docs/features.md tells other programs how to encode rows. This is the same in TypeScript, line by line,
// with nothing of src/features.

interface Fitted {
  name: string
  kind: string
  missing?: { value: number; values: number[]; flag: boolean }
  parts?: string[]
  zone?: string
  values?: string[]
  buckets?: number
  maxValues?: number
  sizesM?: number[]
  clip?: [number, number]
  scale?: string
  knots?: number[]
}

type Value = null | undefined | number | string | boolean | Value[]

interface Encoded {
  numbers: number[]
  codes: number[]
}

function fnv1a(word: string): number {
  let code = 0x811c9dc5n
  for (const byte of new TextEncoder().encode(word))
    code = ((code ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn
  return Number(code)
}

const isGone = (value: Value) => value === null || value === undefined || Number.isNaN(value)

function encode(feature: Fitted, value: Value): Encoded {
  const { kind, missing } = feature
  const gone = isGone(value)
  const flag = missing?.flag ? [Number(gone)] : []
  if (kind === 'number')
    return { numbers: [scaled(feature, gone ? missing!.value : Number(value)), ...flag], codes: [] }
  if (kind === 'vector')
    return { numbers: [...(gone ? missing!.values : (value as number[])), ...flag], codes: [] }
  if (kind === 'time') {
    const parts = feature.parts!
    const clock = new Date(gone ? 0 : (value as number)).toLocaleString('sv', {
      timeZone: feature.zone ?? 'UTC',
    })
    const [year, month, day, hour] = clock.split(/[- :]/)
    const midnight = new Date(`${year}-${month}-${day}`)
    const weekday = (midnight.getUTCDay() + 6) % 7 // of a Date, 0 is Sunday
    const part: Record<string, number> = { hour: Number(hour), weekday, month: Number(month) - 1 }
    const days = [gone ? missing!.value : (value as number) / 86_400_000, ...flag]
    return {
      numbers: parts.includes('days') ? days : [],
      codes: parts.filter((name) => name !== 'days').map((name) => (gone ? 0 : 2 + part[name])),
    }
  }
  if (kind === 'cell') {
    const place = gone || (value as Value[]).some(isGone) ? null : (value as [number, number])
    const codeOf = (size: number) => (place === null ? 0 : 2 + (cell(...place, size) % feature.buckets!))
    return { numbers: [], codes: feature.sizesM!.map(codeOf) }
  }
  let codes: number[]
  if (kind === 'text') {
    const words = gone
      ? []
      : (String(value)
          .toLowerCase()
          .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [])
    codes = words.map((word) => 2 + (fnv1a(word) % feature.buckets!))
  } else {
    const listed = gone ? [] : (value as Value[])
    const items = kind === 'category' ? [value] : listed
    codes = items
      .filter((one) => !isGone(one))
      .map((one) => {
        if (feature.buckets) return 2 + (fnv1a(String(one)) % feature.buckets)
        return feature.values!.includes(String(one)) ? 2 + feature.values!.indexOf(String(one)) : 1
      })
  }
  const slots = feature.maxValues ?? 1
  return { numbers: [], codes: [...codes, ...Array<number>(slots).fill(0)].slice(0, slots) }
}

function scaled({ clip = [-Infinity, Infinity], scale, knots = [] }: Fitted, raw: number): number {
  const value = Math.min(clip[1], Math.max(clip[0], Math.fround(raw)))
  if (scale === 'log') return Math.sign(value) * Math.log1p(Math.abs(value))
  if (scale !== 'rank') return value
  const last = knots.length - 1
  const same = knots.flatMap((knot, i) => (knot === value ? [i] : []))
  if (same.length > 0) return (same[0] + same[same.length - 1]) / 2 / last
  const above = knots.findIndex((knot) => knot > value)
  if (above <= 0) return above === 0 ? 0 : 1
  return (above - 1 + (value - knots[above - 1]) / (knots[above] - knots[above - 1])) / last
}

function cell(latitude: number, longitude: number, size: number): number {
  const height = size / 111_195
  const row = Math.floor((latitude + 90) / height)
  const middle = Math.min((row + 0.5) * height - 90, 89.9)
  const columns = Math.max(1, Math.floor((360 * Math.cos((middle * Math.PI) / 180)) / height + 0.5))
  const turns = (longitude + 180) / 360
  const column = Math.floor((turns - Math.floor(turns)) * columns)
  const bits = (value: bigint) => value & 0xffffffffn
  let h = bits((BigInt(row) * 0x9e3779b1n) ^ BigInt(column))
  h = bits((h ^ (h >> 16n)) * 0x85ebca6bn)
  h = bits((h ^ (h >> 13n)) * 0xc2b2ae35n)
  return Number(h ^ (h >> 16n))
}

function encodeRow(features: FeatureSpec[], row: Value[]): Encoded {
  const parts = features.map((feature, i) => encode(feature as Fitted, row[i]))
  return {
    numbers: parts.flatMap(({ numbers }) => numbers),
    codes: parts.flatMap(({ codes }) => codes),
  }
}

const FEATURES: FeatureSpec[] = [
  { name: 'likes', kind: 'categories', values: ['a', '3', 'true', 'ไทย'], dim: 4, maxValues: 3 },
  { name: 'age', kind: 'number', missing: { value: 2.5, flag: true } },
  { name: 'weight', kind: 'number', missing: { value: 7, flag: false }, clip: [-9, 9], scale: 'log' },
  { name: 'size', kind: 'number', scale: 'rank', knots: [-3, 0, 0, 0.7, 0.7, 1, 1e30].map(Math.fround) },
  { name: 'brand', kind: 'category', values: [], buckets: 7, dim: 4 },
  { name: 'city', kind: 'category', values: ['', 'a', 'false', '7', '-2'], dim: 4 },
  { name: 'taste', kind: 'vector', length: 2, missing: { values: [0.5, -1], flag: true } },
  { name: 'menu', kind: 'text', buckets: 1000, dim: 4, maxValues: 4 },
  {
    name: 'joined',
    kind: 'time',
    parts: ['month', 'days', 'weekday', 'hour'],
    dim: 4,
    missing: { value: 19_000, flag: true },
  },
  { name: 'home', kind: 'cell', sizesM: [500, 10_000], buckets: 997, dim: 4 },
  { name: 'seen', kind: 'time', parts: ['hour'], dim: 4, missing: { value: 1, flag: true } },
  {
    name: 'local',
    kind: 'time',
    parts: ['weekday', 'hour', 'month'],
    zone: 'America/New_York',
    dim: 4,
    missing: { value: 1, flag: false },
  },
]

const scalar = fc.constantFrom<Value>('a', '', '3', 3, 7, -2, true, false, 'ไทย', 'never seen', 'false')
const absent = fc.constantFrom<Value>(null, Number.NaN)
const float = fc.float({ noNaN: true, noDefaultInfinity: true })
const words = fc.array(
  fc.constantFrom('Tom', 'YUM', 'pad_thai', 'ก๋วยเตี๋ยว', 'Straße', 'Éclair', '2nd', '½', ',', '!', '日本'),
)
const time = fc.integer({ min: Date.UTC(1901, 0, 1), max: Date.UTC(2199, 0, 1) })

const degrees = (bound: number) => fc.double({ min: -bound, max: bound, noNaN: true })

const row = fc.tuple(
  fc.oneof(fc.constant(null), fc.array(fc.oneof(scalar, absent), { maxLength: 6 })),
  fc.oneof(absent, float),
  fc.oneof(absent, float),
  fc.oneof(float, fc.double({ noNaN: true, min: -4, max: 4 }), fc.constantFrom(-3, 0, 1, 0.5, 0.7)),
  fc.oneof(absent, scalar),
  fc.oneof(absent, scalar),
  fc.oneof(fc.constant(null), fc.array(float, { minLength: 2, maxLength: 2 })),
  fc.oneof(
    fc.constant(null),
    words.map((all) => all.join(' ')),
  ),
  fc.oneof(absent, time),
  fc.oneof(fc.constant(null), fc.constant([null, 7]), fc.tuple(degrees(90), degrees(180))),
  fc.oneof(absent, time),
  fc.oneof(absent, time),
) as fc.Arbitrary<Value[]>

/** What Nearrank itself makes of a row. */
function own(values: Value[]): Encoded {
  const { numbers, words: width } = rowShape(FEATURES)
  const encoded = wordsOf(new Float32Array(width))
  assert.equal(new RowEncoder(FEATURES).encodeInto(encoded, 0, values as RawValue[]), undefined)
  return { numbers: [...encoded.f32.subarray(0, numbers)], codes: [...encoded.u32.subarray(numbers)] }
}

const rounded = ({ numbers, codes }: Encoded): Encoded => ({ numbers: numbers.map(Math.fround), codes })

test('the encoder of docs/features.md, transcribed, encodes every row as Nearrank does', () => {
  fc.assert(
    fc.property(row, (values) => assert.deepEqual(rounded(encodeRow(FEATURES, values)), own(values))),
    { numRuns: 2000 },
  )
})

const zones = 'from zoneinfo import ZoneInfo; ZoneInfo("America/New_York")'
const hasPython = spawnSync('python3', ['-c', zones]).status === 0

test('the encoder of docs/features.md itself does too', {
  skip: !hasPython && 'there is no python3 with time zones',
}, () => {
  const page = readFileSync(new URL('../../docs/features.md', import.meta.url), 'utf8')
  const [, code] = /```python\n(.*?)```/s.exec(page)!
  const rows = fc.sample(row, { numRuns: 500, seed: 1 })
  const names = FEATURES.map(({ name }) => name)
  // JSON has no NaN; Python reads it all the same.
  const input = JSON.stringify([FEATURES, rows], (_, value: unknown) =>
    typeof value === 'number' && Number.isNaN(value) ? '<NaN>' : value,
  ).replaceAll('"<NaN>"', 'NaN')
  const program = `${code}
import json, sys
features, rows = json.load(sys.stdin)
print(json.dumps([encode_row(features, dict(zip(${JSON.stringify(names)}, row))) for row in rows]))`
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program], { input, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const found = JSON.parse(stdout) as [number[], number[]][]
  for (const [i, [numbers, codes]] of found.entries()) {
    const wanted = own(rows[i])
    wanted.numbers = wanted.numbers.map((number) => number + 0) // nor has it a −0
    assert.deepEqual(rounded({ numbers, codes }), wanted, JSON.stringify(rows[i]))
  }
})
