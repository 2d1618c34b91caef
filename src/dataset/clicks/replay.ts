import { crc32 } from 'node:zlib'
import { mix32 } from '../../random.ts'
import { type ParquetFile, rowsMeant } from '../parquet/parquetFile.ts'
import type { RowSample } from '../parquet/rowSample.ts'

/** Which of the click files are older ones, and which of their rows are drawn. */
export interface ReplayPlan {
  samples: RowSample[] // of the first so many files; the others are new
}

/**
 * The first `older` files have older clicks, of which so many are drawn that they are `share` of all that are
 * trained on, or all of them; of groups, whole ones. Which ones depends on the names of the new files, so
 * that each increment draws others.
 */
export function replayPlan(
  files: readonly ParquetFile[],
  { older, share, group }: { older: number; share: number; group: string | null },
): ReplayPlan {
  const rowsIn = (some: readonly ParquetFile[]) => some.reduce((sum, file) => sum + rowsMeant(file), 0)
  const [oldRows, newRows] = [rowsIn(files.slice(0, older)), rowsIn(files.slice(older))]
  const drawn = Math.min(1, (newRows * share) / (1 - share) / Math.max(1, oldRows))
  const salt = crc32(
    files
      .slice(older)
      .map(({ name }) => name)
      .join('\n'),
  )
  return {
    samples: Array.from({ length: older }, (_, file) => ({
      threshold: Math.round(drawn * 2 ** 32),
      salt: mix32(salt + file) >>> 0,
      group,
    })),
  }
}
