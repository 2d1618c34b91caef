import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Type as TypeBox } from 'typebox'
import { Value } from 'typebox/value'
import { compiled, fits, misfits, Type } from '../src/schema.ts'

/** What an object of each kind may be, made by one set of builders. */
function schemas(T: typeof Type) {
  const text = T.String({ minLength: 1, description: 'a word' })
  const pair = T.Tuple([T.Number(), T.Number({ minimum: 0 })])
  const one = T.Object({ a: T.Integer({ minimum: 1 }), b: T.Optional(T.Null()) })
  const none = T.Object({ maybe: T.Optional(T.Boolean()) }, { additionalProperties: false })
  return {
    text,
    pair,
    one,
    none,
    empty: T.Object({}),
    again: T.Object({ ...one.properties, c: T.Optional(T.Unsafe<number[]>(T.Array(T.Number()))) }),
    list: T.Array(text, { minItems: 1, uniqueItems: true }),
    choice: T.Enum(['x', 'y'], { description: 'x or y' }),
    either: T.Union([T.Literal('a'), T.Literal(3), T.Literal(false), one], { description: 'one of them' }),
    byName: T.Record(T.String(), T.Union([T.Null(), none]), { maxProperties: 2 }),
    byPattern: T.Record(T.String({ pattern: '^a' }), T.Integer(), { additionalProperties: false }),
    anything: T.Unknown({ description: 'whatever' }),
    flag: T.Optional(T.Boolean({ description: 'true or false' })),
    even: T.Refine(T.Unknown({ description: 'even' }), (value) => Number(value) % 2 === 0),
    odd: T.Refine(
      T.Integer(),
      (value) => value % 2 === 1,
      () => 'must be odd',
    ),
    maybeEven: T.Object({ n: T.Optional(T.Refine(T.Number(), (value) => value % 2 === 0)) }),
  }
}

const VALUES = [
  [undefined, null, true, false, 0, 1, -1, 2.5, 3, 4, NaN, '', 'a', 'x', 'y', [], [1], [1, 2], [1, -2]],
  [[1, 2, 3], ['a'], ['a', 'a'], {}, { a: 1 }, { a: 0 }, { a: 1, b: null }, { a: 1, b: 2 }, { b: null }],
  [{ maybe: true }, { maybe: 1 }, { other: 1 }, { x: null, y: { maybe: false } }, { x: { other: 1 } }],
  [{ a: 1, c: [1] }, { a: 1, c: ['x'] }, { n: 2 }, { n: 3 }, { n: 'x' }, { x: null, y: null, z: null }],
].flat()

describe('schema', () => {
  const ours = schemas(Type)
  const theirs = schemas(TypeBox)
  const names = Object.keys(ours) as (keyof typeof ours)[]

  test('every builder makes the JSON Schema of typebox, its keys in the same order', () => {
    for (const name of names) assert.equal(JSON.stringify(ours[name]), JSON.stringify(theirs[name]), name)
    assert.deepEqual(
      Object.keys(Type).filter((builder) => !new RegExp(`T\\.${builder}\\b`).test(schemas.toString())),
      [],
      'every builder is compared',
    )
  })

  test('values fit the same schemas, and what is wrong with the others is the same', () => {
    for (const name of names) {
      const isOne = compiled(ours[name])
      let fitting = 0
      for (const value of VALUES) {
        const wanted = Value.Check(theirs[name], value)
        const what = `${name}: ${JSON.stringify(value)}`
        assert.equal(fits(ours[name], value), wanted, what)
        assert.equal(isOne(value), wanted, `${what}, compiled`)
        assert.deepEqual(misfits(ours[name], value), Value.Errors(theirs[name], value), what)
        fitting += Number(wanted)
      }
      assert.ok(fitting > 0, `${name}: no value fits`)
      if (name !== 'anything') assert.ok(fitting < VALUES.length, `${name}: every value fits`)
    }
  })
})
