import { type ModelReport, numberIn, type Written } from '../api/modelReports.ts'

/** A tenth of the test rows. */
export interface CalibrationPoint {
  prediction: number // mean
  clickRate: number
  low: number // the 95 % interval of the click rate; models of other versions may have none: the rate itself
  high: number
}

/** None: scores only order, or the model is an older one. */
export function calibrationPoints({ training }: Pick<ModelReport, 'training'>): CalibrationPoint[] {
  const { calibration } = training
  if (!Array.isArray(calibration)) return []
  return calibration.flatMap((bin: Written | null) => {
    const [prediction, clickRate] = [numberIn(bin, 'prediction'), numberIn(bin, 'clickRate')]
    if (prediction === null || clickRate === null) return []
    const [low, high] = [numberIn(bin, 'low') ?? clickRate, numberIn(bin, 'high') ?? clickRate]
    return [{ prediction, clickRate, low, high }]
  })
}
