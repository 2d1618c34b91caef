import type { Static, TSchema } from '../../schema.ts'
import type { Option } from '../../options/option.ts'
import { NDCG_AT_MAX } from '../../dataset/clicks/groupRuns.ts'
import { boolean, fraction, integer, list, number, oneOf, positive } from '../../options/schemas.ts'

export const PRESET_NAMES = ['default', 'reference', 'reference-128'] as const

/** Those whose values each setting has; the others differ from one of them in a few. */
export const BASE_PRESETS = ['default', 'reference'] as const

/** How a row, or a group of rows, is judged in training. */
export const LOSSES = ['logistic', 'pairwise', 'lambdarank', 'softmax', 'logistic+pairwise'] as const

/** Of a model whose scores are no probabilities: only their order says something. */
export function learnsOrderAlone(loss: (typeof LOSSES)[number]): boolean {
  return loss !== 'logistic' && loss !== 'logistic+pairwise'
}

/** An option whose value each preset has. */
export interface Setting<S extends TSchema>
  extends Option<S>,
    Record<(typeof BASE_PRESETS)[number], Static<S>> {}

/**
 * Everything that decides the bytes of the result, beside the data. A setting is one entry: types, presets,
 * the config file, flags and the help follow from it.
 */
export const SETTINGS = {
  /** Times that every row is learned from. */
  epochs: setting({
    schema: integer(1, 10_000),
    default: 2,
    reference: 5,
    flag: '--epochs <n>',
    help: 'passes over the training rows',
  }),
  /** Of the last step of the warm-up, or of all steps; a schedule falls from there. */
  learningRate: setting({
    schema: positive(10),
    default: 3e-3,
    reference: 1e-8,
    flag: '--learning-rate <x>',
    help: 'highest rate, where the warm-up ends',
  }),
  /** From the learning rate down to 0 at the last step, unless it is constant. */
  schedule: setting({
    schema: oneOf('constant', 'linear', 'cosine'),
    default: 'cosine',
    reference: 'constant',
    flag: '--schedule <name>',
    term: '--schedule, --warmup-steps, --batch-size',
    help: 'cosine, linear or constant; steps of a rise; rows a step',
  }),
  /** Steps of a linear rise from 0. */
  warmupSteps: setting({
    schema: integer(0, 1_000_000_000),
    default: 100,
    reference: 0,
    flag: '--warmup-steps <n>',
  }),
  /** Rows of one step. */
  batchSize: setting({
    schema: integer(1, 65_536),
    default: 1024,
    reference: 1024,
    flag: '--batch-size <rows>',
  }),
  /** logistic learns each row by itself; the others the order of a group's rows; see kernels/assembly. */
  loss: setting({
    schema: oneOf(...LOSSES),
    default: 'logistic',
    reference: 'logistic',
    flag: '--loss <name>',
    term: '--loss, --ndcg-at <k>, --pairwise-weight',
    help: 'logistic; of groups: see docs/ranking.md',
  }),
  /** Ranks that lambdarank counts. */
  ndcgAt: setting({ schema: integer(1, NDCG_AT_MAX), default: 10, reference: 10, flag: '--ndcg-at <k>' }),
  /** Of the pairwise loss in logistic+pairwise. */
  pairwiseWeight: setting({
    schema: number(0, 1),
    default: 0.5,
    reference: 0.5,
    flag: '--pairwise-weight <w>',
  }),
  /** Units of each hidden layer. */
  hidden: setting({
    schema: list(
      integer(1, 4096),
      16,
      'a list of at most 16 integers from 1 to 4096, the units of each hidden layer',
    ),
    default: [256, 128],
    reference: [256, 128],
    flag: '--hidden <units>',
    term: '--hidden <units>, --activations <names>',
    help: '256,128: each hidden layer, or none; none,relu: after it',
  }),
  /** One for each hidden layer; new `hidden` layers are all relu unless this is given too. */
  activations: setting({
    schema: list(oneOf('none', 'relu'), 16, 'a list of none and relu, one for each hidden layer'),
    default: ['none', 'relu'],
    reference: ['none', 'relu'],
    flag: '--activations <names>',
  }),
  /** Adam's decay of the first moment. */
  beta1: setting({
    schema: fraction(),
    default: 0.9,
    reference: 0.9,
    flag: '--optimizer-beta1 <b>',
    term: '--optimizer-beta1, --optimizer-beta2 <b>',
    help: "decay of Adam's two moments",
  }),
  /** Adam's decay of the second moment. */
  beta2: setting({ schema: fraction(), default: 0.999, reference: 0.999, flag: '--optimizer-beta2 <b>' }),
  /** Adam's ε. The kernels take moments for 0 that are nothing beside it. */
  epsilon: setting({
    schema: number(1e-12, 1),
    default: 1e-8,
    reference: 1e-8,
    flag: '--optimizer-epsilon <e>',
    term: '--optimizer-epsilon, --embedding-l2 <x>',
    help: "Adam's ε; L2 of embeddings",
  }),
  /**
   * L2 of each embedding row, spread over the training rows that have its value: a Gaussian prior of this
   * precision, as strong for a frequent value as for a rare one; 0: none.
   */
  embeddingL2: setting({
    schema: number(0, 1e6),
    default: 10,
    reference: 0,
    flag: '--embedding-l2 <x>',
  }),
  /** Decoupled (AdamW), weights only; 0: plain Adam. */
  weightDecay: setting({
    schema: number(0, 1),
    default: 0,
    reference: 0,
    flag: '--optimizer-weight-decay <w>',
    help: 'decoupled, as in AdamW; 0: plain Adam',
  }),
  /** false: rows in file order, a short batch at the end of each file. */
  shuffle: setting({
    schema: boolean(),
    default: true,
    reference: false,
    flag: '--shuffle, --no-shuffle',
    help: 'rows in random order, or in the order of the files',
  }),
  /** Features to mean 0, standard deviation 1; folded into the first layer when saved. */
  normalize: setting({
    schema: boolean(),
    default: true,
    reference: false,
    flag: '--normalize, --no-normalize',
    help: 'scale features to mean 0, deviation 1, or leave them',
  }),
  /** Of initial weights, order of rows and validation split. */
  seed: setting({
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    default: 1,
    reference: 1,
    flag: '--seed <n>',
    term: '--seed <n>, --validation <share>',
    help: 'of whatever is random; share of rows held out, 0 to 0.5',
  }),
  /** Share of the rows held out, 0 … 0.5. */
  validation: setting({
    schema: number(0, 0.5),
    default: 0.01,
    reference: 0,
    flag: '--validation <share>',
  }),
  /** The weights of which epoch are the model's; best: of the lowest validation loss. */
  keep: setting({
    schema: oneOf('best', 'last'),
    default: 'best',
    reference: 'last',
    flag: '--keep <which>',
    term: '--keep <which>, --patience <epochs>',
    help: 'best or last epoch; stop after so many without a better',
  }),
  /** Epochs without a better validation loss before stopping; 0: never stop early. */
  patience: setting({
    schema: integer(0, 10_000),
    default: 0,
    reference: 0,
    flag: '--patience <epochs>',
  }),
}

function setting<S extends TSchema>(entry: Setting<S>): Setting<S> {
  return entry
}
