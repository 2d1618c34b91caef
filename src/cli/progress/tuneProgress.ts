import type { TuneEvent } from '../../training/tune/tuneReport.ts'
import { packState } from './packState.ts'
import type { Progress } from './progress.ts'

/** Shows the events of a search: a bar for all of it, and a line for each round. */
export function showTune(progress: Progress, event: TuneEvent): void {
  if (event.type === 'rung') {
    progress.end({ quiet: true })
    progress.line(rungLine(event))
    return
  }
  const { rowsDone: done, rowsTotal: total } = event
  const rssBytes = () => process.memoryUsage.rss()
  if (event.type === 'pack') progress.update({ ...packState(event), rssBytes })
  else {
    const { rung, rungs, best } = event
    const found = best === null ? {} : { best: best.toFixed(4) }
    progress.update({ stage: `tune ${rung}/${rungs}`, done, total, ...found, rssBytes })
  }
}

function rungLine({
  rung,
  rungs,
  epochs,
  trials,
  failed,
  best,
  preset,
}: Extract<TuneEvent, { type: 'rung' }>): string {
  return [
    `round ${rung}/${rungs}`,
    `${trials} ${trials === 1 ? 'trial' : 'trials'} of ${epochsText(epochs)}`,
    `best validation loss ${best.toFixed(4)}`,
    preset === null ? 'the preset failed' : `preset ${preset.toFixed(4)}`,
    failed > 0 ? `${failed} failed` : '',
  ]
    .filter((part) => part !== '')
    .join('  ')
}

/** `2 epochs`, `0.22 epochs` */
export function epochsText(epochs: number): string {
  return `${Number(epochs.toFixed(2))} ${epochs === 1 ? 'epoch' : 'epochs'}`
}
