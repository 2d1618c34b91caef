import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import type { FeatureSpec, PairFeature } from '../../features/featureSpec.ts'
import { modelFeatures } from '../../model/modelFeatures.ts'
import type { ModelDescription } from '../../model/modelFile.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'
import type { ModelService } from '../services.ts'

const CLOSED = { additionalProperties: false }

/** What the trainer wrote, as it stands in model.json. */
const asWritten = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description })
const Inputs = Type.Array(Type.Object({ name: Type.String(), kind: Type.String() }, CLOSED))

const Report = Type.Object(
  {
    checksum: Type.String({ description: 'SHA-256 of the weights' }),
    created_by: Type.String({ description: 'As in Nearrank 0.1.0' }),
    scores: Type.Enum(['probabilities', 'order'], { description: 'order: only their order means anything' }),
    preset: Type.String(),
    features: Type.Object({ users: Inputs, restaurants: Inputs, context: Inputs, pairs: Inputs }, CLOSED),
    hidden: Type.Array(Type.Integer({ minimum: 1 }), { description: 'Widths of the hidden layers' }),
    metrics: Type.Union([Type.Null(), asWritten('Of the test set; null: there was none')]),
    epochs: Type.Array(asWritten('Of one epoch: rows, seconds, loss and what validation measured')),
    constraints: Type.Array(asWritten('A constraint: name, limit, measured, met')),
    settings: asWritten('Of the training'),
    training: asWritten('How the training went: when, on what, with how many rows'),
  },
  CLOSED,
)
const Answer = Type.Object(
  {
    current: Report,
    previous: Type.Union([Type.Null(), Report], { description: 'What a rollback returns to' }),
    folder: Type.Union([Type.Null(), Report], {
      description: 'What a reload loads, as far as model.json tells',
    }),
    folder_problem: Type.Optional(Type.String({ description: 'Why the folder cannot be read' })),
  },
  CLOSED,
)

/** `GET /admin/models`: the model that is served and those that may take its place, with their reports. */
export function modelReportsRoute(app: FastifyInstance, models: ModelService): void {
  app.get(
    '/admin/models',
    {
      config: { right: 'admin' },
      schema: {
        operationId: 'get_models',
        summary: 'The reports of the current model, the one before, and the one in the folder',
        description: 'Metrics, epochs, constraints, settings and training have the names of model.json.',
        tags: ['Model'],
        response: { 200: jsonResponse('The reports.', Answer), ...problemResponses('INTERNAL') },
      },
    },
    async () => {
      const { current, previous, folder } = await models.reports()
      return {
        current: reportJson(current),
        previous: previous && reportJson(previous),
        ...(typeof folder === 'string'
          ? { folder: null, folder_problem: folder }
          : { folder: reportJson(folder) }),
      }
    },
  )
}

function reportJson(description: ModelDescription) {
  const { weights, createdBy, scores, preset, network, metrics } = description
  const { epochs, constraints, settings, training } = description
  const { users, restaurants, context = [], pairs = [] } = modelFeatures(description)
  return {
    checksum: weights.sha256,
    created_by: `Nearrank ${createdBy.version}`,
    scores: scores ?? 'probabilities',
    preset,
    features: {
      users: users.map(inputJson),
      restaurants: restaurants.map(inputJson),
      context: context.map(inputJson),
      pairs: pairs.map(inputJson),
    },
    hidden: network.hidden,
    metrics,
    epochs,
    constraints,
    settings,
    training,
  }
}

function inputJson({ name, kind }: FeatureSpec | PairFeature) {
  return { name, kind }
}
