import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { parseRecommendRequest, RecommendBody } from '../../src/ranking/requestBody.ts'

const good = { candidate_restaurant_ids: [3, 1, 2], latitude: 13.8, longitude: 100.5 }

describe('parseRecommendRequest', () => {
  test('without candidates: null, every restaurant within reach', () => {
    const { candidate_restaurant_ids: _, ...where } = good
    assert.equal(parseRecommendRequest(where).candidateRestaurantIds, null)
    assert.deepEqual(
      parseRecommendRequest({ ...where, candidate_restaurant_ids: [] }).candidateRestaurantIds,
      [],
      'an empty list is another thing',
    )
  })

  test('the fields of every load test; the others have the defaults of the API', () => {
    assert.deepEqual(parseRecommendRequest(good), {
      candidateRestaurantIds: [3, 1, 2],
      latitude: 13.8,
      longitude: 100.5,
      size: 20,
      maxDistM: 5000,
      sortByDistance: false,
    })
  })

  test('every field given', () => {
    const body = { ...good, candidate_restaurant_ids: ['a', 7], size: 100, max_dist: 0.5, sort_dist: true }
    assert.deepEqual(parseRecommendRequest(JSON.parse(JSON.stringify(body))), {
      candidateRestaurantIds: ['a', 7],
      latitude: 13.8,
      longitude: 100.5,
      size: 100,
      maxDistM: 0.5,
      sortByDistance: true,
    })
    assert.deepEqual(parseRecommendRequest({ ...good, explain: true }), {
      ...parseRecommendRequest({ ...good, explain: false }),
      explain: true,
    })
  })

  test('null stands for each optional field that is not given', () => {
    const { candidate_restaurant_ids: _, ...where } = good
    const optional = Object.keys(RecommendBody.properties).filter(
      (key) => !(RecommendBody.required as readonly string[]).includes(key),
    )
    assert.equal(optional.length, 6)
    const nothing = Object.fromEntries(optional.map((key) => [key, null]))
    assert.deepEqual(parseRecommendRequest({ ...where, ...nothing }), parseRecommendRequest(where))
    for (const key of optional)
      assert.deepEqual(parseRecommendRequest({ ...where, [key]: null }), parseRecommendRequest(where))
  })

  test('edge values that are allowed', () => {
    for (const part of [
      { candidate_restaurant_ids: [] },
      { candidate_restaurant_ids: [-5, Number.MAX_SAFE_INTEGER] },
      { latitude: -90, longitude: 180 },
      { size: 1 },
      { max_dist: 0 },
      { explain: true, size: 100 },
      { explain: false, size: 101 },
    ])
      assert.doesNotThrow(() => parseRecommendRequest({ ...good, ...part }))
  })

  test('everything else is refused: the field, what is wanted, what was found', () => {
    const { latitude: _, ...noLatitude } = good
    const bad: [unknown, RegExp][] = [
      [null, /the body must be a JSON object, found null/],
      [undefined, /the body must be a JSON object, found undefined/],
      [[good], /the body must be a JSON object, found \[\{/],
      ['{}', /the body must be a JSON object, found "\{\}"/],
      [{}, /latitude is missing: it must be degrees/],
      [noLatitude, /latitude is missing: it must be degrees/],
      [
        { ...good, maxDist: 3 },
        /the fields are candidate_restaurant_ids, .*sort_dist, context, explain, found "maxDist"/,
      ],
      [JSON.parse('{"__proto__": {"latitude": 1}, "longitude": 2}'), /found "__proto__"/],
      [{ ...good, constructor: 1 }, /found "constructor"/],
      [{ ...good, candidate_restaurant_ids: 5 }, /candidate_restaurant_ids must be a list .*, found 5/],
      [
        { ...good, candidate_restaurant_ids: [1, 2.5] },
        /candidate_restaurant_ids\[1\] must be .*, found 2\.5/,
      ],
      [
        { ...good, candidate_restaurant_ids: [2 ** 53] },
        /candidate_restaurant_ids\[0\] .* found 9007199254740992/,
      ],
      [{ ...good, candidate_restaurant_ids: [''] }, /candidate_restaurant_ids\[0\] .* found ""/],
      [{ ...good, candidate_restaurant_ids: [null] }, /candidate_restaurant_ids\[0\] .* found null/],
      [{ ...good, candidate_restaurant_ids: [[1]] }, /candidate_restaurant_ids\[0\] .* found \[1\]/],
      [{ ...good, latitude: '13.8' }, /latitude must be degrees, a number from -90 to 90, found "13\.8"/],
      [{ ...good, latitude: 90.01 }, /latitude .* found 90\.01/],
      [{ ...good, latitude: null }, /latitude is missing: it must be degrees/],
      [{ ...good, longitude: -180.5 }, /longitude .* from -180 to 180, found -180\.5/],
      [
        JSON.parse('{"candidate_restaurant_ids": [], "latitude": 1e999, "longitude": 0}'),
        /latitude .* Infinity/,
      ],
      [{ ...good, size: 0 }, /size must be an integer from 1, found 0/],
      [{ ...good, size: 1.5 }, /size .* found 1\.5/],
      [{ ...good, size: '20' }, /size .* found "20"/],
      [{ ...good, max_dist: -1 }, /max_dist must be metres, a number from 0, found -1/],
      [{ ...good, sort_dist: 1 }, /sort_dist must be true or false, found 1/],
      [{ ...good, sort_dist: 'false' }, /sort_dist .* found "false"/],
      [{ ...good, explain: 1 }, /explain must be true or false, found 1/],
      [{ ...good, explain: true, size: 101 }, /size must be at most 100 with explain, found 101/],
    ]
    for (const [body, message] of bad)
      assert.throws(() => parseRecommendRequest(body), { name: 'NearrankError', code: 'INPUT', message })
  })

  test('it takes what the schema of the documentation takes, and nothing else', () => {
    const schema = Compile(RecommendBody)
    const edge = fc.constantFrom(
      -1,
      -0,
      0.5,
      1,
      90,
      91,
      180,
      -180,
      181,
      1e300,
      2 ** 53 - 1,
      2 ** 53,
      null,
      true,
      'x',
      '',
    )
    const mostly = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: edge })
    const id = mostly(fc.oneof(fc.integer(), fc.string({ minLength: 1, maxLength: 3 })))
    const body = fc.record(
      {
        candidate_restaurant_ids: mostly(
          fc.array(fc.oneof(id, fc.constant('y'.repeat(256))), { maxLength: 4 }),
        ),
        latitude: mostly(fc.double({ min: -90, max: 90, noNaN: true })),
        longitude: mostly(fc.double({ min: -180, max: 180, noNaN: true })),
        size: mostly(fc.integer({ min: 1, max: 200 })),
        max_dist: mostly(fc.double({ min: 0, noNaN: true })),
        sort_dist: mostly(fc.boolean()),
        explain: mostly(fc.boolean()),
        context: mostly(fc.dictionary(fc.string(), fc.integer(), { maxKeys: 2 })),
      },
      { requiredKeys: ['latitude', 'longitude'] },
    )
    const further = fc.tuple(body, fc.string()).map(([known, key]) => Object.assign(known, { [key]: 1 }))
    const taken = { yes: 0, no: 0 }
    fc.assert(
      fc.property(fc.oneof({ weight: 8, arbitrary: body }, further, fc.jsonValue()), (value) => {
        const json: unknown = JSON.parse(JSON.stringify(value))
        const isTaken = isGood(json)
        taken[isTaken ? 'yes' : 'no']++
        assert.equal(isTaken, schema.Check(json), JSON.stringify(json))
      }),
      { numRuns: 5000 },
    )
    assert.ok(taken.yes > 100 && taken.no > 100, JSON.stringify(taken))
  })

  test('a message stays short, whatever was sent', () => {
    for (const body of [
      { ...good, latitude: 'x'.repeat(1e6) },
      { ...good, ['k'.repeat(1e6)]: 1 },
      { ...good, latitude: Array.from({ length: 1e5 }, () => 1) },
      { ...good, candidate_restaurant_ids: Array.from({ length: 1_000_001 }, () => 1) },
    ])
      assert.throws(
        () => parseRecommendRequest(body),
        (error: Error) => error.message.length < 400,
      )
  })
})

function isGood(json: unknown): boolean {
  try {
    parseRecommendRequest(json)
    return true
  } catch {
    return false
  }
}
