import type { DatasetOptions } from '../../dataset/options.ts'
import { hasValidationPart } from '../../dataset/parts.ts'
import { formatCount } from '../../format.ts'

/**
 * Which rows are held out as a part of their own, as in `25,000 rows for validation (shown_at from 2026-10-25
 * on)`; undefined: none are.
 */
export function partsText(
  options: DatasetOptions,
  { validation, test }: { validation: { rows: number } | null; test: { rows: number } | null },
): string | undefined {
  const { timeColumn, validationAfter, validationFiles, testAfter } = options
  const from = (cut: string) => `${timeColumn} from ${cut} on`
  const parts = [
    ...(validation && hasValidationPart(options)
      ? [
          `${formatCount(validation.rows)} rows for validation (${validationAfter === undefined ? [validationFiles].flat().join(', ') : from(validationAfter)})`,
        ]
      : []),
    ...(test && testAfter !== undefined
      ? [`${formatCount(test.rows)} rows for testing (${from(testAfter)})`]
      : []),
  ]
  return parts.length > 0 ? parts.join(', ') : undefined
}
