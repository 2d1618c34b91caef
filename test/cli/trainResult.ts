import { constraintsTable } from '../../src/training/report/constraints.ts'
import { resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import type { EpochReport, LedgerEpoch, PresetName, TrainResult } from '../../src/training/types.ts'

/** A result as a good run of the preset would give it: two files, five epochs of the reference job's size. */
export function goodResult(preset: PresetName): TrainResult {
  const settings = resolveSettings({ preset, epochs: 5 })
  const heldOut = preset === 'default' ? 250_000 : 0
  const epochs: EpochReport[] = []
  const ledger: LedgerEpoch[] = []
  for (let epoch = 1; epoch <= 5; epoch++) {
    const rows = 50_000_000 - 2 * heldOut
    epochs.push({
      epoch,
      rows,
      seconds: 20 + epoch,
      loss: 0.7 - epoch / 100,
      rowsPerSecond: rows / (20 + epoch),
      accuracy: 0.7 + epoch / 1000,
      accuracyOn: preset === 'default' ? 'validation' : 'training',
    })
    const files = ['train/a.parquet', 'train/b.parquet'].map((file) => ({
      file,
      rows: 25_000_000,
      used: 25_000_000 - heldOut,
      dropped: 0,
      validation: heldOut,
    }))
    ledger.push({ epoch, rows, digest: '00c0ffee', files })
  }
  const result: TrainResult = {
    preset,
    settings,
    rows: epochs[0].rows,
    epochs,
    ledger,
    keptEpoch: 5,
    packSeconds: 9.4,
    trainSeconds: 115,
    seconds: 130,
    peakRssBytes: 700 * 2 ** 20,
    maxMemoryBytes: 2 ** 30,
    threads: 2,
    simd: 'relaxed',
    turbo: false,
    native: null,
    steps: 244_200,
    parameters: 41 * 256 + 257 * 128 + 129, // 40 → 256 → 128 → 1 with biases,
    test: {
      rows: 5_000_000,
      accuracy: 0.7213,
      auc: 0.79,
      logLoss: 0.61,
      normalizedEntropy: 0.89,
      calibrationError: 0.02,
      ndcg10: null,
      clickRate: 0.556,
      majorityAccuracy: 0.556,
    },
    judged: null,
    constraints: [],
    out: 'model',
  }
  result.constraints = constraintsTable(result)
  return result
}
