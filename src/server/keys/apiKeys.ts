import { hash, timingSafeEqual } from 'node:crypto'

export const RIGHTS = ['read', 'write', 'admin'] as const

/** `read`: recommendations, features, metrics; `write`: changing features; `admin`: changing the model. */
export type Right = (typeof RIGHTS)[number]

/** One key as its file has it: never the key, only what it hashes to. */
export interface ApiKeyEntry {
  name: string
  sha256: string // 64 hexadecimal digits
  rights: Right[]
}

export interface KeyHeaders {
  authorization?: string | undefined
  'x-api-key'?: string | string[] | undefined
}

export type KeyVerdict = 'granted' | 'unauthenticated' | 'forbidden'

const KEY_CHARS_MAX = 512

/**
 * The keys that open the API. A key is 256 random bits, so that a plain hash protects it: a slow hash is for
 * keys that a dictionary may hold.
 */
export class ApiKeys {
  readonly entries: readonly ApiKeyEntry[]
  readonly #hashes: Buffer[]

  constructor(entries: readonly ApiKeyEntry[]) {
    this.entries = entries
    this.#hashes = entries.map(({ sha256 }) => Buffer.from(sha256, 'hex'))
  }

  /**
   * Whether the key in `X-Api-Key` or, without one, in `Authorization: Bearer …` has `right`. Compares with
   * every entry in constant time; a few microseconds.
   */
  check(headers: KeyHeaders, right: Right): KeyVerdict {
    const key = keyOf(headers)
    if (key === undefined) return 'unauthenticated'
    const found = hash('sha256', key, 'buffer')
    let match = -1
    for (let i = 0; i < this.#hashes.length; i++) if (timingSafeEqual(this.#hashes[i], found)) match = i
    if (match === -1) return 'unauthenticated'
    return this.entries[match].rights.includes(right) ? 'granted' : 'forbidden'
  }
}

function keyOf(headers: KeyHeaders): string | undefined {
  const own = headers['x-api-key']
  const key = own ?? /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1]
  return typeof key === 'string' && key.length > 0 && key.length <= KEY_CHARS_MAX ? key : undefined
}
