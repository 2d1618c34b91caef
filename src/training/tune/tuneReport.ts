import type { OpenProgress } from '../../dataset/options.ts'
import { learnsOrderAlone } from '../settings/trainSettings.ts'
import type { Search } from './planSearch.ts'
import type { TuneTrial } from './tuneFolder.ts'

/** How a search went. */
export interface TuneReport {
  measure: 'logLoss' | 'ndcg10' // on the validation rows: what trials are compared by
  searched: string[] // what varies
  epochs: number // of a whole training
  heldOut: number // validation rows
  trials: TuneTrial[] // by number; 0 has the settings of the preset
  best: number // of these
  trainings: number // what it all took: epochs of all trials over those of a whole training
  skipped: number // trainings that the folder had already
  config: string // path of the best settings, a config file of `train`
  seconds: number
}

/** How far it is. A loss is the log loss, or 1 − NDCG@10. */
export type TuneEvent =
  | ({ type: 'pack' } & OpenProgress)
  | {
      type: 'trial' // about ten times a second
      trial: number // 0 has the settings of the preset
      rung: number // from 1
      rungs: number
      rowsDone: number // of the whole search, about
      rowsTotal: number
      best: number | null // lowest loss of the rung so far
    }
  | {
      type: 'rung' // has ended
      rung: number
      rungs: number
      epochs: number // of each of its trainings
      trials: number
      failed: number // of these
      best: number // lowest loss
      preset: number | null // its loss; null: it failed
    }

/** The loss of a trial in rung `rung`, from 0; undefined: it failed, or did not get there. */
export function lossAt({ rungs }: TuneTrial, rung: number): number | undefined {
  const ended = rungs[rung]
  return ended && 'loss' in ended ? ended.loss : undefined
}

/** The trials by what they reached, the best first: those that trained longest, and of these by loss. */
export function ranked(trials: readonly TuneTrial[]): number[] {
  const reached = ({ rungs }: TuneTrial) => rungs.filter((rung) => 'loss' in rung).length
  const loss = (trial: TuneTrial) => lossAt(trial, reached(trial) - 1) ?? Number.POSITIVE_INFINITY
  return trials
    .map((trial, number) => ({ number, reached: reached(trial), loss: loss(trial) }))
    .toSorted(
      (a, b) => b.reached - a.reached || (a.loss < b.loss ? -1 : a.loss > b.loss ? 1 : a.number - b.number),
    )
    .map(({ number }) => number)
}

/** What a search that is over has found. */
export function tuneReport(
  { base, searched, heldOut }: Search,
  trials: readonly TuneTrial[],
): Omit<TuneReport, 'config' | 'skipped' | 'seconds'> {
  const all = trials.flatMap(({ rungs }) => rungs)
  const isOrder = learnsOrderAlone(base.loss) && all.some((rung) => 'validationNdcg10' in rung)
  return {
    measure: isOrder ? 'ndcg10' : 'logLoss',
    searched: [...searched],
    epochs: base.epochs,
    heldOut,
    trials: [...trials],
    best: ranked(trials)[0],
    trainings: all.reduce((sum, { epochs }) => sum + epochs, 0) / base.epochs,
  }
}
