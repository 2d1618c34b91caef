import { parameterCount } from '../../model/network.ts'
import { learnsOrderAlone } from '../settings/trainSettings.ts'
import { PRESETS } from '../settings/presets.ts'
import { accounted } from '../rows/ledger.ts'
import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import type { Constraint, TrainResult, TrainSettings } from '../types.ts'

/** What the reference job demands beside its settings. */
const EPOCH_SECONDS_MAX = 60
const JOB_MEMORY_BYTES = 4 * 2 ** 30
const ACCURACY_MIN = 0.7
const REFERENCE_FEATURES = { userFeatures: 30, restaurantFeatures: 10 }

/** What of a run the table is made of. */
export type ConstraintInputs = Pick<
  TrainResult,
  | 'preset'
  | 'settings'
  | 'rows'
  | 'epochs'
  | 'ledger'
  | 'parameters'
  | 'peakRssBytes'
  | 'maxMemoryBytes'
  | 'test'
>

/** A constraint of the reference presets alone. */
type Demanded = (name: string, limit: string, measured: string, met: boolean | null) => Constraint

/**
 * The job's constraints, each with its limit and what was measured. For a reference preset the limits are
 * the job's; for others only rows and memory have one.
 */
export function constraintsTable(run: ConstraintInputs): Constraint[] {
  const isReference = run.preset !== 'default'
  const { settings } = run
  const demanded: Demanded = (name, limit, measured, met) =>
    isReference ? { name, limit, measured, met } : { name, limit: '–', measured, met: null }
  const reference = PRESETS[isReference ? run.preset : 'reference']
  const architecture = architectureText(reference, parameterCount({ ...reference, ...REFERENCE_FEATURES }))

  return [
    rowsConstraint(run),
    demanded(
      'architecture',
      architecture,
      architectureText(settings, run.parameters),
      architectureText(settings, run.parameters) === architecture,
    ),
    demanded(
      'optimizer',
      optimizerText(reference),
      optimizerText(settings),
      optimizerText(settings) === optimizerText(reference),
    ),
    demanded(
      'epochs',
      `${reference.epochs}`,
      `${run.epochs.length}`,
      run.epochs.length === reference.epochs && settings.epochs === reference.epochs,
    ),
    demanded(
      'learning rate',
      learningRateText(reference),
      learningRateText(settings),
      learningRateText(settings) === learningRateText(reference),
    ),
    timeConstraint(run, demanded),
    memoryConstraint(run),
    accuracyConstraint(run),
  ]
}

/**
 * Each file's rows must be accounted for one by one, the same in every
 * epoch; the reference job leaves none out.
 */
function rowsConstraint(run: ConstraintInputs): Constraint {
  const first = run.ledger[0]
  const sum = (of: 'rows' | 'dropped' | 'validation' | 'heldOut' | 'notReplayed') =>
    first ? first.files.reduce((total, file) => total + (file[of] ?? 0), 0) : 0
  const total = sum('rows')
  // Files for validation have lines of their own.
  const trained = first?.files.filter(({ validation }) => run.settings.validation > 0 || validation === 0)
  const files = trained ? ` of ${trained.length} ${trained.length === 1 ? 'file' : 'files'}` : ''
  const leftOut = sum('dropped') + sum('validation') + sum('heldOut') + sum('notReplayed')
  const isWhole =
    first !== undefined &&
    first.rows > 0 &&
    run.ledger.length === run.epochs.length &&
    run.ledger.every(
      (epoch) =>
        epoch.digest === first.digest &&
        epoch.rows === run.rows &&
        epoch.rows === epoch.files.reduce((used, file) => used + file.used, 0) &&
        epoch.files.length === first.files.length &&
        epoch.files.every((file) => accounted(file) === file.rows),
    )
  const fewest = run.ledger.reduce((rows, epoch) => Math.min(rows, epoch.rows), run.rows)
  const besides = [
    sum('validation') > 0
      ? `${formatCount(sum('validation'))} held out${run.settings.validation > 0 ? '' : ' in validation files'}`
      : '',
    sum('heldOut') > 0 ? `${formatCount(sum('heldOut'))} held out by time` : '',
    sum('dropped') > 0 ? `${formatCount(sum('dropped'))} dropped` : '',
    sum('notReplayed') > 0 ? `${formatCount(sum('notReplayed'))} older ones not replayed` : '',
  ].filter((part) => part !== '')
  const measured = `${formatCount(fewest)} in ${epochsText(run.ledger.length)}${besides.length > 0 ? ` (${besides.join(', ')})` : ''}`
  return {
    name: 'every row used in every epoch',
    limit:
      run.preset !== 'default' || leftOut === 0
        ? `all ${formatCount(total)}${files}`
        : `all ${formatCount(total - leftOut)} to train on${files && `,${files}`}`,
    measured,
    met: isWhole && (run.preset === 'default' || leftOut === 0),
  }
}

function timeConstraint({ epochs }: ConstraintInputs, demanded: Demanded): Constraint {
  const slowest = epochs.reduce((most, { seconds }) => Math.max(most, seconds), 0)
  return demanded(
    'time per epoch',
    `≤ ${EPOCH_SECONDS_MAX} s`,
    epochs.length > 0 ? `${formatSeconds(slowest)} at most` : '–',
    epochs.length > 0 ? slowest <= EPOCH_SECONDS_MAX : null,
  )
}

function memoryConstraint(run: ConstraintInputs): Constraint {
  const isReference = run.preset !== 'default'
  const limit = isReference ? Math.min(run.maxMemoryBytes, JOB_MEMORY_BYTES) : run.maxMemoryBytes
  return {
    name: 'peak memory',
    limit: `≤ ${formatBytes(limit)} (${limit === run.maxMemoryBytes ? '--max-memory' : 'the job'})`,
    measured: formatBytes(run.peakRssBytes),
    met: run.peakRssBytes <= limit,
  }
}

/** Of other data none is demanded: if clicks are rare, a good model may have less than the majority class. */
function accuracyConstraint({ preset, settings, test }: ConstraintInputs): Constraint {
  const name = 'accuracy on the test set'
  const isReference = preset !== 'default'
  const accuracy = test?.accuracy.toFixed(4) ?? 'no test set'
  if (isReference)
    return {
      name,
      limit: `≥ ${ACCURACY_MIN}`,
      measured: accuracy,
      met: test ? test.accuracy >= ACCURACY_MIN : null,
    }
  if (learnsOrderAlone(settings.loss))
    return { name, limit: '–', measured: 'none: scores only order', met: null }
  const majority = test ? ` (majority class ${test.majorityAccuracy.toFixed(4)})` : ''
  return { name, limit: '–', measured: `${accuracy}${majority}`, met: null }
}

/** `256 → 128 relu → 1, 43,521 parameters` */
function architectureText(settings: TrainSettings, parameters: number): string {
  const layers = settings.hidden.map((units, i) =>
    settings.activations[i] === 'relu' ? `${units} relu` : `${units}`,
  )
  return `${settings.normalize ? 'normalised features → ' : ''}${[...layers, '1'].join(' → ')}, ${formatCount(parameters)} parameters`
}

function optimizerText(settings: TrainSettings): string {
  const { beta1, beta2, epsilon, weightDecay, loss } = settings
  return `${loss === 'logistic' ? '' : `${loss} loss, `}${weightDecay > 0 ? 'AdamW' : 'Adam'} β ${beta1}, ${beta2}, ε ${epsilon}${weightDecay > 0 ? `, decay ${weightDecay}` : ''}, batch ${formatCount(settings.batchSize)}, ${settings.shuffle ? 'shuffled' : 'file order'}`
}

function learningRateText({ learningRate, schedule, warmupSteps }: TrainSettings): string {
  return `${learningRate} ${schedule}${warmupSteps > 0 ? `, warm-up ${formatCount(warmupSteps)}` : ''}`
}

function epochsText(count: number): string {
  return count === 1 ? '1 epoch' : `each of ${count} epochs`
}
