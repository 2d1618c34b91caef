import { type SectionName, wrap } from './markdown.ts'
import { realisticTable } from './realisticTable.ts'
import { servingTable } from './servingTable.ts'
import { trainingTable } from './trainingTable.ts'
import type { Comparison } from './types.ts'

/** What was measured, in Markdown, by section: on what, and a table for each part. Not measured: no section. */
export function comparisonSections(comparison: Comparison): Partial<Record<SectionName, string>> {
  const { training, full, serving, realistic } = comparison
  const peers: string[] = []
  if (training) peers.push('### Training compared with Python', trainingTable(training))
  if (full) peers.push('All training files:', trainingTable(full))
  if (serving) peers.push('### Serving compared with Python', servingTable(serving))
  return {
    ...(peers.length > 0 && { peers: sectionText(comparison, peers) }),
    ...(realistic && { realistic: sectionText(comparison, [realisticTable(realistic)]) }),
  }
}

function sectionText({ date, commit, machine, versions, command }: Comparison, parts: string[]): string {
  const madeOn = `**Date:** ${date}. **Commit:** ${commit}. **Machine:** ${machine}. **Versions:** ${versions.join(', ')}.`
  return [wrap(madeOn), `    ${command}`, ...parts].join('\n\n')
}
