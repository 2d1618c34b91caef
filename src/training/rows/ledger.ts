import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { NearrankError } from '../../errors.ts'
import type { Position } from '../crew/protocol.ts'
import type { RowCount } from './rowStream.ts'
import type { LedgerEpoch } from '../types.ts'

/**
 * The books of one epoch: what the reader handed out, file by file, against what the kernels gathered, by
 * number and by digest, and against what the pack says it holds. @throws NearrankError INTERNAL if a row was
 * lost or used twice.
 */
export function ledgerEpoch(
  epoch: number,
  pack: PackedRows,
  count: RowCount,
  gathered: Pick<Position, 'rowsDone' | 'digest'>,
): LedgerEpoch {
  const { rowsDone: rows, digest } = gathered
  const files = pack.files.map((file, i) => ({
    file: file.name,
    rows: rowsIn(file),
    used: count.used[i],
    dropped: file.dropped,
    validation: count.heldOut[i],
    ...(file.heldOut !== undefined && { heldOut: file.heldOut }),
    ...(file.notReplayed !== undefined && { notReplayed: file.notReplayed }),
  }))
  const wrong = (what: string, wanted: number, found: number) =>
    new NearrankError(
      'INTERNAL',
      `The ledger of epoch ${epoch} does not add up: ${what}: expected ${wanted}, found ${found}`,
    )
  if (rows !== count.rows) throw wrong('rows trained on', count.rows, rows)
  if (digest !== count.digest) throw wrong('digest of the rows trained on', count.digest, digest)
  const used = count.used.reduce((sum, n) => sum + n, 0)
  if (used !== rows) throw wrong('rows of all files', rows, used)
  for (const file of files)
    if (accounted(file) !== file.rows) throw wrong(`rows of ${file.file}`, file.rows, accounted(file))
  const whole = (digest + count.heldDigest) % 2 ** 32
  if (whole !== pack.digest) throw wrong('digest of all rows', pack.digest, whole)
  return { epoch, rows, digest: digest.toString(16).padStart(8, '0'), files }
}

/** The rows that a file's line of the ledger tells of: all that the file has, or one was lost. */
export function accounted(file: LedgerEpoch['files'][number]): number {
  const { used, dropped, validation, heldOut = 0, notReplayed = 0 } = file
  return used + dropped + validation + heldOut + notReplayed
}

/**
 * The lines of files that are for validation alone: none of their rows is trained on.
 */
export function validationFiles(pack: PackedRows): LedgerEpoch['files'] {
  return pack.files.map((file) => ({
    file: file.name,
    rows: rowsIn(file),
    used: 0,
    dropped: file.dropped,
    validation: file.rows,
    ...(file.heldOut !== undefined && { heldOut: file.heldOut }),
  }))
}

function rowsIn({ rows, dropped, heldOut = 0, notReplayed = 0 }: PackedRows['files'][number]): number {
  return rows + dropped + heldOut + notReplayed
}
