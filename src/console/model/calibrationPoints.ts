import { type ModelReport, numberIn, type Written } from '../api/modelReports.ts'
import type { Point } from '../parts/chart/scale.ts'

/** [mean prediction, click rate] of each tenth; none: scores only order, or the model is an older one. */
export function calibrationPoints({ training }: Pick<ModelReport, 'training'>): Point[] {
  const { calibration } = training
  if (!Array.isArray(calibration)) return []
  return calibration.flatMap((bin: Written | null) => {
    const [x, y] = [numberIn(bin, 'prediction'), numberIn(bin, 'clickRate')]
    return x === null || y === null ? [] : [[x, y] satisfies Point]
  })
}
