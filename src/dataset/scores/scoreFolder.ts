import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, NearrankError } from '../../errors.ts'
import {
  checkEmptyFolder,
  diskError,
  isMissing,
  siblingPath,
  staleSiblings,
  syncDirectory,
  writeFileAtomic,
} from '../../files.ts'
import { packageVersion } from '../../packageVersion.ts'
import { fits, misfits, type Static, Type } from '../../schema.ts'
import { readSmallText } from '../pack/packManifest.ts'

export const SCORES_FILE = 'scores.json'
const SCORES_BYTES_MAX = 64 * 2 ** 20 // 100,000 files take 20 MB

const Count = Type.Integer({ minimum: 0 })
const ScoredFileSchema = Type.Object({
  source: Type.String(), // fingerprint of the file that was scored
  path: Type.Optional(Type.String()), // of that file, relative to the data; absent: not known
  rows: Count, // in the file of scores
  dropped: Count, // rows of the source that are not in it
  bytes: Count,
})
const OriginSchema = Type.Object({
  model: Type.String(), // sha256 of its weights
  tables: Type.String(), // fingerprint of the packed feature tables
  options: Type.String(), // whatever else decides the scores or the columns, as text
})
const ManifestSchema = Type.Object({
  format: Type.Literal(1),
  createdBy: Type.Object({ name: Type.Literal('nearrank'), version: Type.String() }),
  origin: OriginSchema,
  // by name, relative to the folder and inside of it
  files: Type.Record(Type.String({ pattern: String.raw`^(?!(.*/)?\.\./)[^/]` }), ScoredFileSchema, {
    additionalProperties: false,
  }),
})

/** What a folder of scores is made of. */
export type ScoresOrigin = Static<typeof OriginSchema>
export type ScoredFile = Static<typeof ScoredFileSchema>

const DIFFERS: Record<keyof ScoresOrigin, string> = {
  model: 'scores of another model',
  tables: 'scores of other feature tables',
  options: 'scores made with other options',
}

/** A folder that fills with files of scores one by one, and knows which of them are complete. */
export class ScoreFolder {
  readonly #out: string
  readonly #manifest: Static<typeof ManifestSchema>

  private constructor(out: string, origin: ScoresOrigin, files: Record<string, ScoredFile>) {
    this.#out = out
    this.#manifest = {
      format: 1,
      createdBy: { name: 'nearrank', version: packageVersion() },
      origin,
      files,
    }
  }

  /**
   * Makes the folder, or takes it up again if it holds scores of the same origin. `overwrite`: begins anew,
   * whatever scores it holds.
   * @throws NearrankError INPUT if it holds anything else, DAMAGED, DISK.
   */
  static async open(out: string, origin: ScoresOrigin, overwrite: boolean): Promise<ScoreFolder> {
    try {
      const found = await readManifest(out)
      if (found === undefined) await checkEmptyFolder(out, SCORES_FILE, 'write scores to')
      else if (!overwrite) checkOrigin(out, found.origin, origin)
      const folder = new ScoreFolder(out, origin, overwrite || !found ? {} : found.files)
      if (overwrite && found)
        for (const name of Object.keys(found.files)) await rm(join(out, name), { force: true })
      await folder.#save()
      return folder
    } catch (error) {
      throw diskError(error, `write scores to ${out}`)
    }
  }

  /** The scores of a source, if they are there, whole and of the source as it is. */
  async scored(name: string, source: string): Promise<ScoredFile | undefined> {
    const { files } = this.#manifest
    if (!Object.hasOwn(files, name) || files[name].source !== source) return undefined
    const there = await stat(join(this.#out, name)).catch(() => undefined)
    return there?.size === files[name].bytes ? files[name] : undefined
  }

  /** A path beside a file of scores for what is being made; removed by a later run if this one is killed. */
  async temporaryPath(name: string): Promise<string> {
    const target = join(this.#out, name)
    try {
      await mkdir(dirname(target), { recursive: true })
      for (const stale of await staleSiblings(target)) await rm(stale, { force: true })
    } catch (error) {
      throw diskError(error, `write ${target}`)
    }
    return siblingPath(target, 'new')
  }

  /** @throws NearrankError INPUT if scores of one of the files would replace those of another one. */
  checkNames(files: readonly { name: string; path: string }[]): void {
    for (const { name, path } of files) {
      const other = Object.hasOwn(this.#manifest.files, name) ? this.#manifest.files[name].path : undefined
      if (other === undefined || other === path) continue
      throw new NearrankError(
        'INPUT',
        `Cannot write scores of ${path} to ${this.#out}: they would replace ${name}, which has those of ${other}; choose another folder (--out), or begin anew with overwrite (--overwrite)`,
      )
    }
  }

  /**
   * Gives the synced file at `temporary` its place. Scores of the same source under another name are removed:
   * names depend on which files are scored at once.
   * @throws NearrankError DISK
   */
  async add(name: string, temporary: string, made: Omit<ScoredFile, 'bytes'>): Promise<void> {
    const target = join(this.#out, name)
    try {
      const { size: bytes } = await stat(temporary)
      await rename(temporary, target)
      await syncDirectory(dirname(target))
      const { files } = this.#manifest
      files[name] = { ...made, bytes }
      const others = Object.keys(files).filter((other) => other !== name && files[other].path === made.path)
      for (const other of others) {
        await rm(join(this.#out, other), { force: true })
        delete files[other]
      }
      await this.#save()
    } catch (error) {
      throw diskError(error, `write ${target}`)
    }
  }

  #save(): Promise<void> {
    return writeFileAtomic(join(this.#out, SCORES_FILE), `${JSON.stringify(this.#manifest, null, 2)}\n`)
  }
}

async function readManifest(out: string): Promise<Static<typeof ManifestSchema> | undefined> {
  const path = join(out, SCORES_FILE)
  let found: unknown
  try {
    found = JSON.parse(await readSmallText(path, SCORES_BYTES_MAX))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw damaged(path, messageOf(error))
  }
  if (!fits(ManifestSchema, found))
    throw damaged(path, `${misfits(ManifestSchema, found)[0]?.instancePath} is wrong`)
  return found
}

function damaged(path: string, what: string): NearrankError {
  return new NearrankError(
    'DAMAGED',
    `Cannot read ${path}: ${what}; delete the folder, or choose another one (--out)`,
  )
}

function checkOrigin(out: string, found: ScoresOrigin, wanted: ScoresOrigin): void {
  for (const [key, what] of Object.entries(DIFFERS) as [keyof ScoresOrigin, string][])
    if (found[key] !== wanted[key]) {
      const options = key === 'options' ? ` (${found.options}, not ${wanted.options})` : ''
      throw new NearrankError(
        'INPUT',
        `Cannot write scores to ${out}: it holds ${what}${options}; choose another folder (--out), or replace them with overwrite (--overwrite)`,
      )
    }
}
