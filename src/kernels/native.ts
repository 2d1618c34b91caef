import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../errors.ts'
import { GROUP_LOSSES, type Kernels } from './kernels.ts'

const load = createRequire(import.meta.url)

/** A family of processors that the native kernels are compiled for. */
export type NativeFamily = 'avx512' | 'avx2' | 'neon'

/** The families that run on a processor of each: its own, and those before it. */
export const FAMILIES_ON: Record<NativeFamily, NativeFamily[]> = {
  avx512: ['avx512', 'avx2'],
  avx2: ['avx2'],
  neon: ['neon'],
}

/** The kernels that there are in C as well; all others are WebAssembly. */
type NativeKernels = Pick<
  Kernels,
  | 'gemm'
  | 'gemmOnes'
  | 'hidden'
  | 'gather'
  | 'adam'
  | 'loss'
  | 'weightedLoss'
  | 'groupLoss'
  | 'scaleRows'
  | 'sumSlices'
  | 'peak'
>

/** Doubles of a kernel's row, and of what those of a thread share (`native/row.h`). */
const ROW_LENGTH = 17
const RESULT = 15
const SHARED_LENGTH = 16

/** The library of this platform, beside the WebAssembly kernels; there is none where no compiler was. */
export function nativeFile(): string {
  return fileURLToPath(new URL(`../../wasm/native-${process.platform}-${process.arch}.node`, import.meta.url))
}

/** The best family of this processor; null: there is none. @throws Error that says why none can run here. */
export function familyOfProcessor(): NativeFamily | null {
  const { family } = openLibrary()
  return family === '' ? null : family
}

/** `kernels`, with those that there are in C in their place, over the same shared memory. */
export function bindNative(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  family: NativeFamily,
  largePages = hasLargePages(), // for tests
): Kernels {
  const opened = openLibrary()
  const all = new Uint8Array(memory.buffer)
  const shared = offHeap(SHARED_LENGTH)
  if (largePages) new Uint32Array(shared.buffer)[0] = 1 // `native/ahead.h`
  const take = (name: string): Taken => {
    const row = offHeap(ROW_LENGTH)
    return { row, shared, all, call: opened[`${name}_${family}`](row, all, shared) }
  }
  return { ...kernels, ...nativeKernels(take, kernels) }
}

/**
 * Asks the system for pages of megabytes, not kilobytes, for a memory that has yet to be filled: rows at
 * random places of its tables are found faster. It may refuse.
 */
export function useLargePages(memory: WebAssembly.Memory): void {
  openLibrary().useLargePages(new Uint8Array(memory.buffer))
}

/** Whether the system gives large pages where it is asked for them. */
function hasLargePages(): boolean {
  try {
    return !readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8').includes('[never]')
  } catch {
    return false // another system than Linux, or it may not be read
  }
}

/** Numbers that the garbage collector does not move. */
function offHeap(length: number): Float64Array {
  return new Float64Array(new ArrayBuffer(8 * length))
}

/** A kernel's function, and the row of doubles that it takes its arguments from and leaves its result in. */
interface Taken {
  row: Float64Array
  shared: Float64Array // what is left for another kernel
  all: Uint8Array // the memory; all three must stay as long as it is computed in
  call: () => void
}

/** What `native/module.c` exports: the processor's family, and the kernels of each by name. */
type Library = { family: NativeFamily | ''; useLargePages: (memory: Uint8Array) => void } & Record<
  `${string}_${NativeFamily}`,
  (row: Float64Array, memory: Uint8Array, shared: Float64Array) => () => void
>

// A call takes thirteen nanoseconds with the arguments in a row; those of a kernel as they are took hundreds.
// biome-ignore format: a line for each argument would hide what is the same
function nativeKernels(take: (name: string) => Taken, others: Kernels): NativeKernels {
  const [layer, rows, step] = [take('hidden'), take('gather'), take('adam')]
  const [entropy, weighted, pairs] = [take('loss'), take('weightedLoss'), take('pairwise')]
  const [scaling, adding, limit] = [take('scaleRows'), take('sumSlices'), take('peak')]
  const product = (of: Taken): Kernels['gemm'] => (c, ldc, a, am, ap, b, ldb, init, ldi, m, n, p) => {
    const q = of.row
    q[1] = c; q[2] = ldc; q[3] = a; q[4] = am; q[5] = ap; q[6] = b; q[7] = ldb; q[8] = init; q[9] = ldi
    q[10] = m; q[11] = n; q[12] = p
    of.call()
  }
  return {
    gemm: product(take('gemm')),
    gemmOnes: product(take('gemmOnes')),
    hidden(mask, ldm, z, x, ldx, w, ldw, bias, wOut, m, n, p) {
      const q = layer.row
      q[1] = mask; q[2] = ldm; q[3] = z; q[4] = x; q[5] = ldx; q[6] = w; q[7] = ldw; q[8] = bias; q[9] = wOut
      q[10] = m; q[11] = n; q[12] = p
      layer.call()
    },
    gather(x, ldx, users, restaurants, clicks, count, countPadded, userTable, userStride, userCount, restaurantTable, restaurantStride, restaurantCount) {
      const q = rows.row
      q[1] = x; q[2] = ldx; q[3] = users; q[4] = restaurants; q[5] = clicks; q[6] = count; q[7] = countPadded
      q[8] = userTable; q[9] = userStride; q[10] = userCount
      q[11] = restaurantTable; q[12] = restaurantStride; q[13] = restaurantCount
      rows.call()
      return q[RESULT] | 0 // as WebAssembly returns it
    },
    adam(p, g, m, v, count, stepSize, vScale, beta1, beta2, epsilon, decay) {
      const q = step.row
      q[1] = p; q[2] = g; q[3] = m; q[4] = v; q[5] = count; q[6] = stepSize; q[7] = vScale
      q[8] = beta1; q[9] = beta2; q[10] = epsilon; q[11] = decay
      step.call()
      return q[RESULT]
    },
    loss(z4, bias, clicks, delta, count, countPadded, scale, stats) {
      const q = entropy.row
      q[1] = z4; q[2] = bias; q[3] = clicks; q[4] = delta; q[5] = count; q[6] = countPadded; q[7] = scale; q[8] = stats
      entropy.call()
    },
    weightedLoss(z4, bias, clicks, delta, count, countPadded, scale, stats, weights, mean) {
      const q = weighted.row
      q[1] = z4; q[2] = bias; q[3] = clicks; q[4] = delta; q[5] = count; q[6] = countPadded; q[7] = scale; q[8] = stats
      q[9] = weights; q[10] = mean
      weighted.call()
    },
    groupLoss(kind, logits, clicks, groups, count, delta, scratch, scale, k, weight, stats, weights, rowMean, clickMean) {
      if (kind !== GROUP_LOSSES.pairwise && kind !== GROUP_LOSSES['logistic+pairwise']) {
        others.groupLoss(kind, logits, clicks, groups, count, delta, scratch, scale, k, weight, stats, weights, rowMean, clickMean)
        return
      }
      const q = pairs.row
      q[1] = kind === GROUP_LOSSES.pairwise ? 0 : 1; q[2] = logits; q[3] = clicks; q[4] = groups; q[5] = count
      q[6] = delta; q[7] = scratch; q[8] = scale; q[9] = weight; q[10] = stats
      q[11] = weights; q[12] = rowMean; q[13] = clickMean
      pairs.call()
    },
    scaleRows(x, ldx, factor, count, width) {
      const q = scaling.row
      q[1] = x; q[2] = ldx; q[3] = factor; q[4] = count; q[5] = width
      scaling.call()
    },
    sumSlices(out, slices, stride, sliceCount, count, width, ld) {
      const q = adding.row
      q[1] = out; q[2] = slices; q[3] = stride; q[4] = sliceCount; q[5] = count; q[6] = width; q[7] = ld
      adding.call()
    },
    peak(at, steps) {
      const q = limit.row
      q[1] = at; q[2] = steps
      limit.call()
    },
  }
}

let library: Library | undefined // of this thread

/** @throws Error that says why there is none here. */
function openLibrary(): Library {
  if (library) return library
  const file = nativeFile()
  if (!existsSync(file))
    throw new Error(`there is no ${file}; npm run build makes it on a machine with a C compiler`)
  checkWhole(file)
  try {
    library = load(file) as Library
    return library
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED')
      throw new Error('Node may not load addons here; --allow-addons lets it', { cause: error })
    const [reason] = messageOf(error).split('\n') // what follows is of Node's own modules
    throw new Error(reason, { cause: error })
  }
}

const ELF = 0x7f454c46
/** Byte offsets in a 64-bit ELF file, little-endian: System V ABI, "ELF header" and "program header". */
const ELF_HEADER = { sections: 0x28, sectionBytes: 0x3a, sectionCount: 0x3c, bytes: 0x40 }
const ELF_SEGMENTS = { at: 0x20, entryBytes: 0x36, count: 0x38, offset: 8, fileBytes: 32, bytes: 56 }

/**
 * Linux loads a library that was cut short, and ends the process when it comes to what is missing. Linkers
 * write the table of sections last; what is loaded are segments. @throws Error
 */
function checkWhole(file: string): void {
  const bytes = readFileSync(file)
  if (bytes.length < ELF_HEADER.bytes || bytes.readUInt32BE(0) !== ELF) return // the system will tell
  const long = (at: number) => Number(bytes.readBigUInt64LE(at))
  const { sections, sectionBytes, sectionCount } = ELF_HEADER
  let end = long(sections) + bytes.readUInt16LE(sectionBytes) * bytes.readUInt16LE(sectionCount)
  const { at, entryBytes, count, offset, fileBytes } = ELF_SEGMENTS
  for (let i = 0; i < bytes.readUInt16LE(count); i++) {
    const segment = long(at) + i * bytes.readUInt16LE(entryBytes)
    const isThere = segment + ELF_SEGMENTS.bytes <= bytes.length
    end = Math.max(
      end,
      isThere ? long(segment + offset) + long(segment + fileBytes) : segment + ELF_SEGMENTS.bytes,
    )
  }
  if (bytes.length < end)
    throw new Error(
      `${file} is cut short: wanted ${end} bytes, found ${bytes.length}; npm run build makes it anew`,
    )
}
