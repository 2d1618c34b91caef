import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRecommendRequest } from '../../src/ranking/requestBody.ts'
import { type ReadRequest, RequestReader } from '../../src/ranking/requestReader.ts'

const reader = new RequestReader()
const KEY = 'candidate_restaurant_ids'
const WHERE = '"latitude":13.5,"longitude":100.5'

/** What comes of a text, or the error's name and message. */
function outcome(read: () => { candidateRestaurantIds: unknown }): unknown {
  try {
    const { candidateRestaurantIds: ids, ...rest } = read()
    return { ...rest, ids: ids && Array.from(ids as ArrayLike<unknown>) }
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

function assertAsParsed(text: string): void {
  const expected = outcome(() => parseRecommendRequest(JSON.parse(text)))
  assert.deepEqual(
    outcome(() => reader.read(Buffer.from(text), 'utf8')),
    expected,
    text,
  )
  const isAscii = Buffer.byteLength(text) === text.length
  if (isAscii)
    assert.deepEqual(
      outcome(() => reader.read(Buffer.from(text), 'latin1')),
      expected,
      text,
    )
}

test('a plain list comes as integers, with and without spaces, wherever it stands', () => {
  for (const text of [
    `{"${KEY}":[3,0,999999999],${WHERE}}`,
    `{${WHERE},"${KEY}": [3, 0, 999999999]}`,
    `{ ${WHERE} , "${KEY}" :[ 3,0,999999999],"size":7}`,
  ]) {
    const { candidateRestaurantIds: ids, ...rest } = reader.read(Buffer.from(text), 'latin1')
    assert.deepEqual(ids, Int32Array.of(3, 0, 999_999_999), text)
    const { candidateRestaurantIds: _, ...expected } = parseRecommendRequest(JSON.parse(text))
    assert.deepEqual(rest, expected)
  }
})

test('a list with larger integers, of at most 15 digits, comes as float64s', () => {
  for (const list of ['3,999999999999999,7', '1000000000', '4206210690, 0, 12', '999999999,9999999999']) {
    const text = `{"${KEY}":[${list}],${WHERE},"context":{"device":"ios"}}`
    const { candidateRestaurantIds: ids, ...rest } = reader.read(Buffer.from(text), 'latin1')
    assert.deepEqual(ids, Float64Array.from(JSON.parse(`[${list}]`) as number[]), text)
    const { candidateRestaurantIds: _, ...expected } = parseRecommendRequest(JSON.parse(text))
    assert.deepEqual(rest, expected)
  }
  for (let digits = 1; digits <= 17; digits++) {
    assertAsParsed(`{"${KEY}":[1,${'9'.repeat(digits)},2],${WHERE}}`)
    assertAsParsed(`{"${KEY}":[${'1234567890'.repeat(2).slice(0, digits)}, 5],${WHERE}}`)
    assertAsParsed(`{"${KEY}":[0${'9'.repeat(digits)}],${WHERE}}`)
  }
})

test('any list of integers is read as JSON.parse does, and after any other', () => {
  const integer = fc.oneof(fc.nat(99), fc.nat(), fc.maxSafeInteger().map(Math.abs), fc.maxSafeInteger())
  fc.assert(
    fc.property(fc.array(integer, { maxLength: 40 }), fc.constantFrom(',', ', '), (ids, comma) => {
      assertAsParsed(`{"${KEY}":[${ids.join(comma)}],${WHERE}}`)
    }),
    { numRuns: 2000 },
  )
})

test('long lists', () => {
  for (const [length, step] of [
    [1023, 7],
    [1024, 7],
    [1025, 7],
    [100_000, 7],
    [1025, 2 ** 28 + 1],
    [100_000, 2 ** 28 + 1],
  ]) {
    const wanted = Array.from({ length }, (_, i) => i * step)
    const { candidateRestaurantIds } = reader.read(
      Buffer.from(`{"${KEY}":${JSON.stringify(wanted)},${WHERE}}`),
      'latin1',
    )
    assert.deepEqual(Array.from(candidateRestaurantIds ?? []), wanted)
  }
})

test('what is not plain, and what is wrong, comes out as from JSON.parse', () => {
  const lists = `[] [ ] [1~] [1,] [,1] [1,,2] [1 [1} [01] [00] [-1] [1.5] [1e3] [1000000000] [2147483648]
    [9007199254740993] ["1"] [null] [[1]] [1]] [1\t,2] [1\n] [~1,~~2] 0 -1 null "[1]" {"a":[1]} [+1] [١] [1], [1]~,"size":0
    [1]e5 [1].0 [1]1 [1]" [1]"" ""`
  for (const list of lists.split(/ +|\n +/).map((one) => one.replaceAll('~', ' '))) {
    assertAsParsed(`{"${KEY}":${list},${WHERE}}`)
    assertAsParsed(`{${WHERE},"${KEY}":${list}}`)
  }
  for (const text of [
    `{"${KEY}":[1],"${KEY}":[2],${WHERE}}`,
    `{"${KEY}":[1],"${KEY}":[],${WHERE}}`,
    `{"${KEY}":[1],"${KEY}":0,${WHERE}}`,
    `{"${KEY}":0,"${KEY}":[1],${WHERE}}`,
    `{"${KEY}":"","${KEY}":[1],${WHERE}}`,
    `{"${KEY}":[1],"${KEY}":"",${WHERE}}`,
    String.raw`{"${KEY}":[1],"\u0063andidate_restaurant_ids":[2],${WHERE}}`,
    String.raw`{"${KEY}":[1],"\u0063andidate_restaurant_ids":"",${WHERE}}`,
    `{"x":{"${KEY}":[1]},${WHERE}}`,
    `{"x":{"${KEY}":[1]},"y":0,${WHERE}}`,
    `[{"${KEY}":[1],${WHERE}}]`,
    `{"__proto__":{"${KEY}":[1]},${WHERE}}`,
    String.raw`{"size\"":"${KEY}",${WHERE}}`,
    String.raw`{"x":"\"${KEY}\":[1]",${WHERE}}`,
    `{"x":"ü","${KEY}":[1],${WHERE}}`,
    `{"${KEY}":[1],"latitude":91,"longitude":0}`,
    `{"${KEY}":[1]`,
    `"${KEY}":[1]`,
    `{"${KEY}"`,
    `{"${KEY}":`,
  ])
    assertAsParsed(text)
})

test('any change of a few characters comes out as from JSON.parse', () => {
  const valid = `{"${KEY}":[12, 7,3012345678],${WHERE},"size":5,"max_dist":7e3,"context":{"a":"b c","t":[1]}}`
  const piece = fc.oneof(
    fc.constantFrom(...Array.from('0123456789,.:-+eE[]{}" \\\n')),
    fc.constantFrom(KEY, 'null', '[1]', '00', 'é'),
  )
  const edit = fc.record({ at: fc.nat(valid.length), cut: fc.nat(3), piece })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = valid
      for (const { at, cut, piece: put } of edits) text = text.slice(0, at) + put + text.slice(at + cut)
      assertAsParsed(text)
    }),
    { numRuns: 20_000 },
  )
})

test('the request of one call is not changed by how long the one before was', () => {
  const ask = (ids: number[]): ReadRequest['candidateRestaurantIds'] =>
    reader.read(Buffer.from(`{"${KEY}":[${ids.join()}],${WHERE}}`), 'latin1').candidateRestaurantIds
  ask([1, 2, 3, 4, 5])
  assert.deepEqual(ask([9]), Int32Array.of(9))
})
