import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FeatureCollection, Position } from 'geojson'
import { loadBackground } from '../../../src/console/explore/map/background.ts'
import { flatLand } from '../../../src/console/explore/map/flatLand.ts'
import { formatDistance } from '../../../src/console/explore/formatDistance.ts'
import { colourStep, COLOUR_STEPS, rangeOf, scoreColour } from '../../../src/console/explore/scoreColours.ts'
import { samePlacesBefore } from '../../../src/console/explore/samePlacesBefore.ts'
import { middleOf } from '../../../src/console/explore/middleOf.ts'

/** Relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

describe('colours of scores', () => {
  const colours = Array.from({ length: COLOUR_STEPS }, (_, i) =>
    scoreColour(i, { low: 0, high: COLOUR_STEPS - 1 }),
  )

  test('a higher score is darker, to every eye, and its number can be read', () => {
    assert.equal(new Set(colours.map(({ fill }) => fill)).size, COLOUR_STEPS)
    const lights = colours.map(({ fill }) => luminance(fill))
    assert.deepEqual(
      lights,
      lights.toSorted((a, b) => b - a),
    )
    for (const { fill, ink } of colours) {
      const [dark, light] = [luminance(fill), luminance(ink)].toSorted((a, b) => a - b)
      assert.ok((light + 0.05) / (dark + 0.05) >= 4.5, `${ink} on ${fill}`)
    }
  })

  test('a colour is the place of a score within what is shown', () => {
    const range = rangeOf([0.2, 0.9, 0.4])
    assert.deepEqual(range, { low: 0.2, high: 0.9 })
    assert.deepEqual(
      [0.2, 0.55, 0.9].map((score) => colourStep(score, range)),
      [0, 3, COLOUR_STEPS - 1],
    )
    assert.equal(colourStep(0.5, rangeOf([0.5, 0.5])), COLOUR_STEPS - 1)
    assert.deepEqual(rangeOf([]), { low: 0, high: 1 })
  })
})

describe('land on a flat map', () => {
  const longestStep = (rings: Position[][]) =>
    Math.max(
      ...rings.flatMap((ring) => ring.slice(1).map(([longitude], i) => Math.abs(longitude - ring[i][0]))),
    )

  test('what crosses the 180th meridian is drawn on both sides, and a hole stays within', () => {
    const square = [
      [-170, 10],
      [170, 10],
      [170, 30],
      [-170, 30],
      [-170, 10],
    ]
    const hole = square.map(([longitude, latitude]) => [longitude < 0 ? -178 : 178, 15 + (latitude - 10) / 4])
    const land: FeatureCollection = {
      type: 'FeatureCollection',
      features: [
        { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [square, hole] } },
      ],
    }
    const { coordinates } = flatLand(land).geometry
    const spans = coordinates.map((rings) =>
      rings.map((ring) => [Math.min(...ring.map(([one]) => one)), Math.max(...ring.map(([one]) => one))]),
    )
    assert.deepEqual(spans, [
      [
        [-190, -170],
        [-182, -178],
      ],
      [
        [170, 190],
        [178, 182],
      ],
    ])
  })

  test('nothing of the land that ships goes across the map, but Antarctica along its pole', async () => {
    const { land, borders } = await loadBackground()
    const { coordinates } = land.geometry
    assert.ok(coordinates.length > 1000)
    const across = coordinates.filter((rings) => longestStep(rings) > 180)
    assert.equal(across.length, 1)
    assert.ok(across[0][0].some(([, latitude]) => latitude === -90))
    assert.ok(borders.coordinates.flat().length > 5000)
    assert.ok(longestStep(borders.coordinates) < 180)
  })
})

test('places are the same if their pins would cover each other at any zoom', () => {
  const at = (latitude: number, longitude: number) => ({ latitude, longitude })
  const places = [at(1, 2), at(1, 3), at(1.00001, 2), at(1.001, 2), at(1, 1.99999)]
  assert.deepEqual(samePlacesBefore(places), [0, 0, 1, 0, 2])
})

test('distances read as people say them', () => {
  const texts = [0, 4, 613, 994, 995, 1049, 12_340, 99_940, 99_960, 1_234_567].map(formatDistance)
  assert.deepEqual(texts, [
    '0 m',
    '0 m',
    '610 m',
    '990 m',
    '1.0 km',
    '1.0 km',
    '12.3 km',
    '99.9 km',
    '100 km',
    '1235 km',
  ])
})

test('the map begins near the restaurant in the middle of most', () => {
  const at = (latitude: number, longitude: number) => ({ latitude, longitude })
  assert.deepEqual(middleOf([at(13.748, 100.511), at(13.8, 100.6), at(13.7, 100.4), at(-80, 10)]), {
    latitude: 13.75,
    longitude: 100.51,
  })
  assert.equal(middleOf([]), undefined)
})
