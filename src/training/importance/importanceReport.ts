import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, NearrankError } from '../../errors.ts'
import { isMissing, writeFileAtomic } from '../../files.ts'
import { PAGE_FILE, REPORT_FILE } from '../../model/modelFile.ts'
import { replaceSection } from '../../report/page.ts'
import { markdownTable, withSection } from '../report/markdown.ts'
import { importanceSection } from '../report/page/importanceSection.ts'
import { importanceContent } from './importancePage.ts'
import { importanceBasis, importanceCells } from './importanceText.ts'
import type { MeasuredImportance } from './measure.ts'

/**
 * Proves, before anything is measured, that a model's reports can be replaced.
 * @throws NearrankError DISK
 */
export async function checkReport(model: string): Promise<void> {
  try {
    await access(model, constants.W_OK | constants.X_OK)
    for (const file of [REPORT_FILE, PAGE_FILE]) await readReport(model, file)
  } catch (error) {
    throw new NearrankError(
      'DISK',
      `Cannot add the importance to ${join(model, REPORT_FILE)}: ${messageOf(error)}; change the permissions, or leave the report as it is with --no-report`,
      { cause: error },
    )
  }
}

/**
 * Puts the result into both of the model's reports, in place of an earlier one. A page without the section,
 * or none, stays as it is.
 * @throws NearrankError DISK
 */
export async function writeImportance(model: string, found: MeasuredImportance): Promise<void> {
  const text = withSection(await readReport(model, REPORT_FILE), 'Feature importance', importanceLines(found))
  await writeFileAtomic(join(model, REPORT_FILE), text)
  const earlier = await readReport(model, PAGE_FILE)
  const page = replaceSection(earlier, importanceSection(importanceContent(found)))
  if (page !== undefined) await writeFileAtomic(join(model, PAGE_FILE), page)
}

/** The Markdown of the section, without its heading. Pure. */
function importanceLines(found: MeasuredImportance): string[] {
  const tableOf = (what: 'group' | 'feature') => {
    const { head, rows } = importanceCells(what, found[`${what}s`])
    return markdownTable(head, rows)
  }
  return [
    'By how much the log loss of the test clicks rises, and their AUC falls, if a feature’s values come from another',
    'click at random. ± is the standard error.',
    '',
    importanceBasis(found),
    '',
    ...tableOf('group'),
    '',
    ...tableOf('feature'),
  ]
}

/** Empty if there is none. */
async function readReport(model: string, file: string): Promise<string> {
  try {
    return await readFile(join(model, file), 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}
