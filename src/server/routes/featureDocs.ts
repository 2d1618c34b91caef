import { type TSchema, Type } from '../../schema.ts'
import type { CategoriesFeature, CategoryFeature, FeatureSpec } from '../../features/featureSpec.ts'
import { namesOf, SIDES, storedFeatures, toldFeatures } from '../../features/featureSpec.ts'
import { RecommendBody } from '../../ranking/requestBody.ts'
import type { FeatureService } from '../services.ts'

const COMPONENTS = {
  users: 'UserFeatures',
  restaurants: 'RestaurantFeatures',
  context: 'RequestContext',
} as const

/** Stands for the features of a side of values or of requests, which change with the model. */
export function featuresRef(source: keyof typeof COMPONENTS): TSchema {
  return Type.Unsafe({ $ref: `#/components/schemas/${COMPONENTS[source]}` })
}

/** What `featuresRef` refers to: the features of sides of values, as the model that is served has them. */
export function featureComponents(service: FeatureService): Record<string, object> {
  const { layout } = service
  const fitted = service.features()
  const components: Record<string, object> = { [COMPONENTS.context]: contextSchema(service) }
  for (const side of SIDES)
    if (layout[side].form === 'values')
      components[COMPONENTS[side]] = featuresSchema(storedFeatures(fitted[side]), layout[side].names ?? [])
  return components
}

function featuresSchema(features: readonly FeatureSpec[], stored: readonly string[]): object {
  const used = new Set(namesOf(features))
  const unused = stored.filter((name) => !used.has(name))
  return {
    type: 'object',
    description: 'Values by the names of the features. A value that is absent or null is missing.',
    properties: {
      ...propertiesOf(features),
      ...Object.fromEntries(
        unused.map((name) => [name, { description: 'kept, and not used by the current model' }]),
      ),
    },
    required: features.filter((feature) => !mayBeMissing(feature)).map(({ name }) => name),
    additionalProperties: false,
  }
}

function contextSchema(service: FeatureService): object {
  return {
    ...RecommendBody.properties.context,
    properties: propertiesOf(toldFeatures(service.features().context ?? [])),
    additionalProperties: service.unknownContext === 'ignore',
  }
}

function propertiesOf(features: readonly FeatureSpec[]): Record<string, object> {
  return Object.fromEntries(
    features.map((feature) => [feature.name, Object.assign(valueSchema(feature), extensionsOf(feature))]),
  )
}

/** What programs need that make requests from columns like those of the training data. */
function extensionsOf(feature: FeatureSpec): object {
  const columns = feature.kind === 'cell' ? feature.columns : undefined
  return { 'x-kind': feature.kind, ...(columns && { 'x-columns': columns }) }
}

/** Whether a row may lack it. */
export function mayBeMissing(feature: FeatureSpec): boolean {
  return (feature.kind !== 'number' && feature.kind !== 'vector') || feature.missing !== undefined
}

function valueSchema(feature: FeatureSpec): object {
  const orNull = mayBeMissing(feature) ? ['null'] : []
  switch (feature.kind) {
    case 'number':
      return { type: ['number', ...orNull], description: 'number' }
    case 'category':
      return {
        type: ['string', 'number', 'boolean', ...orNull],
        description: `category: ${known(feature)}`,
      }
    case 'categories':
      return {
        type: ['array', ...orNull],
        items: { type: ['string', 'number', 'boolean'] },
        description: `list of categories, of which the first ${feature.maxValues} count: ${known(feature)}`,
      }
    case 'text':
      return {
        type: ['string', ...orNull],
        description: `text, of which the first ${feature.maxValues} words count`,
      }
    case 'vector': {
      const { length } = feature
      return {
        type: ['array', ...orNull],
        items: { type: 'number' },
        minItems: length,
        maxItems: length,
        description: `list of ${length} numbers`,
      }
    }
    case 'cell':
      return {
        type: ['array', ...orNull],
        items: { type: ['number', 'null'] },
        minItems: 2,
        maxItems: 2,
        description: 'a place: latitude and longitude in degrees',
      }
    case 'time':
      return {
        type: ['string', 'number', ...orNull],
        description: 'date or time, as an ISO 8601 text (UTC without a zone) or as milliseconds since 1970',
        examples: ['2024-05-17', '2024-05-17T18:30:00Z'],
      }
  }
}

/** No examples: they may be ids, and anybody may read the documentation. */
function known({ values, buckets }: CategoryFeature | CategoriesFeature): string {
  if (buckets !== undefined) return `any value, hashed into ${buckets} buckets`
  return `${values.length} values are known, others count as unseen`
}
