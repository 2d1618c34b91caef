import { lstat, open, rm, stat } from 'node:fs/promises'
import { NearrankError } from '../../errors.ts'
import { diskError, errnoOf, isMissing, resolveTarget, writeFileAtomic } from '../../files.ts'
import type { StateDict } from '../../model/network.ts'
import { safetensorsParts } from '../../model/safetensors.ts'
import { openSafetensors, readTensorInto } from '../../model/safetensorsFile.ts'
import type { Position, TrainedArrays } from '../crew/protocol.ts'
import type { EpochReport, LedgerEpoch } from '../types.ts'

/** Everything that a run needs to go on as if it had never stopped. */
export interface CheckpointState extends Position {
  run: string // fingerprint of all that decides the result; another run's checkpoint is refused
  epoch: number // from 1, the one in progress; epochs + 1: all are done
  epochSeconds: number // spent on that epoch so far
  trainSeconds: number
  packSeconds: number
  peakRssBytes: number // so far, over all processes of the run
  bestLoss: number | null // lowest validation loss so far
  bestEpoch: number // 0: none yet
  worseEpochs: number // since then
  epochs: EpochReport[]
  ledger: LedgerEpoch[]
}

/** The arrays, all in the layout of the parameters: [layout.size]. */
export interface CheckpointArrays extends TrainedArrays {
  best: Float32Array // parameters of bestEpoch
}

const NAMES = ['parameters', 'momentsM', 'momentsV', 'best'] as const
const BYTES_MAX = 2 ** 34 // four arrays of all the memory that a run can have
/** Bytes 4 to 30 of every safetensors file that Nearrank writes: its header is shorter than 4 GiB. */
const BEGINNING = Buffer.from('\0\0\0\0{"__metadata__":{"nearrank.')

/** Where the checkpoint of a run stands: beside the model that it will become. */
export function checkpointPath(out: string): string {
  return `${out.replace(/[/\\]+$/, '')}.checkpoint`
}

/** Where the one before it stands: beside the file that `path` leads to. */
export async function previousPath(path: string): Promise<string> {
  const isLink = (await lstat(path).catch(() => undefined))?.isSymbolicLink() ?? false
  return `${isLink ? await resolveTarget(path) : path}.previous`
}

/**
 * Writes a checkpoint whole: temporary file, sync, rename. With `keepsNewest`, the one at `path` first takes
 * the place of the one before it. The arrays are not copied: they must not change until it is written.
 */
export async function writeCheckpoint(
  path: string,
  { state, arrays }: { state: CheckpointState; arrays: CheckpointArrays },
  { keepsNewest }: { keepsNewest: boolean },
): Promise<void> {
  const tensors: StateDict = new Map(
    NAMES.map((name) => [name, { shape: [arrays[name].length], data: arrays[name] }]),
  )
  const data = safetensorsParts(tensors, { state: JSON.stringify(state) })
  await writeFileAtomic(path, data, keepsNewest ? { keepAs: await previousPath(path) } : {})
}

/** A checkpoint whose checksum holds. */
export interface FoundCheckpoint {
  state: CheckpointState
  /**
   * Its arrays, into those of the run.
   * @throws NearrankError DAMAGED if they are of other lengths or the disk cannot read them, DISK.
   */
  readInto(arrays: CheckpointArrays): Promise<void>
}

/**
 * Reads a checkpoint but for its arrays; undefined if there is none.
 * @throws NearrankError DAMAGED if its checksum does not hold or the disk cannot read it, INPUT if something
 * else stands in its place, DISK.
 */
export async function readCheckpoint(path: string): Promise<FoundCheckpoint | undefined> {
  try {
    if (!(await isOurs(path))) throw notOurs(path)
    // The file's checksum holds, or this throws: what it tells is what writeCheckpoint wrote.
    const { tensors, metadata } = await openSafetensors(path)
    if (metadata.state === undefined || NAMES.some((name) => !tensors.has(name))) throw notOurs(path)
    const state = JSON.parse(metadata.state) as CheckpointState
    const readInto = async (arrays: CheckpointArrays) => {
      try {
        for (const name of NAMES) await readTensorInto(path, tensors.get(name)!, arrays[name])
      } catch (error) {
        throw readError(error, path)
      }
    }
    return { state, readInto }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw readError(error, path)
  }
}

/** What a disk cannot read is as good as damaged, and the checkpoint before it may be whole. */
function readError(error: unknown, path: string): NearrankError {
  const readable = diskError(error, `read the checkpoint ${path}`)
  return errnoOf(error) === 'EIO'
    ? new NearrankError('DAMAGED', readable.message, { cause: error })
    : readable
}

/**
 * Whether a checkpoint, or what is left of one, stands at `path`; false: nothing does.
 * @throws NearrankError INPUT if something else stands there, DISK.
 */
export async function isCheckpoint(path: string): Promise<boolean> {
  try {
    if (!(await isOurs(path))) throw notOurs(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw diskError(error, `read the checkpoint ${path}`)
  }
}

/** By its beginning, as far as it goes: it may have been cut off. An empty file has nothing to lose. */
async function isOurs(path: string): Promise<boolean> {
  const found = await stat(path)
  if (!found.isFile() || found.size > BYTES_MAX) return false
  if (found.size === 0) return true
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING.length), 0, BEGINNING.length, 4)
    return bytesRead > 0 && buffer.subarray(0, bytesRead).equals(BEGINNING.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

/** Both, and nothing is left of the run. */
export async function removeCheckpoints(path: string): Promise<void> {
  for (const one of [await previousPath(path), path]) await rm(one, { force: true })
}

function notOurs(path: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot use ${path} for checkpoints: it is not a Nearrank checkpoint, or its beginning is damaged. ` +
      'Move it away, or choose another --out',
  )
}
