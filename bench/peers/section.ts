import { wrap } from './markdown.ts'
import { servingTable } from './servingTable.ts'
import { trainingTable } from './trainingTable.ts'
import type { Comparison } from './types.ts'

/** The whole comparison in Markdown: what it was measured on, and a table for each part. */
export function comparisonSection(comparison: Comparison): string {
  const { date, commit, machine, versions, command, training, full, serving } = comparison
  const parts = [
    wrap(
      `**Date:** ${date}. **Commit:** ${commit}. **Machine:** ${machine}. **Versions:** ${versions.join(', ')}.`,
    ),
    `    ${command}`,
  ]
  if (training) parts.push('### Training compared with Python', trainingTable(training))
  if (full) parts.push('All training files:', trainingTable(full))
  if (serving) parts.push('### Serving compared with Python', servingTable(serving))
  return parts.join('\n\n')
}
