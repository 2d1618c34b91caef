import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readSmallText } from '../../dataset/pack/packManifest.ts'
import { messageOf, NearrankError } from '../../errors.ts'
import { checkEmptyFolder, diskError, isMissing, writeFileAtomic } from '../../files.ts'
import { packageVersion } from '../../packageVersion.ts'
import { fits, misfits, type Static, Type } from '../../schema.ts'
import { shown } from '../../shown.ts'

export const TUNE_FILE = 'tune.json'
export const BEST_FILE = 'best.json'
const TUNE_BYTES_MAX = 16 * 2 ** 20 // 1,000 trials take less than 1 MB

const Epochs = Type.Number() // trained; a fraction: the last epoch ended early
const MeasuredSchema = Type.Object({
  epochs: Epochs,
  loss: Type.Number(), // by which trials are compared
  validationLoss: Type.Number(),
  validationAuc: Type.Optional(Type.Number()),
  validationNdcg10: Type.Optional(Type.Number()),
  seconds: Type.Number(),
})
const FailedSchema = Type.Object({ epochs: Epochs, failed: Type.String(), seconds: Type.Number() })
const TrialSchema = Type.Object({
  settings: Type.Record(Type.String(), Type.Unknown()), // what varies
  rungs: Type.Array(Type.Union([MeasuredSchema, FailedSchema])),
})
const OriginSchema = Type.Object({
  data: Type.String(), // fingerprint of the packed rows and the features
  kernels: Type.String(),
  trials: Type.Integer({ minimum: 1 }),
  searched: Type.Array(Type.String()),
  settings: Type.Record(Type.String(), Type.Unknown()), // of the first trial
})
const RecordSchema = Type.Object({
  format: Type.Literal(1),
  createdBy: Type.Object({ name: Type.Literal('nearrank'), version: Type.String() }),
  origin: OriginSchema,
  trials: Type.Array(TrialSchema), // by number
})

/** How a training of a trial ended. */
export type Measured = Static<typeof MeasuredSchema>
export type Failed = Static<typeof FailedSchema>
/** One of the settings tried, and its trainings, the shortest first. */
export type TuneTrial = Static<typeof TrialSchema>
/** What decides everything that a search finds. */
export type TuneOrigin = Static<typeof OriginSchema>

type TuneRecord = Static<typeof RecordSchema>

/** A folder that holds a search: `tune.json` grows by each training that has ended. */
export class TuneFolder {
  readonly #out: string
  readonly #record: TuneRecord

  private constructor(out: string, record: TuneRecord) {
    this.#out = out
    this.#record = record
  }

  /**
   * Proves, touching nothing, that a search may be kept in `out`.
   * @throws NearrankError INPUT if it holds anything else, DAMAGED, DISK.
   */
  static async check(out: string, overwrite: boolean): Promise<void> {
    await readRecord(out, overwrite)
  }

  /**
   * Makes the folder, or takes it up again if it holds a search of the same origin. `overwrite`: begins anew,
   * whatever search it holds. `drawn`: what varies, trial by trial.
   * @throws NearrankError INPUT if it holds anything else, DAMAGED, DISK.
   */
  static async open(
    out: string,
    { origin, drawn, overwrite }: { origin: TuneOrigin; drawn: readonly object[]; overwrite: boolean },
  ): Promise<TuneFolder> {
    const found = await readRecord(out, overwrite)
    if (found) {
      const difference = differenceOf(found.origin, origin)
      if (difference !== undefined)
        throw new NearrankError(
          'INPUT',
          `Cannot continue the search in ${out}: it has ${difference}; choose another folder (--out), or begin anew with overwrite (--overwrite)`,
        )
    }
    const created: TuneRecord = {
      format: 1,
      createdBy: { name: 'nearrank', version: packageVersion() },
      origin,
      trials: drawn.map((settings) => ({ settings: { ...settings }, rungs: [] })),
    }
    const folder = new TuneFolder(out, found ?? created)
    try {
      await mkdir(out, { recursive: true })
      if (!found) await rm(join(out, BEST_FILE), { force: true })
      if (!found) await folder.#save()
    } catch (error) {
      throw diskError(error, `write the search to ${out}`)
    }
    return folder
  }

  get trials(): readonly Readonly<TuneTrial>[] {
    return this.#record.trials
  }

  /** Keeps how a training of `trial` has ended. */
  async add(trial: number, ended: Measured | Failed): Promise<void> {
    this.#record.trials[trial].rungs.push(ended)
    await this.#save()
  }

  /** Writes the config file of the best. Returns its path. */
  async addBest(config: object): Promise<string> {
    const path = join(this.#out, BEST_FILE)
    await writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`)
    return path
  }

  #save(): Promise<void> {
    return writeFileAtomic(join(this.#out, TUNE_FILE), `${JSON.stringify(this.#record, null, 2)}\n`)
  }
}

/** The search that `out` holds; undefined: none, or one that is to be overwritten. */
async function readRecord(out: string, overwrite: boolean): Promise<TuneRecord | undefined> {
  const path = join(out, TUNE_FILE)
  let found: unknown
  try {
    found = JSON.parse(await readSmallText(path, TUNE_BYTES_MAX))
  } catch (error) {
    if (!isMissing(error)) throw damaged(path, messageOf(error))
    await checkEmptyFolder(out, TUNE_FILE, 'keep a search in')
    return undefined
  }
  if (!fits(RecordSchema, found))
    throw damaged(path, `${misfits(RecordSchema, found)[0]?.instancePath} is wrong`)
  if (found.trials.length !== found.origin.trials) throw damaged(path, 'trials are missing')
  return overwrite ? undefined : found
}

function damaged(path: string, what: string): NearrankError {
  return new NearrankError(
    'DAMAGED',
    `Cannot read ${path}: ${what}; delete the folder, or choose another one (--out)`,
  )
}

/** What is otherwise in the search that was found than in the one that is wanted, as a part of a sentence. */
function differenceOf(found: TuneOrigin, wanted: TuneOrigin): string | undefined {
  if (found.data !== wanted.data) return 'other data, or other columns or features of it'
  if (found.trials !== wanted.trials) return `${found.trials} trials, not ${wanted.trials}`
  const keys = new Set([...Object.keys(found.settings), ...Object.keys(wanted.settings)])
  for (const key of keys) {
    const [was, is] = [found.settings[key], wanted.settings[key]]
    if (JSON.stringify(was) !== JSON.stringify(is)) return `${key} ${shown(was)}, not ${shown(is)}`
  }
  for (const key of new Set([...found.searched, ...wanted.searched]))
    if (found.searched.includes(key) !== wanted.searched.includes(key))
      return `${key} ${found.searched.includes(key) ? 'among what it varies' : 'given, and varies it not'}`
  return found.kernels === wanted.kernels
    ? undefined
    : `other kernels: ${found.kernels}, not ${wanted.kernels}`
}
