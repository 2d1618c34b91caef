import { open, rm, stat } from 'node:fs/promises'
import { NearrankError } from '../../errors.ts'
import { diskError, isMissing, writeFileAtomic } from '../../files.ts'
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
/** Of every safetensors file that Nearrank writes, behind its 8 bytes of length. */
const BEGINNING = Buffer.from('{"__metadata__":{"nearrank.')

/** Where the checkpoint of a run stands: beside the model that it will become. */
export function checkpointPath(out: string): string {
  return `${out.replace(/[/\\]+$/, '')}.checkpoint`
}

/**
 * Writes a checkpoint whole: temporary file, sync, rename. The arrays are not copied: they must not change
 * until it is written.
 */
export async function writeCheckpoint(
  path: string,
  state: CheckpointState,
  arrays: CheckpointArrays,
): Promise<void> {
  const tensors: StateDict = new Map(
    NAMES.map((name) => [name, { shape: [arrays[name].length], data: arrays[name] }]),
  )
  await writeFileAtomic(path, safetensorsParts(tensors, { state: JSON.stringify(state) }))
}

/** A checkpoint whose checksum holds. */
export interface FoundCheckpoint {
  state: CheckpointState
  /** Its arrays, into those of the run. @throws NearrankError DAMAGED where they are of other lengths. */
  readInto(arrays: CheckpointArrays): Promise<void>
}

/**
 * Reads a checkpoint but for its arrays; undefined where there is none, or, with `mayBeDamaged`, where a
 * damaged one is going to be replaced.
 * @throws NearrankError DAMAGED where its checksum does not hold, INPUT where something else stands in its
 * place.
 */
export async function readCheckpoint(
  path: string,
  options: { mayBeDamaged: boolean },
): Promise<FoundCheckpoint | undefined> {
  try {
    if (!(await isOurs(path))) throw notOurs(path)
    // The file's checksum holds, or this throws: what it tells is what writeCheckpoint wrote.
    const { tensors, metadata } = await openSafetensors(path)
    if (metadata.state === undefined || NAMES.some((name) => !tensors.has(name))) throw notOurs(path)
    const state = JSON.parse(metadata.state) as CheckpointState
    const readInto = async (arrays: CheckpointArrays) => {
      for (const name of NAMES) await readTensorInto(path, tensors.get(name)!, arrays[name])
    }
    return { state, readInto }
  } catch (error) {
    if (isMissing(error)) return undefined
    if (options.mayBeDamaged && error instanceof NearrankError && error.code === 'DAMAGED') return undefined
    throw diskError(error, `read the checkpoint ${path}`)
  }
}

async function isOurs(path: string): Promise<boolean> {
  const found = await stat(path)
  if (!found.isFile() || found.size > BYTES_MAX) return false
  const file = await open(path, 'r')
  try {
    const beginning = Buffer.alloc(BEGINNING.length)
    await file.read(beginning, 0, beginning.length, 8)
    return beginning.equals(BEGINNING)
  } finally {
    await file.close()
  }
}

export async function removeCheckpoint(path: string): Promise<void> {
  await rm(path, { force: true })
}

function notOurs(path: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot resume from ${path}: it is not a Nearrank checkpoint. Move it away, or choose another --out`,
  )
}
