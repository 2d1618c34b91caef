import { NearrankError } from '../errors.ts'
import { shown } from '../shown.ts'

/** Stands for all origins. */
export const ANY_ORIGIN = '*'

/**
 * Checks the origins whose pages may call a server. All of them (`*`) are allowed only with keys, which no
 * page has by itself: without, any page in a visitor's browser could read and change everything. `null` is
 * none: any page can make itself a frame of that origin. @throws NearrankError USAGE
 */
export function checkCorsOrigins(origins: readonly string[], { hasKeys }: { hasKeys: boolean }): void {
  for (const origin of origins) {
    if (origin === ANY_ORIGIN && hasKeys) continue
    if (origin === ANY_ORIGIN)
      throw wrong('* needs --api-keys, since any page could read and change everything; name the origins')
    if (origin.includes('*'))
      throw wrong(`no part of an origin may be *, found ${shown(origin)}; name each origin`)
    const url = URL.parse(origin)
    if (!url || !/^https?:$/.test(url.protocol) || url.origin !== origin)
      throw wrong(
        `an origin must be like https://shop.example or http://localhost:3000, in lower case, without a path, found ${shown(origin)}`,
      )
  }
}

function wrong(sentence: string): NearrankError {
  return new NearrankError('USAGE', `Cannot use --cors-origin: ${sentence}`)
}
