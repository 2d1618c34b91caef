import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import { bestSimd, type Simd } from '../../kernels/kernels.ts'
import type { NativeFamily } from '../../kernels/native.ts'
import { compileForRun } from '../../kernels/compileForRun.ts'
import type { Normalization } from '../../model/normalization.ts'
import { CrewLead } from '../crew/crewLead.ts'
import { startFrom } from '../from/sourceModel.ts'
import { loadFeatures, normalizationFor } from '../memory/featureMemory.ts'
import { setEmbeddingPenalties } from '../rows/embeddingPenalties.ts'
import { epochSize } from '../rows/epochSize.ts'
import { validationFiles } from '../rows/ledger.ts'
import { thinProblem } from '../settings/fewRows.ts'
import { weightMeans } from '../settings/weightMeans.ts'
import type { TrainSettings } from '../types.ts'
import type { Prepared } from './prepareRun.ts'
import { TrainingRun } from './trainingRun.ts'

/** A run that is ready for its first step. */
interface Started {
  lead: CrewLead // to be closed
  training: TrainingRun
  normalization: Normalization | null
  simd: Simd
  turbo: boolean
  native: NativeFamily | null
  rows: number // training rows an epoch
}

/**
 * Starts the threads, with everything in their memory. `epochs`: those of the settings, or fewer.
 * @throws NearrankError INPUT if the validation split leaves nothing, or as `startOfRun`.
 */
export async function startTraining(prepared: Prepared, epochs: number): Promise<Started> {
  const { options, source, settings, tables, pack, shape, packSeconds, report } = prepared
  const { network } = shape
  const { signal, out } = options
  const simd = bestSimd()
  const means = weightMeans(pack, settings)
  const { rows, steps: stepsPerEpoch } = await epochSize(pack, settings)
  const whole = Math.floor(epochs)
  const steps = whole * stepsPerEpoch + Math.ceil((epochs - whole) * stepsPerEpoch)
  checkParts(rows, pack.rows, settings)
  const normalization = settings.normalize ? normalizationFor(network, tables, pack) : null
  const compiled = compileForRun(simd, {
    turbo: prepared.run.turbo,
    kernels: prepared.run.kernels,
    rows: epochs * rows,
    report: (message) => report({ type: 'note', message }),
  })
  const { memory } = prepared
  const lead = new CrewLead({
    shape,
    simd,
    compiled,
    settings,
    weights: means,
    steps,
    ...(memory && { memory }),
  })
  try {
    await loadFeatures(lead, tables, normalization)
    await setEmbeddingPenalties(lead, pack, settings)
    const training = await TrainingRun.begin({
      lead,
      pack,
      ...validationOf(prepared),
      settings,
      run: prepared.run,
      simd,
      network,
      from: source && startFrom(source, prepared.features, normalization),
      out,
      rowsPerEpoch: rows,
      stepsPerEpoch,
      epochs,
      packSeconds,
      packPeakRssBytes: prepared.packPeakRssBytes,
      signal,
      onProgress: report,
    })
    noteFewSteps(prepared, { rows, steps })
    report({
      type: 'start',
      rows,
      epochs: settings.epochs,
      steps,
      threads: shape.threads,
      resumedAtStep: training.state.step,
    })
    return { lead, training, normalization, simd, turbo: compiled.turbo, native: compiled.native, rows }
  } catch (error) {
    await lead.close()
    throw error
  }
}

/** What each epoch is measured on, if that is a part of the clicks. */
function validationOf({ options, validation }: Prepared) {
  const hasFiles = validation !== null && options.validationFiles !== undefined
  return { validation, validationFiles: hasFiles ? validationFiles(validation) : [] }
}

/** @throws NearrankError INPUT where the split leaves nothing to train on, or nothing to validate with. */
function checkParts(rows: number, allRows: number, { validation }: TrainSettings): void {
  const held = allRows - rows
  if (rows > 0 && (validation === 0 || held > 0)) return
  throw new NearrankError(
    'INPUT',
    `Cannot train with validation ${validation}: of ${allRows} rows it leaves ${rows} to train on and ${held} to validate with. ` +
      'Use another --validation (0: none), another --seed, or more rows.',
  )
}

/** Says what was chosen for few rows, and whether what was given leaves anything to learn. */
function noteFewSteps(
  { chosen, settings, pack, report }: Prepared,
  { rows, steps }: { rows: number; steps: number },
): void {
  if (chosen !== undefined)
    report({
      type: 'note',
      message: `These settings were chosen for ${formatCount(pack.rows)} rows: ${chosen}. Settings that you give are kept.`,
    })
  const problem = thinProblem(steps, settings, rows)
  if (problem !== undefined) report({ type: 'note', message: problem })
}
