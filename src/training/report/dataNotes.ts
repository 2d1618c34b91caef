import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import type { Tables } from '../../dataset/tables/readTables.ts'
import { formatCount } from '../../format.ts'
import { type FeatureSpec, type FeaturesOf, type PairFeature, SINGULAR } from '../../features/featureSpec.ts'
import { MEAN_MAX, normalizationOf } from '../../model/normalization.ts'
import { numberNames } from '../../features/rowShape.ts'

/** Mean over standard deviation; at 10^4 the fold costs 4 of float32's 7 digits. */
const FAR_DEVIATIONS = 1e4
/** Seconds of the years 2000 to 2040, taken for milliseconds, as days. */
const SECONDS_AS_DAYS = [10.9, 25.6] as const
/** Microseconds of the same years; a true date is never that late. */
const MICROSECONDS_AS_DAYS = 1e7
const FILES_SHOWN = 5
const NAMES_SHOWN = 8

/** Columns of the clicks that nothing reads. */
type ClickColumns = Pick<PackedRows, 'unused'>

/** What of the data a person should know before training: sentences. */
export function dataNotes(tables: Tables, features: FeaturesOf, { unused = [] }: ClickColumns): string[] {
  const { users, restaurants, context = [] } = features
  return [
    takenNote(features),
    ...leftOutNotes(tables),
    ...(unused.length > 0
      ? [
          `Not used of the clicks: ${unused.join(', ')}. Name what is known before the click with --context-features.`,
        ]
      : []),
    ...users.flatMap((feature) => featureNotes(feature, SINGULAR.users)),
    ...restaurants.flatMap((feature) => featureNotes(feature, SINGULAR.restaurants)),
    ...context.flatMap((feature) => featureNotes(feature, 'context')),
  ]
}

/** `files`: the Parquet files in the data folder that were not read, by name. */
export function unreadNotes(files: readonly string[]): string[] {
  if (files.length === 0) return []
  const shown = files.slice(0, FILES_SHOWN).join(', ')
  const more = files.length > FILES_SHOWN ? `, and ${formatCount(files.length - FILES_SHOWN)} more` : ''
  return [`Parquet files in the data folder that were not read: ${shown}${more}.`]
}

/** Which features there are. */
function takenNote({ users, restaurants, context = [], pairs = [] }: FeaturesOf): string {
  const parts = [
    [users, 'of the users'],
    [restaurants, 'of the restaurants'],
    [context, 'of the clicks'],
    [pairs, 'of both together'],
  ] as const
  const named = parts.flatMap(([features, of]) => {
    if (features.length === 0) return []
    const names = features.slice(0, NAMES_SHOWN).map(({ name }) => name)
    const more = features.length - names.length
    return [`${of}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`]
  })
  return `Features ${named.join('; ')}.`
}

/** Which columns are no features, and why. */
function leftOutNotes({ users, restaurants }: Tables): string[] {
  return [users, restaurants].flatMap(({ side, leftOut }) => {
    if (leftOut.length === 0) return []
    const columns = Array.from(
      Map.groupBy(leftOut, ({ reason }) => reason),
      ([reason, same]) => `${same.map(({ name }) => name).join(', ')} (${reason})`,
    ).join(', ')
    return [`Not used as features of the ${side}: ${columns}.`]
  })
}

function featureNotes(feature: FeatureSpec, source: string): string[] {
  const { name, kind } = feature
  const isVocabulary = (kind === 'category' || kind === 'categories') && feature.buckets === undefined
  if (isVocabulary && feature.values.length === 0)
    return [
      `Feature ${source}.${name} says nothing: no value of it is in as many rows as its minCount. Declare a smaller minCount, or false to leave it out.`,
    ]
  if (kind !== 'time') return []
  const days = feature.missing.value
  const unit =
    days >= SECONDS_AS_DAYS[0] && days <= SECONDS_AS_DAYS[1]
      ? 'seconds'
      : days > MICROSECONDS_AS_DAYS
        ? 'microseconds'
        : undefined
  return unit === undefined
    ? []
    : [
        `Feature ${source}.${name} is on average ${Math.round(days)} days after 1970: its integers look like ${unit}, and are taken for milliseconds. Write milliseconds or timestamps.`,
      ]
}

/**
 * Numbers far from zero for their spread: folding the normalisation into float32 weights takes as many digits
 * as a mean has more than its deviation. `context`: the statistics of the clicks' numbers.
 */
export function farNotes(
  { users, restaurants }: Tables,
  features: FeaturesOf,
  { context }: Pick<PackedRows, 'context'>,
): string[] {
  const ofClicks = [...(features.context ?? []), ...(features.pairs ?? [])]
  return [
    ...[users, restaurants].flatMap((table) => farNotesOf(table.side, table.features, table)),
    ...(context ? farNotesOf('clicks', ofClicks, context) : []),
  ]
}

function farNotesOf(
  source: string,
  features: readonly (FeatureSpec | PairFeature)[],
  { mean, standardDeviation }: { mean: number[]; standardDeviation: number[] },
): string[] {
  const { scale } = normalizationOf(mean, standardDeviation)
  return Array.from(numberNames(features).entries()).flatMap(([i, name]) => {
    const [middle, spread] = [mean[i], standardDeviation[i]]
    const feature = `Feature ${name} of the ${source}`
    const isTime = features.some((one) => one.name === name && one.kind === 'time')
    const advice = isTime ? 'Declare it without the part days.' : 'Subtract a constant from it first.'
    const numbers = `(mean ${middle.toPrecision(4)}, deviation ${spread.toPrecision(4)})`
    if (spread === 0)
      return Math.abs(middle) > MEAN_MAX
        ? [
            `${feature} has one value in float32 ${numbers}, from which nothing is learned. If its numbers differ, subtract a constant from it first.`,
          ]
        : []
    if (scale[i] < 1 / spread)
      return [
        `${feature} is hardly learned from: float32 holds little of what tells its numbers apart ${numbers}. ${isTime ? advice : 'Subtract a constant from it first, or multiply it if they are tiny.'}`,
      ]
    if (Math.abs(middle) > FAR_DEVIATIONS * spread)
      return [
        `${feature} is far from zero for its spread ${numbers}: the saved model takes it raw, in float32, and loses precision. ${advice}`,
      ]
    return []
  })
}
