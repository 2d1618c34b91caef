import { givenOf } from '../../options/option.ts'
import { Random } from '../../random.ts'
import { SETTINGS } from '../settings/trainSettings.ts'
import type { TrainSettings } from '../types.ts'
import { DIM_FACTORS } from './embeddingDims.ts'

/** What a search may vary; what the user gives, it does not. */
export const SEARCHABLE = [
  'learningRate',
  'batchSize',
  'hidden',
  'embeddingL2',
  'weightDecay',
  'embeddingDims',
] as const

export type Searchable = (typeof SEARCHABLE)[number]

/** The settings of a trial that a search varies. */
export interface Varied
  extends Partial<
    Pick<
      TrainSettings,
      'learningRate' | 'batchSize' | 'hidden' | 'activations' | 'embeddingL2' | 'weightDecay'
    >
  > {
  embeddingDims?: number // of DIM_FACTORS
}

const STREAM = 11 // of the random numbers of a seed: no other part of a training has this one
const BATCH_MIN = 16
const BATCH_MAX = 65_536
const RATE_MAX = 10
const L2_USUAL = 10 // of the default preset, for one that has none
const DIGITS = 3 // of a number that is drawn: more tell nothing

const NETWORKS: readonly Pick<TrainSettings, 'hidden' | 'activations'>[] = [
  { hidden: [64], activations: ['relu'] },
  { hidden: [256], activations: ['relu'] },
  { hidden: [128, 64], activations: ['relu', 'relu'] },
  { hidden: [256, 128], activations: ['relu', 'relu'] },
]

/** What is left to search over: all but what is given; of embeddings only if there are any. */
export function searchedOf(
  given: object,
  { hasEmbeddings, hasDims }: { hasEmbeddings: boolean; hasDims: boolean },
): Searchable[] {
  const isFree = (key: string) => !Object.hasOwn(given, key)
  return SEARCHABLE.filter((key) => {
    if (key === 'hidden') return isFree('hidden') && isFree('activations')
    if (key === 'embeddingL2') return isFree(key) && hasEmbeddings
    return key === 'embeddingDims' ? hasDims : isFree(key)
  })
}

/**
 * The values of `searched` in a trial: those of the preset in trial 0, else drawn around them from the seed
 * and the number of the trial alone, so that neither further trials nor a fixed setting change the others.
 */
export function drawTrial(base: TrainSettings, searched: readonly Searchable[], trial: number): Varied {
  const drawn =
    trial === 0 ? { ...base, embeddingDims: 1 } : drawAll(base, new Random(base.seed, STREAM, trial))
  const keys = searched.flatMap((key) => (key === 'hidden' ? (['hidden', 'activations'] as const) : [key]))
  return Object.fromEntries(keys.map((key) => [key, drawn[key]]))
}

/** All of them, in an order that is fixed for ever. */
function drawAll(base: TrainSettings, random: Random): Required<Varied> {
  const { learningRate, batchSize, hidden, activations, embeddingL2 } = base
  const oneOf = <T>(values: readonly T[]) => values[random.below(values.length)]
  const between = (low: number, high: number) =>
    Number((low * (high / low) ** random.float()).toPrecision(DIGITS))
  const rate = between(learningRate / 10, Math.min(RATE_MAX, learningRate * 4))
  const batch = oneOf([0.25, 0.5, 1, 2, 4]) * batchSize
  const network = oneOf([{ hidden, activations }, ...NETWORKS])
  const l2 = between((embeddingL2 || L2_USUAL) / 10, (embeddingL2 || L2_USUAL) * 10)
  const [decays, decay] = [random.below(2) === 1, between(1e-3, 1)]
  return {
    learningRate: rate,
    batchSize: Math.min(BATCH_MAX, Math.max(BATCH_MIN, 2 ** Math.round(Math.log2(batch)))),
    ...network,
    embeddingL2: Math.min(1e6, l2),
    weightDecay: decays ? decay : 0,
    embeddingDims: oneOf(DIM_FACTORS),
  }
}

/**
 * The settings of a whole training of a trial. Its warm-up, if it is not given, has as many rows as the
 * preset's, and so fewer steps with larger batches.
 */
export function settingsOf(base: TrainSettings, varied: Varied, given: object): TrainSettings {
  const settings = { ...base, ...givenOf(SETTINGS, varied) }
  if (Object.hasOwn(given, 'warmupSteps')) return settings
  return { ...settings, warmupSteps: Math.round((base.warmupSteps * base.batchSize) / settings.batchSize) }
}
