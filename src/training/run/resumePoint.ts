import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import {
  type CheckpointArrays,
  type CheckpointState,
  type FoundCheckpoint,
  isCheckpoint,
  previousPath,
  readCheckpoint,
} from './checkpoint.ts'

/** The checkpoint that a run goes on from. */
export interface ResumePoint {
  state: CheckpointState
  isNewest: boolean // false: the newest is missing or damaged, and the run goes on from the one before it
  note: string | undefined // what is repeated, and why
}

/** What a file in a checkpoint's place is good for. */
type Generation = FoundCheckpoint | undefined | { error: NearrankError }

/** The run to go on with, and the place for the arrays of its checkpoint. */
export interface ResumingRun {
  run: string // its fingerprint
  arrays: CheckpointArrays
}

/**
 * Where a run goes on: at its newest checkpoint if that one is whole, else at the one before it; undefined if
 * there is neither. Fills `arrays` with those of the checkpoint.
 * @throws NearrankError INPUT if something else is in their place, or another run's checkpoint; DAMAGED if no
 * whole one is left.
 */
export async function resumePoint(path: string, resuming: ResumingRun): Promise<ResumePoint | undefined> {
  const { run } = resuming
  const newest = await generation(path, resuming)
  if (isWhole(newest)) {
    if (newest.state.run !== run) throw ofAnotherRun(path)
    return { state: newest.state, isNewest: true, note: undefined }
  }
  const previous = await previousPath(path)
  const before = await generation(previous, resuming)
  if (isWhole(before)) {
    // What is no checkpoint by its beginning has been one if the run's own stands beside it.
    if (newest?.error.code === 'INPUT' && before.state.run !== run) throw newest.error
    if (before.state.run !== run) throw ofAnotherRun(previous)
    return { state: before.state, isNewest: false, note: repeatedNote(path, newest, previous, before) }
  }
  for (const one of [newest, before]) if (one?.error.code === 'INPUT') throw one.error
  if (newest === undefined && before === undefined) return undefined
  const state = (one: Generation) => (one === undefined ? 'missing' : 'damaged')
  throw new NearrankError(
    'DAMAGED',
    `Cannot resume: the checkpoint ${path} is ${state(newest)}, and the one before it, ${previous}, is ${state(before)}. ` +
      'Train without --resume to start from the beginning.',
    { cause: (newest ?? before)?.error },
  )
}

/**
 * Whether a run that begins anew is going to replace checkpoints.
 * @throws NearrankError INPUT if something else is in their place.
 */
export async function replacesCheckpoints(path: string): Promise<boolean> {
  const found = [await isCheckpoint(path), await isCheckpoint(await previousPath(path))]
  return found.includes(true)
}

/** Reads the arrays, too, if it is the run's own: it is whole only if the disk can read them. */
async function generation(path: string, { run, arrays }: ResumingRun): Promise<Generation> {
  try {
    const found = await readCheckpoint(path)
    if (found?.state.run === run) await found.readInto(arrays)
    return found
  } catch (error) {
    if (error instanceof NearrankError && ['DAMAGED', 'INPUT'].includes(error.code)) return { error }
    throw error
  }
}

function isWhole(found: Generation): found is FoundCheckpoint {
  return found !== undefined && 'state' in found
}

function repeatedNote(
  path: string,
  newest: Generation,
  previous: string,
  { state }: FoundCheckpoint,
): string {
  return (
    `The newest checkpoint ${path} is ${newest === undefined ? 'missing' : 'damaged'}: going on from the one before it, ${previous}, ` +
    `in epoch ${state.epoch} at step ${formatCount(state.step)}. What was trained after that step is repeated; the weights become the same.`
  )
}

function ofAnotherRun(path: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot resume from ${path}: it belongs to a run with other settings, other data or another kernel build. ` +
      'Repeat that run, or train without --resume to start from the beginning.',
  )
}
