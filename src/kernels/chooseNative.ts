import { messageOf, NearrankError } from '../errors.ts'
import { checkAgainstTwin, checkSameBits, WrongKernels } from './checkKernels.ts'
import { bindKernels, compileKernels, createMemory } from './kernels.ts'
import { bindNative, familyOfProcessor, type NativeFamily } from './native.ts'

/** What has been found out about the native kernels of this machine. */
interface Finding {
  family: NativeFamily | null
  problem: string // why there is none
  isWrong: boolean // they run, but compute something else than they must
}

let finding: Finding | undefined

/**
 * Whether this process can run native kernels: they must give the bits of the relaxed build, and be near
 * their naive twins. Cost: 25 ms, the first time.
 */
export function findNative(): Finding {
  finding ??= lookForNative()
  return finding
}

/**
 * The family of native kernels for a run; null: it computes in WebAssembly. Their bits are the same, so
 * `auto` takes them wherever they run; `report` is told if they compute something else.
 * @throws NearrankError INPUT if they are asked for and cannot run.
 */
export function chooseNative(
  kernels: 'auto' | 'wasm' | 'native',
  report: (message: string) => void,
): NativeFamily | null {
  if (kernels === 'wasm') return null
  const { family, problem, isWrong } = findNative()
  if (family === null && kernels === 'native')
    throw new NearrankError(
      'INPUT',
      `Cannot use native kernels: ${problem}. --kernels auto goes without them`,
    )
  if (isWrong) report(`Native kernels: ${problem}: continuing without them`)
  return family
}

function lookForNative(): Finding {
  try {
    const family = familyOfProcessor()
    if (family === null)
      return { family, problem: 'they are for processors with AVX2 or AVX-512, or ARM64', isWrong: false }
    const memory = createMemory(2 ** 20)
    const relaxed = bindKernels(compileKernels('relaxed'), memory)
    const native = bindNative(relaxed, memory, family)
    checkSameBits(relaxed, checkAgainstTwin(native, memory.buffer), memory.buffer)
    return { family, problem: '', isWrong: false }
  } catch (error) {
    return { family: null, problem: messageOf(error), isWrong: error instanceof WrongKernels }
  }
}
