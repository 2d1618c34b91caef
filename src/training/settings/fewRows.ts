import { hasValidationPart } from '../../dataset/parts.ts'
import { formatCount } from '../../format.ts'
import { givenOf } from '../../options/option.ts'
import type { TrainSettings } from '../types.ts'
import { PRESETS } from './presets.ts'
import type { resolveSettings } from './resolveSettings.ts'
import { SETTINGS } from './trainSettings.ts'

/** With more steps, the default preset was not seen to gain much by smaller batches and more epochs. */
const STEPS_WANTED = 4500
/** With fewer, it has hardly begun to learn when it is over. */
const STEPS_NEEDED = 1000
const BATCH_MIN = 32
const BATCH_DIVISOR = 13
const EPOCHS_WANTED_MAX = 5 // more teach the rows by heart
const EPOCHS_MAX = 20
const WARMUP_SHARE = 0.1
const HELD_OUT = 1000 // rows; the best epoch is chosen by them
const HELD_OUT_SHARE_MAX = 0.2
const HELD_OUT_MIN = 10 // fewer tell nothing
const WARMUP_SHARE_LONG = 0.5

type Chosen = Pick<TrainSettings, 'batchSize' | 'epochs' | 'warmupSteps' | 'validation' | 'keep'>

interface RowsToLearn {
  options: Parameters<typeof resolveSettings>[0]
  rows: number
  groups?: { longest: number } // rows; absent: they are in none
}

/**
 * The default preset for so few rows that it would take fewer than 4,500 steps (2.3 million rows): smaller
 * batches, more epochs, a shorter warm-up, more rows held out, unless they have a part of their own; not more
 * epochs if it goes on from a model. What `options` gives is not touched; `chosen`: what is. A batch has room
 * for the longest group.
 */
export function settingsForRows(
  settings: TrainSettings,
  { options, rows, groups }: RowsToLearn,
): { settings: TrainSettings; chosen: Partial<Chosen> } {
  const { preset = 'default', from } = options
  const stepsOf = ({ epochs, batchSize }: TrainSettings) => epochs * Math.ceil(rows / batchSize)
  if (preset !== 'default' || stepsOf(settings) >= STEPS_WANTED) return { settings, chosen: {} }

  const given = givenOf(SETTINGS, options)
  const usual = PRESETS.default
  // The best of those tried for 30,000 to 2,000,000 rows: docs/BENCHMARKS.md.
  const batch = 2 ** Math.floor(Math.log2(rows ** (2 / 3) / BATCH_DIVISOR))
  const batchMin = Math.max(BATCH_MIN, groups?.longest ?? 0)
  const batchSize = given.batchSize ?? Math.min(usual.batchSize, Math.max(batchMin, batch))
  const epochsFor = (steps: number) => Math.ceil(steps / Math.ceil(rows / batchSize))
  const enough = Math.max(
    Math.min(EPOCHS_MAX, epochsFor(STEPS_NEEDED)),
    Math.min(EPOCHS_WANTED_MAX, epochsFor(STEPS_WANTED)),
  )
  // A model to go on from has learned already: more epochs would only teach it these few rows by heart.
  const more = from === undefined ? enough : 0
  const epochs = given.epochs ?? Math.max(settings.epochs, more)
  const isSplit = rows * HELD_OUT_SHARE_MAX >= HELD_OUT_MIN || given.keep === 'best' || settings.patience > 0
  const share = Math.max(
    usual.validation,
    Math.min(HELD_OUT_SHARE_MAX, Math.ceil((100 * HELD_OUT) / rows) / 100),
  )
  const hasPart = hasValidationPart(options)
  const validation = hasPart ? 0 : (given.validation ?? (isSplit ? share : 0))
  const keep = given.keep ?? (validation > 0 || hasPart ? usual.keep : 'last')
  const tenth = Math.floor(WARMUP_SHARE * epochs * Math.ceil((rows * (1 - validation)) / batchSize))
  const warmupSteps = given.warmupSteps ?? Math.min(settings.warmupSteps, tenth)
  const all: Chosen = { batchSize, epochs, warmupSteps, validation, keep }
  const chosen = Object.fromEntries(
    Object.entries(all).filter(([key, value]) => settings[key as keyof Chosen] !== value),
  )
  return { settings: { ...settings, ...all }, chosen }
}

/** What a person is told of it; undefined: nothing was chosen. */
export function chosenText(chosen: Partial<Chosen>): string | undefined {
  const { batchSize, epochs, warmupSteps, validation } = chosen
  const parts = [
    batchSize === undefined ? '' : `batches of ${formatCount(batchSize)} rows`,
    epochs === undefined ? '' : `${epochs} epochs`,
    warmupText(warmupSteps),
    validation === undefined
      ? ''
      : validation === 0
        ? 'no validation'
        : `${+(100 * validation).toFixed(1)} % for validation`,
  ].filter((part) => part !== '')
  return parts.length === 0 ? undefined : parts.join(', ')
}

function warmupText(steps: number | undefined): string {
  if (steps === undefined) return ''
  return steps === 0 ? 'no warm-up' : `a warm-up of ${formatCount(steps)} step${steps === 1 ? '' : 's'}`
}

/** Why such steps teach next to nothing, as a sentence; undefined: they may well do. */
export function thinProblem(
  steps: number,
  { warmupSteps, schedule }: Pick<TrainSettings, 'warmupSteps' | 'schedule'>,
  rows: number,
): string | undefined {
  if (steps === 1 && warmupSteps === 0 && schedule !== 'constant')
    return (
      `The schedule takes the learning rate to 0 at the last step, which is the only one, so nothing will be learned from ` +
      `${formatCount(rows)} rows. Use smaller batches, more epochs or a constant rate (--batch-size, --epochs, --schedule).`
    )
  if (warmupSteps <= WARMUP_SHARE_LONG * steps) return undefined
  return (
    `The learning rate rises during ${formatCount(warmupSteps)} of ${formatCount(steps)} steps, so little will be learned from ` +
    `${formatCount(rows)} rows. Use a shorter warm-up, smaller batches or more epochs (--warmup-steps, --batch-size, --epochs).`
  )
}
