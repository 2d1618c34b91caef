import { fits, misfits, type Static, type TSchema } from '../../schema.ts'
import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { NearrankError, messageOf } from '../../errors.ts'
import { diskError, isMissing, writeNewFile } from '../../files.ts'

export const MANIFEST = 'manifest.json'
const MANIFEST_BYTES_MAX = 256 * 2 ** 20 // 500 M rows have one of about 1 MB

/** Writes `<folder>/manifest.json` with a checksum of its own. @throws NearrankError DISK */
export async function writeManifest(folder: string, body: object): Promise<void> {
  const text = JSON.stringify(body)
  await writeNewFile(join(folder, MANIFEST), JSON.stringify({ crc32: crc32(text), body: text })).catch(
    (error: unknown) => {
      throw diskError(error, `write ${join(folder, MANIFEST)}`)
    },
  )
}

/**
 * Reads a manifest back, checked against its checksum and `schema`; undefined when there is none.
 * @throws NearrankError DAMAGED
 */
export async function readManifest<T extends TSchema>(
  folder: string,
  schema: T,
): Promise<Static<T> | undefined> {
  const text = await readSmallText(join(folder, MANIFEST), MANIFEST_BYTES_MAX).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw damagedPack(folder, messageOf(error))
  })
  if (text === undefined) return undefined
  const outer = parse(text)
  const body = (outer as { body?: unknown })?.body
  if (typeof body !== 'string') throw damagedPack(folder, `${MANIFEST} is not what was written`)
  if (crc32(body) !== (outer as { crc32?: unknown }).crc32)
    throw damagedPack(folder, `the checksum of ${MANIFEST} does not match`)
  const value = parse(body)
  if (!fits(schema, value))
    throw damagedPack(folder, `${MANIFEST}: ${misfits(schema, value)[0]?.instancePath} is wrong`)
  return value
}

/** What is said of a pack that is not what was written. */
export function damagedPack(folder: string, what: string, cause?: unknown): NearrankError {
  return new NearrankError(
    'DAMAGED',
    `Cannot use the packed data in ${folder}: ${what}; delete that folder and run again; it is made again from the Parquet files`,
    { cause },
  )
}

/**
 * Removes the packs beside `keptName` that are earlier versions of it: of the same `key`. Packs of other
 * settings stay, another run may be reading them. One that cannot be removed stays too: it is in nobody's
 * way.
 */
export async function removeStale(
  home: string,
  keptName: string,
  prefix: string,
  key: string,
): Promise<void> {
  for (const name of await readdir(home).catch(() => [])) {
    if (!name.startsWith(prefix) || name === keptName) continue
    const text = await readSmallText(join(home, name, MANIFEST), MANIFEST_BYTES_MAX).catch(() => '')
    const body = (parse(text) as { body?: unknown } | undefined)?.body
    const itsKey = typeof body === 'string' ? (parse(body) as { key?: unknown } | undefined)?.key : undefined
    if (itsKey === key) await rm(join(home, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

/** Reads a text file of at most `bytesMax` bytes. */
export async function readSmallText(path: string, bytesMax: number): Promise<string> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size > bytesMax) throw new Error(`${path} has ${size} bytes, at most ${bytesMax} are allowed`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
