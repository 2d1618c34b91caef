import * as fc from 'fast-check'
import { type Activation, linearLayers, type Network, type StateDict } from '../../src/model/network.ts'
import type { Random } from '../../src/random.ts'
import { Ranker, type RankerOptions } from '../../src/ranking/ranker.ts'

export const REFERENCE: Network = {
  userFeatures: 30,
  restaurantFeatures: 10,
  hidden: [256, 128],
  activations: ['none', 'relu'],
}

/** Numbers from `min` to `max`, evenly: `fc.double` draws bits, so that most are tiny. */
export function uniform(min: number, max: number): fc.Arbitrary<number> {
  return fc.nat({ max: 0x7fffffff }).map((drawn) => min + ((max - min) * drawn) / 0x7fffffff)
}

/** Any small network, from a single layer to six. */
export const network = fc
  .array(fc.record({ units: fc.integer({ min: 1, max: 9 }), activation: fc.constantFrom('none', 'relu') }), {
    maxLength: 5,
  })
  .chain((hidden) =>
    fc.record({
      userFeatures: fc.integer({ min: 1, max: 6 }),
      restaurantFeatures: fc.integer({ min: 1, max: 4 }),
      hidden: fc.constant(hidden.map(({ units }) => units)),
      activations: fc.constant(hidden.map(({ activation }): Activation => activation)),
    }),
  )

/** Normal weights, such that no layer's outputs grow. */
export function normalWeights(net: Network, random: Random): StateDict {
  const weights: StateDict = new Map()
  for (const { name, inputs, outputs } of linearLayers(net)) {
    const scale = inputs ** -0.5
    weights.set(`${name}.weight`, {
      shape: [outputs, inputs],
      data: normals(random, inputs * outputs, scale),
    })
    weights.set(`${name}.bias`, { shape: [outputs], data: normals(random, outputs, scale) })
  }
  return weights
}

export function normals(random: Random, length: number, scale: number): Float32Array {
  return Float32Array.from({ length }, () => scale * random.normal())
}

/** Logit = user feature + 2 · restaurant feature. */
export function tiny(): RankerOptions {
  return {
    network: { userFeatures: 1, restaurantFeatures: 1, hidden: [], activations: [] },
    weights: new Map([
      ['model.0.weight', { shape: [1, 2], data: Float32Array.of(1, 2) }],
      ['model.0.bias', { shape: [1], data: Float32Array.of(0) }],
    ]),
    restaurantFeatures: Float32Array.of(-1, 1, 0),
    latitude: Float64Array.of(0, 2, 3),
    longitude: Float64Array.of(0, 0, 0),
    idOf: (row) => `place ${row}`,
  }
}

/** Restaurants north of 0°, 0°, one each 0.01° (1,112 m), with a logit that is the larger the farther. */
export function street(restaurants: number): Ranker {
  return new Ranker({
    network: tiny().network,
    weights: tiny().weights,
    restaurantFeatures: Float32Array.from({ length: restaurants }, (_, row) => row),
    latitude: Float64Array.from({ length: restaurants }, (_, row) => 0.01 * row),
    longitude: new Float64Array(restaurants),
  })
}
