import { ORDER_MEASURES, OrderMeasurer } from '../../../metrics/orderMeasures.ts'
import { Random } from '../../../random.ts'
import { overlapOf } from './clickModel.ts'
import { STREAMS } from './draw.ts'
import { KINDS, type Kind, OVERLAPS, SHOWN } from './effects.ts'
import type { Mixture } from './mixtures.ts'
import { addNdcg, addRow, type Ceiling, ceilingOf, TALLY } from './tally.ts'
import { EFFECTS, GENDER_EFFECT, TIME_EFFECT, type World } from './world.ts'

/**
 * The best that predictors achieve on the test rows, on average over the clicks that could be drawn; NDCG@10
 * on those that were.
 */
export interface Ceilings {
  all: Ceiling // of one who knows every probability
  drawn: Ceiling // of the same one, on the clicks that were drawn
  /**
   * Of one who knows every term of the logit but that of one kind, and of this one only how it is
   * distributed: the mean of σ(rest + term) over the term's mixture, given the price level or the cuisines if
   * it depends on them. That is the best prediction from the other terms, because clicks are generated so
   * that the terms are otherwise independent. A model could learn a little more about the one it lacks, such
   * as what a user likes from the user's other clicks; that is left out.
   */
  without: Record<Kind, Ceiling>
}

const PREDICTORS = 2 + KINDS.length // all, drawn, without each kind
const REQUESTS = PREDICTORS * TALLY // how many have a click
export const CEILING_TALLIES = REQUESTS + 1
const NDCG10 = ORDER_MEASURES.indexOf('ndcg10')

const SAMPLE_USERS = 4096

/** Adds up what predictors achieve, row by row. */
export class CeilingMeter {
  readonly tallies = new Float64Array(CEILING_TALLIES)
  readonly #world: World
  readonly #mixtures: Record<Kind, Mixture>
  readonly #inOrder: Mixture[] // of KINDS
  readonly #liked: Int32Array // [SAMPLE_USERS]
  readonly #measurer = new OrderMeasurer()
  readonly #measures = new Float64Array(ORDER_MEASURES.length)
  // Of the request at hand: what each predictor expects of each row, and which were clicked.
  readonly #predicted = Array.from({ length: PREDICTORS }, () => new Float32Array(SHOWN))
  readonly #clicks = new Uint8Array(SHOWN)
  #rows = 0
  readonly #overlapWeights = new Map<number, Float64Array>() // by set of cuisines

  constructor(world: World, mixtures: Record<Kind, Mixture>) {
    const random = new Random(world.seed, STREAMS.userSample)
    const { users, userTickets } = world
    this.#world = world
    this.#mixtures = mixtures
    this.#inOrder = KINDS.map((kind) => mixtures[kind])
    this.#liked = Int32Array.from(
      { length: SAMPLE_USERS },
      () => users.liked[userTickets[random.below(userTickets.length)]],
    )
  }

  /** Adds a row: the terms of its logit in the order of `KINDS`, what is shown, 1 if it was clicked. */
  add(terms: Float64Array, logit: number, restaurant: number, click: number): void {
    const { tallies } = this
    const row = this.#rows++
    this.#clicks[row] = click
    const p = 1 / (1 + Math.exp(-logit))
    addRow(tallies, 0, p, p)
    addRow(tallies, TALLY, p, click)
    this.#predicted[0][row] = p
    this.#predicted[1][row] = p
    this.#placeInto(restaurant)
    const price = this.#world.restaurants.prices[restaurant]
    for (let kind = 0; kind < KINDS.length; kind++) {
      const { weights, factors, byPrice } = this.#inOrder[kind]
      const at = byPrice ? price * weights.length : 0
      const predicted = meanProbability(weights, factors, at, Math.exp(terms[kind] - logit))
      addRow(tallies, (2 + kind) * TALLY, predicted, p)
      this.#predicted[2 + kind][row] = predicted
    }
  }

  /** The rows added since the last call were one request. */
  endRequest(): void {
    const end = this.#rows
    this.#rows = 0
    const clicks = this.#clicks
    let clicked = 0
    for (let row = 0; row < end; row++) clicked += clicks[row]
    if (clicked === 0) return
    this.tallies[REQUESTS]++
    for (let i = 0; i < PREDICTORS; i++) {
      this.#measures.fill(0)
      this.#measurer.add(this.#measures, 0, this.#predicted[i], { clicks, start: 0, end, clicked })
      addNdcg(this.tallies, i * TALLY, this.#measures[NDCG10])
    }
  }

  /** Puts into the mixtures what depends on the restaurant. */
  #placeInto(restaurant: number): void {
    const { effects, restaurants } = this.#world
    const { time, gender, overlap } = this.#mixtures
    const at = restaurant * EFFECTS
    for (let i = 0; i < time.factors.length; i++) time.factors[i] = Math.exp(-effects[at + TIME_EFFECT + i])
    for (let i = 0; i < gender.factors.length; i++)
      gender.factors[i] = Math.exp(-effects[at + GENDER_EFFECT + i])
    overlap.weights = this.#overlapWeightsOf(restaurants.cuisines[restaurant])
  }

  /** How often users, of a sample, like how many of a set of cuisines. */
  #overlapWeightsOf(cuisines: number): Float64Array {
    let weights = this.#overlapWeights.get(cuisines)
    if (!weights) {
      weights = new Float64Array(OVERLAPS)
      for (const liked of this.#liked) weights[overlapOf(liked, cuisines)] += 1 / SAMPLE_USERS
      this.#overlapWeights.set(cuisines, weights)
    }
    return weights
  }
}

/** Mean of σ(rest + term) over the values of a term, where `odds` is e^−rest and a factor e^−term. */
export function meanProbability(
  weights: Float64Array,
  factors: Float64Array,
  at: number,
  odds: number,
): number {
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += weights[i] / (1 + odds * factors[at + i])
  return sum
}

/** What the tallies of all threads come to. */
export function ceilingsOf(sums: BigInt64Array, rows: number): Ceilings {
  const requests = Number(sums[REQUESTS])
  const ceiling = (predictor: number) => ceilingOf(sums, predictor * TALLY, rows, requests)
  const without = KINDS.map((kind, i) => [kind, ceiling(2 + i)] as const)
  return {
    all: ceiling(0),
    drawn: ceiling(1),
    without: Object.fromEntries(without) as Record<Kind, Ceiling>,
  }
}
