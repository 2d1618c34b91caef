import { readFile } from 'node:fs/promises'
import { Problem } from '../problems/problems.ts'
import { type SharedFile, sharedFile } from '../routes/sharedFile.ts'

/** What `npm run build` has made of `src/console`: file names with a hash of what is in them. */
export interface Manifest {
  script: string
  style: string
  preload: string[] // scripts that the first one imports
}

const FOLDER = new URL('../../../dist/console/', import.meta.url) // from src/ and dist/ alike
const FILE = /^[\w-]+-[A-Z0-9]{8}\.(js|css)$/
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}
const SUFFIXES = { br: '.br', gzip: '.gz', identity: '' } as const
export type Encoding = keyof typeof SUFFIXES

/** @throws Problem if the console has not been built. */
export async function readManifest(): Promise<Manifest> {
  const path = new URL('manifest.json', FOLDER)
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Manifest
  } catch (error) {
    throw new Problem(
      'UNKNOWN_ROUTE',
      'Cannot show the console: it must be built first, found no dist/console; run npm run build',
      { cause: error },
    )
  }
}

const files = new Map<string, Promise<SharedFile>>() // read when they are first asked for

/** A file of the bundle, compressed at build time; undefined: there is none of this name. */
export async function bundleFile(name: string, encoding: Encoding): Promise<SharedFile | undefined> {
  const [, kind] = FILE.exec(name) ?? []
  if (kind === undefined) return undefined
  const stored = name + SUFFIXES[encoding]
  let reading = files.get(stored)
  if (!reading) {
    reading = readBundleFile(stored, TYPES[kind], encoding)
    reading.catch(() => files.delete(stored))
    files.set(stored, reading)
  }
  return reading.catch(() => undefined)
}

async function readBundleFile(stored: string, type: string, encoding: Encoding): Promise<SharedFile> {
  return sharedFile(await readFile(new URL(stored, FOLDER)), {
    'content-type': type,
    'cache-control': 'public, max-age=31536000, immutable', // other content has another name
    vary: 'accept-encoding',
    ...(encoding !== 'identity' && { 'content-encoding': encoding }),
  })
}

/** The best encoding of those that a request takes. */
export function encodingFor(accepted: string | string[] | undefined): Encoding {
  const taken = new Set(
    String(accepted ?? '')
      .toLowerCase()
      .split(',')
      .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
      .map((part) => part.split(';', 1)[0].trim()),
  )
  if (taken.has('br')) return 'br'
  return taken.has('gzip') ? 'gzip' : 'identity'
}
