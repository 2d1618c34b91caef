import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import { type FeatureSpec, storedFeatures, toldFeatures } from '../../features/featureSpec.ts'
import { ID_KINDS } from '../../ids.ts'
import { KNOWN_VALUES_MAX } from '../limits.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'
import type { FeatureService } from '../services.ts'
import { mayBeMissing } from './featureDocs.ts'

const CLOSED = { additionalProperties: false }
const KINDS = ['number', 'category', 'categories', 'text', 'vector', 'time', 'cell'] as const

const Feature = Type.Object(
  {
    name: Type.String(),
    kind: Type.Enum([...KINDS]),
    may_be_missing: Type.Boolean(),
    known_values: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Of a category: how many training saw; absent if hashed' }),
    ),
    values: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: KNOWN_VALUES_MAX,
        description: `Of a category: the ${KNOWN_VALUES_MAX} most frequent of them, most frequent first`,
      }),
    ),
    length: Type.Optional(Type.Integer({ minimum: 1, description: 'Of a vector' })),
  },
  CLOSED,
)
const SideFeatures = Type.Object(
  {
    ids: Type.Enum([...ID_KINDS]),
    form: Type.Enum(['vectors', 'values'], { description: 'As rows are stored, answered and written' }),
    features: Type.Array(Feature),
  },
  CLOSED,
)
const Answer = Type.Object(
  { users: SideFeatures, restaurants: SideFeatures, context: Type.Array(Feature) },
  CLOSED,
)

/** `GET /features`: what the model that is served takes, for pages with a field for each feature. */
export function modelFeaturesRoute(app: FastifyInstance, service: FeatureService): void {
  app.get(
    '/features',
    {
      config: { right: 'read' },
      schema: {
        operationId: 'get_features',
        summary: 'What the current model takes',
        description:
          'The features of users, of restaurants and of the request itself, with the values of categories that training saw. Positions on a screen and features made of a pair are left out, since nobody tells them.',
        tags: ['Model'],
        response: { 200: jsonResponse('The features.', Answer), ...problemResponses('INTERNAL') },
      },
    },
    async () => {
      const { users, restaurants, context = [] } = service.features()
      const side = (of: 'users' | 'restaurants', features: readonly FeatureSpec[]) => {
        const { ids, form = 'vectors' } = service.layout[of]
        return { ids, form, features: storedFeatures(features).map(featureJson) }
      }
      return {
        users: side('users', users),
        restaurants: side('restaurants', restaurants),
        context: toldFeatures(context).map(featureJson),
      }
    },
  )
}

function featureJson(feature: FeatureSpec) {
  const { name, kind } = feature
  const isListed = (kind === 'category' || kind === 'categories') && feature.buckets === undefined
  return {
    name,
    kind,
    may_be_missing: mayBeMissing(feature),
    ...(isListed && {
      known_values: feature.values.length,
      values: feature.values.slice(0, KNOWN_VALUES_MAX),
    }),
    ...(kind === 'vector' && { length: feature.length }),
  }
}
