import type { PresetName, TrainSettings } from '../types.ts'

const REFERENCE: TrainSettings = {
  epochs: 5,
  learningRate: 1e-8,
  schedule: 'constant',
  warmupSteps: 0,
  batchSize: 1024,
  hidden: [256, 128],
  activations: ['none', 'relu'],
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  shuffle: false,
  normalize: false,
  seed: 1,
  validation: 0,
  keep: 'last',
  patience: 0,
}

/** Whole sets of settings by name: `reference` is the reference job to the letter, `default` what suits this kind of data. */
export const PRESETS: Record<PresetName, TrainSettings> = {
  reference: REFERENCE,
  default: {
    ...REFERENCE,
    epochs: 2,
    learningRate: 3e-3,
    schedule: 'cosine',
    warmupSteps: 100,
    shuffle: true,
    normalize: true,
    validation: 0.01,
    keep: 'best',
  },
}
