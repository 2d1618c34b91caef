import { parseJson } from '../../json/parseJson.ts'
import { hash, randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { Type } from '../../schema.ts'
import { messageOf, NearrankError } from '../../errors.ts'
import { isMissing, writeFileAtomic } from '../../files.ts'
import { duplicateKey } from '../../json/duplicateKey.ts'
import { schemaProblem } from '../../json/schemaProblem.ts'
import { type ApiKeyEntry, ApiKeys, type Right, RIGHTS } from './apiKeys.ts'

const FILE_BYTES_MAX = 2 ** 20
const KEYS_MAX = 1000
const KEY_BYTES = 32
const STRICT = { additionalProperties: false }

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' })

const KeyFile = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        {
          name: Name,
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
          rights: Type.Array(Type.Enum([...RIGHTS]), {
            minItems: 1,
            maxItems: RIGHTS.length,
            uniqueItems: true,
          }),
        },
        STRICT,
      ),
      { minItems: 1, maxItems: KEYS_MAX },
    ),
  },
  STRICT,
)

/** The API keys of the file `path`, which holds only hashes. @throws NearrankError INPUT. */
export function readApiKeys(path: string): ApiKeys {
  return new ApiKeys(readEntries(path))
}

/**
 * Makes a key with `rights`, adds its hash to the file `path` (made if it is missing, replaced whole) and
 * returns the key, which is kept nowhere. @throws NearrankError INPUT if the file is damaged or has that
 * name, DISK.
 */
export async function addApiKey(
  path: string,
  { name, rights }: { name: string; rights: readonly Right[] },
): Promise<string> {
  const entries = readIfThere(path)
  const key = `nr_${randomBytes(KEY_BYTES).toString('base64url')}`
  const added = { name, sha256: hash('sha256', key), rights: [...new Set(rights)] }
  if (entries.some((entry) => entry.name === name))
    throw new NearrankError(
      'INPUT',
      `Cannot add a key to ${path}: the name must be new, found ${JSON.stringify(name)} in the file; choose another name`,
    )
  const content = { keys: [...entries, added] }
  const problem = schemaProblem(KeyFile, content)
  if (problem !== undefined) throw new NearrankError('INPUT', `Cannot add a key to ${path}: ${problem}`)
  await writeFileAtomic(path, `${JSON.stringify(content, null, 2)}\n`)
  return key
}

function readIfThere(path: string): ApiKeyEntry[] {
  try {
    return readEntries(path)
  } catch (error) {
    if (error instanceof NearrankError && isMissing(error.cause)) return []
    throw error
  }
}

function readEntries(path: string): ApiKeyEntry[] {
  const text = readText(path)
  const json = jsonOf(path, text)
  const twice = duplicateKey(text)
  if (twice !== undefined) throw wrong(path, `key ${JSON.stringify(twice)} appears twice in one object`)
  const problem = schemaProblem(KeyFile, json)
  if (problem !== undefined) throw wrong(path, problem)
  const { keys } = json as { keys: ApiKeyEntry[] }
  for (const field of ['name', 'sha256'] as const)
    if (new Set(keys.map((key) => key[field])).size < keys.length)
      throw wrong(path, `each ${field} must be unique, found a duplicate`)
  return keys
}

function readText(path: string): string {
  try {
    const { size } = statSync(path)
    if (size > FILE_BYTES_MAX) throw wrong(path, `it must be at most ${FILE_BYTES_MAX} bytes, found ${size}`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw error instanceof NearrankError ? error : wrong(path, messageOf(error), error)
  }
}

function jsonOf(path: string, text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw wrong(path, `it must be JSON: ${messageOf(error)}`, error)
  }
}

function wrong(path: string, sentence: string, cause?: unknown): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot use the API keys of ${path}: ${sentence}; make a new file with nearrank api-key --file NEW --name NAME`,
    { cause },
  )
}
