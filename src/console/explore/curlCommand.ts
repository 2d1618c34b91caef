import type { Id, RecommendQuery } from '../../client/types.ts'
import { pathId } from '../../client/wireJson.ts'

export interface CurlOptions {
  root: string // of the server, without a slash at the end
  hasKey: boolean
}

/** A command line of a POSIX shell that makes the same request. The key itself is not in it. */
export function curlCommand(user: Id, query: RecommendQuery, { root, hasKey }: CurlOptions): string {
  const { latitude, longitude, size, maxDistM, sortByDistance, context } = query
  const body = JSON.stringify({
    latitude,
    longitude,
    size,
    max_dist: maxDistM,
    ...(sortByDistance === true && { sort_dist: true }),
    context,
  })
  return [
    `curl ${quoted(`${root}/recommend/${pathId(user)}`)}`,
    "-H 'content-type: application/json'",
    ...(hasKey ? ['-H "authorization: Bearer $NEARRANK_API_KEY"'] : []),
    `-d ${quoted(body)}`,
  ].join(' \\\n  ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
