import { fits, Type } from '../schema.ts'
import type { ContextFeature } from '../dataset/requests.ts'
import { FEATURE_KINDS } from '../dataset/tables/valueTypes.ts'

const TIMEOUT_MS = 10_000
const BYTES_MAX = 64 * 2 ** 20

/** What a server's `/openapi.json` tells of the context that its model takes. */
const Description = Type.Object({
  components: Type.Object({
    schemas: Type.Object({
      RequestContext: Type.Object({
        properties: Type.Record(
          Type.String(),
          Type.Object({
            'x-kind': Type.Enum(FEATURE_KINDS),
            'x-columns': Type.Optional(Type.Tuple([Type.String(), Type.String()])),
          }),
        ),
      }),
    }),
  }),
})

/**
 * The context features of the model that is served at `url`. None if the server does not tell: whether it is
 * there, and answers, is found out by asking for a ranking.
 */
export async function servedContext(
  url: string,
  { apiKey, signal }: { apiKey?: string; signal?: AbortSignal } = {},
): Promise<ContextFeature[]> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/openapi.json`, {
      ...(apiKey !== undefined && { headers: { authorization: `Bearer ${apiKey}` } }),
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    })
    const description: unknown = JSON.parse(await textOf(response))
    if (!fits(Description, description)) return []
    const { properties } = description.components.schemas.RequestContext
    return Object.entries(properties).map(([name, { 'x-kind': kind, 'x-columns': columns }]) =>
      columns ? { name, kind, columns } : { name, kind },
    )
  } catch {
    return []
  }
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > BYTES_MAX) throw new RangeError(`a description has at most ${BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
