import { createHash } from 'node:crypto'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import { bestSimd } from '../../kernels/kernels.ts'
import { givenOf } from '../../options/option.ts'
import { epochSize } from '../rows/epochSize.ts'
import type { Prepared } from '../run/prepareRun.ts'
import { SETTINGS } from '../settings/trainSettings.ts'
import type { TrainSettings } from '../types.ts'
import { hasFreeDims } from './embeddingDims.ts'
import { planRungs, type Rung } from './halving.ts'
import { drawTrial, SEARCHABLE, type Searchable, searchedOf, type Varied } from './space.ts'
import type { TuneOrigin } from './tuneFolder.ts'

/** What is going to be tried. */
export interface Search {
  base: TrainSettings // of the first trial
  given: Partial<TrainSettings>
  searched: Searchable[]
  drawn: Varied[] // by trial
  rungs: Rung[]
  rowsPerEpoch: number
  heldOut: number // rows
  origin: TuneOrigin
}

const HELD_OUT = 20_000 // rows: of fewer, chance decides which of 20 settings wins
const HELD_OUT_SHARE_MAX = 0.2
const HELD_OUT_MIN = 10

/**
 * Decides everything about a search of `trials` trials before its first training.
 * @throws NearrankError USAGE if nothing is left to vary, INPUT if there are too few rows to judge by.
 */
export async function planSearch(prepared: Prepared, trials: number): Promise<Search> {
  const { options, features, pack, validation, shape } = prepared
  const given = givenOf(SETTINGS, options)
  const base = { ...prepared.settings, validation: validationOf(prepared) }
  const searched = searchedOf(given, {
    hasEmbeddings: (shape.network.embeddings ?? []).length > 0,
    hasDims: hasFreeDims(features, options.features),
  })
  if (searched.length === 0)
    throw new NearrankError(
      'USAGE',
      `Cannot tune: nothing is left to vary, since all of ${SEARCHABLE.slice(0, -1).join(', ')} are given; leave one out`,
    )
  const { rows, steps } = await epochSize(pack, base)
  const drawn = Array.from({ length: trials }, (_, trial) => drawTrial(base, searched, trial))
  const data = createHash('sha256')
    .update(JSON.stringify([pack.fingerprint, validation?.fingerprint, features]))
    .digest('hex')
  return {
    base,
    given,
    searched,
    drawn,
    rungs: planRungs(trials, base.epochs * steps),
    rowsPerEpoch: rows,
    heldOut: validation ? validation.rows : pack.rows - rows,
    origin: { data, kernels: bestSimd(), trials, searched, settings: { ...base } },
  }
}

/** The share that is held out: the given one, else that of training, or more; 0: a part of the clicks is. */
function validationOf({ options, settings, pack, validation }: Prepared): number {
  const { rows } = pack
  if (validation) return 0
  if (options.validation !== undefined) return options.validation
  const share = Math.min(HELD_OUT_SHARE_MAX, Math.ceil((100 * HELD_OUT) / rows) / 100)
  if (rows * share < HELD_OUT_MIN)
    throw new NearrankError(
      'INPUT',
      `Cannot tune with ${formatCount(rows)} training rows: at least ${HELD_OUT_MIN / HELD_OUT_SHARE_MAX} are needed to hold some out and judge by them`,
    )
  return Math.max(settings.validation, share)
}
