import type { FeatureKind } from '../../features/featureSpec.ts'
import type { ParquetColumn } from '../parquet/parquetFile.ts'
import type { KeyFeature } from '../parquet/pathKeys.ts'
import { inferClickFeature } from '../tables/featureColumns.ts'
import { areAlike, typesFor, valueTypeOf } from '../tables/valueTypes.ts'
import { mayBeLabel } from './clickFigures.ts'
import type { Source } from './openSources.ts'
import type { InspectionWarning } from './report.ts'

const TOLD_MAX = 20 // columns

/** Columns of the training clicks that the test clicks lack, or hold as another type. `click`: the label. */
export function compareSplits(train: Source, test: Source, click: string): InspectionWarning[] {
  const warning = (column: string | null, text: string): InspectionWarning => ({
    kind: 'differentColumns',
    file: test.name,
    column,
    message: `${test.name}: ${text}; write test clicks with the same columns`,
  })
  const byName = new Map(test.columns.map((column) => [column.name, column]))
  const lacking = train.columns.filter(({ name }) => !byName.has(name)).map(({ name }) => name)
  const others = train.columns.flatMap((column) => {
    const { name } = column
    const own = byName.get(name)
    if (!own || areAlike(column, own) || (name === click && mayBeLabel(column) && mayBeLabel(own))) return []
    const kind = learnedKind(column)
    const isTaken = kind !== undefined && typesFor(kind).includes(valueTypeOf(own))
    const result = isTaken
      ? 'its values may be others to a model that takes it'
      : 'a model that takes it cannot be measured'
    const text = `column ${name} is ${own.type}, in ${train.name} it is ${column.type}, so ${result}`
    return [warning(name, text)]
  })
  const few = lacking.slice(0, TOLD_MAX).join(', ') + (lacking.length > TOLD_MAX ? ', …' : '')
  const unmeasured = (them: string) => `, so a model that takes ${them} cannot be measured`
  return [
    ...(lacking.length === 1
      ? [warning(few, `column ${few} of ${train.name} is missing${unmeasured('it')}`)]
      : []),
    ...(lacking.length > 1
      ? [warning(null, `columns ${few} of ${train.name} are missing${unmeasured('them')}`)]
      : []),
    ...others.slice(0, TOLD_MAX),
  ]
}

/** What a model that takes the columns of training clicks learns them as. */
export function learnedFeatures({ columns }: Source): KeyFeature[] {
  return columns.flatMap((column) => {
    const kind = learnedKind(column)
    return kind ? [{ name: column.name, kind }] : []
  })
}

/** What a column of clicks becomes that is named and not declared; undefined: it cannot be a feature. */
function learnedKind(column: ParquetColumn): FeatureKind | undefined {
  const known = { rows: 2, missing: 0, distinct: 2, lengths: { min: 1, max: 1 } }
  const feature = inferClickFeature({ name: column.name, type: valueTypeOf(column), ...known })
  return typeof feature === 'string' ? undefined : feature.kind
}
