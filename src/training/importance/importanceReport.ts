import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, NearrankError } from '../../errors.ts'
import { isMissing, writeFileAtomic } from '../../files.ts'
import { formatCount } from '../../format.ts'
import { REPORT_FILE } from '../../model/modelFile.ts'
import { markdownTable, withSection } from '../report/markdown.ts'
import type { Importance, MeasuredImportance } from './measure.ts'

const HEADING = 'Feature importance'

/**
 * Proves, before anything is measured, that a model's report can be replaced.
 * @throws NearrankError DISK
 */
export async function checkReport(model: string): Promise<void> {
  try {
    await access(model, constants.W_OK | constants.X_OK)
    await readReport(model)
  } catch (error) {
    throw new NearrankError(
      'DISK',
      `Cannot add the importance to ${join(model, REPORT_FILE)}: ${messageOf(error)}; change the permissions, or leave the report as it is with --no-report`,
      { cause: error },
    )
  }
}

/** Puts the result into the model's report, in place of an earlier one. @throws NearrankError DISK */
export async function writeImportance(model: string, found: MeasuredImportance): Promise<void> {
  const text = withSection(await readReport(model), HEADING, importanceLines(found))
  await writeFileAtomic(join(model, REPORT_FILE), text)
}

/** The Markdown of the section, without its heading. Pure. */
export function importanceLines(found: MeasuredImportance): string[] {
  return [
    'By how much the log loss of the test clicks rises, and their AUC falls, if a feature’s values come from another',
    'click at random. ± is the standard error.',
    '',
    importanceBasis(found),
    '',
    ...importanceTable('group', found.groups),
    '',
    ...importanceTable('feature', found.features),
  ]
}

/** What was measured on, and how good the model is there, in one sentence. */
export function importanceBasis({ rows, testRows, repeats, seed, logLoss, auc }: MeasuredImportance): string {
  const used = rows < testRows ? `${formatCount(rows)} of ${formatCount(testRows)}` : formatCount(rows)
  const times = repeats > 1 ? `, each ${repeats} times` : ''
  return `${used} test clicks${times}, seed ${seed}: log loss ${logLoss.toFixed(5)}, AUC ${shown(auc)} as they are.`
}

/** The figures of a feature or group, as tables show them: log loss and error, AUC and error. */
export function importanceFigures(one: Importance): string[] {
  return [one.logLossIncrease, one.logLossError, one.aucDecrease, one.aucError].map(shown)
}

function importanceTable(what: string, all: Importance[]): string[] {
  return markdownTable(
    [what, 'log loss rises by', '±', 'AUC falls by', '±'],
    all.map((one) => [one.name, ...importanceFigures(one)]),
  )
}

function shown(value: number | null): string {
  return value?.toFixed(5) ?? '–'
}

/** Empty if there is none. */
async function readReport(model: string): Promise<string> {
  try {
    return await readFile(join(model, REPORT_FILE), 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}
