import { importanceBasis, importanceFigures } from '../../training/importance/importanceText.ts'
import type { Importance, MeasuredImportance } from '../../training/importance/measure.ts'
import { renderTable } from './table.ts'

const NAME_CHARS_MAX = 38 // with four figures beside it, a line then fits 80 columns

/** What `importance` found, as tables: groups, then features. */
export function renderImportance(found: MeasuredImportance): string {
  const head = (what: string) => [what, 'log loss +', '±', 'AUC −', '±']
  const rows = (all: Importance[]) => all.map((one) => [nameOf(one), ...importanceFigures(one)])
  const width = Math.max(...[...found.groups, ...found.features].map((one) => nameOf(one).length))
  const table = (what: string, all: Importance[]) =>
    renderTable(head(what.padEnd(width)), rows(all), ['left', 'right', 'right', 'right', 'right'])
  return [
    importanceBasis(found),
    'With a feature’s values from another click at random, the log loss rises and',
    'the AUC falls by:',
    '',
    table('group', found.groups),
    '',
    table('feature', found.features),
  ].join('\n')
}

function nameOf({ name }: Importance): string {
  const letters = Array.from(name)
  return letters.length > NAME_CHARS_MAX ? `${letters.slice(0, NAME_CHARS_MAX - 1).join('')}…` : name
}
