import { areAlike } from '../tables/valueTypes.ts'
import type { Source } from './openSources.ts'
import type { InspectionWarning } from './report.ts'

const TOLD_MAX = 20 // columns

/** Columns of the training clicks that the test clicks lack, or hold as another type. */
export function compareSplits(train: Source, test: Source): InspectionWarning[] {
  const warning = (column: string | null, text: string): InspectionWarning => ({
    kind: 'differentColumns',
    file: test.name,
    column,
    message: `${test.name}: ${text}, so a model that takes ${column === null ? 'them' : 'it'} cannot be measured; write test clicks with the same columns`,
  })
  const byName = new Map(test.columns.map((column) => [column.name, column]))
  const lacking = train.columns.filter(({ name }) => !byName.has(name)).map(({ name }) => name)
  const others = train.columns.flatMap((column) => {
    const own = byName.get(column.name)
    return own && !areAlike(column, own)
      ? [warning(column.name, `column ${column.name} is ${own.type}, in ${train.name} it is ${column.type}`)]
      : []
  })
  const few = lacking.slice(0, TOLD_MAX).join(', ') + (lacking.length > TOLD_MAX ? ', …' : '')
  return [
    ...(lacking.length === 1 ? [warning(few, `column ${few} of ${train.name} is missing`)] : []),
    ...(lacking.length > 1 ? [warning(null, `columns ${few} of ${train.name} are missing`)] : []),
    ...others.slice(0, TOLD_MAX),
  ]
}
