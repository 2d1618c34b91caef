import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ColumnEncoders } from '../../src/dataset/tables/columnEncoders.ts'
import { NO_ROW } from '../../src/dataset/tables/idIndex.ts'
import { TextCodes } from '../../src/dataset/tables/textCodes.ts'
import { sqlText, withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import { featureEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import type { FeatureSpec } from '../../src/features/featureSpec.ts'
import { Random } from '../../src/random.ts'

const ODD = [
  '',
  ' ',
  'a',
  'a\0', // bytes behind it are zeros, too
  'twelve bytes',
  'more than twelve',
  'more than twelve, too',
  'ก๋วยเตี๋ยว',
  'ไทย',
  '🍜🍜🍜',
  '🍜🍜🍜🍜',
  '\uFFFD', // what a lone half would be replaced by
  '\uFEFFa', // which is read as a
  '\uFEFF\uFEFFb', // which is read as the next
  '\uFEFFb',
]

/** Calls `use` with a vector of texts, as it comes from a file. */
async function withTexts(
  texts: readonly (string | null)[],
  use: (vector: Parameters<TextCodes['codesOf']>[0], decoded: (string | null)[]) => void,
): Promise<void> {
  await withDuckDb({}, async (connection) => {
    const rows = texts.map((text, i) => `(${i}, ${text === null ? 'NULL' : literal(text)})`).join(', ')
    const result = await connection.run(`SELECT t::VARCHAR FROM (VALUES ${rows}) v(i, t) ORDER BY i`)
    const chunk = result.getChunk(0)
    const vector = chunk.getColumnVector(0)
    use(
      vector,
      texts.map((_, i) => vector.getItem(i) as string | null),
    )
  })
}

function literal(text: string): string {
  return text
    .split('\0')
    .map((part) => sqlText(part))
    .join(' || chr(0) || ')
}

test('codes by bytes are those that the encoder gives for the text, whatever the text', async () => {
  const random = new Random(7)
  const letters = ['a', 'b', 'é', '🍜', ' ']
  const some = () => Array.from({ length: random.below(20) }, () => letters[random.below(5)]).join('')
  const known = [...new Set([...ODD, '\uD800', ...Array.from({ length: 800 }, some)])]
  const asked = [...ODD, ...Array.from({ length: 1200 }, () => known[random.below(known.length)])]
    .filter((text) => text.isWellFormed())
    .concat(Array.from({ length: 300 }, some))
  const texts = asked.map((text) => (random.below(10) === 0 ? null : text))
  const vocabulary = known.filter((_, i) => i % 3 > 0)
  const feature: FeatureSpec = { name: 'x', kind: 'category', values: vocabulary, dim: 4 }
  await withTexts(texts, (vector, decoded) => {
    const rows = texts.length
    const block = new Uint32Array(rows)
    assert.equal(new ColumnEncoders([feature], block).encode([vector], 0, rows, 0), undefined)
    const one = new Uint32Array(1)
    const { encode } = featureEncoder(feature)
    const wanted = decoded.map((text) => {
      assert.equal(encode(text, wordsOf(one), 0, 0), undefined)
      return one[0]
    })
    assert.deepEqual([...block], wanted)
    assert.ok(new Set(wanted).size > 300)
    const part = new Uint32Array(50)
    new ColumnEncoders([feature], part).encode([vector], 100, 150, 0)
    assert.deepEqual([...part], wanted.slice(100, 150))
  })
})

test('short known values are found by their bytes alone; others are left to the encoder', async () => {
  const values = ['thai', 'more than twelve', 'ไทย', '\uD800', '\uFEFFa']
  const texts = ['ไทย', 'more than twelve', 'thai', 'thai ', 'Thai', '', '\uFFFD', '\uFEFFa']
  await withTexts(texts, (vector) => {
    const found = new TextCodes(values).codesOf(vector, 0, texts.length)
    assert.deepEqual(
      [...found.subarray(0, texts.length)],
      [4, NO_ROW, 2, NO_ROW, NO_ROW, NO_ROW, NO_ROW, NO_ROW],
    )
  })
})
