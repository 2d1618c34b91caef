import type { TrainEvent } from '../../training/types.ts'
import type { ProgressState } from './progressLine.ts'

/** What the bar shows while data are packed. */
export function packState({
  stage,
  rowsDone: done,
  rowsTotal: total,
  filesOpened,
  isSorting,
}: Extract<TrainEvent, { type: 'pack' }>): ProgressState {
  if (filesOpened) return { stage: `open ${stage}`, unit: 'files', ...filesOpened }
  return { stage: `${isSorting ? 'sort' : 'pack'} ${stage}`, done, total }
}
