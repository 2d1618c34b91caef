import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceDeclaration } from '../../features/declaration.ts'
import type { DeclaredFeature, LeftOut } from '../../features/declared.ts'
import { type FeatureSpec, isOwnId, isPosition } from '../../features/featureSpec.ts'
import { grownFeature, hasVocabulary } from '../../features/grow.ts'
import type { ColumnNames } from '../options.ts'
import { columnNamed, type ParquetFile, type RowsSource } from '../parquet/parquetFile.ts'
import { POSITIONS_MAX } from './featureColumns.ts'
import { valueCounts } from './tableStatistics.ts'
import { columnsFor } from './placeColumns.ts'

/** Features of a model, with the values that rows have beyond those it knows; everything else as it was. */
export async function growFeatures(
  connection: DuckDBConnection,
  rows: RowsSource,
  fitted: readonly FeatureSpec[],
  declared: SourceDeclaration,
): Promise<FeatureSpec[]> {
  const grown: FeatureSpec[] = []
  for (const feature of fitted) {
    if (!hasVocabulary(feature)) {
      grown.push(feature)
      continue
    }
    const { minCount, maxSize } = { ...limitsOf(feature), ...declaredLimits(declared, feature) }
    const asked = {
      name: feature.name,
      kind: feature.kind,
      ...(minCount !== undefined && { minCount }),
    }
    const counts = await valueCounts(connection, rows, columnNamed(rows, feature.name), asked)
    grown.push(grownFeature(feature, counts, maxSize))
  }
  return grown
}

/** Those that are declared, of a feature that the model has. */
function declaredLimits(declared: SourceDeclaration, { name }: FeatureSpec) {
  const entry = declared.get(name)
  return (entry === false ? undefined : entry) as Pick<DeclaredFeature, 'minCount' | 'maxSize'> | undefined
}

/** As when the feature was fitted; what is not told follows from the rows. */
function limitsOf(feature: FeatureSpec): Pick<DeclaredFeature, 'minCount' | 'maxSize'> {
  if (isPosition(feature)) return { minCount: 1, maxSize: POSITIONS_MAX }
  return isOwnId(feature) ? { minCount: 1 } : {}
}

/** Columns that a model of such features does not know. */
export function columnsBeside(
  file: ParquetFile,
  fitted: readonly FeatureSpec[],
  columns: ColumnNames,
): LeftOut[] {
  const taken = new Set([...Object.values(columns), ...columnsFor(fitted)])
  const reason = 'the model that is gone on from does not have it'
  return file.columns.flatMap(({ name }) => (taken.has(name) ? [] : [{ name, reason }]))
}
