import { availableParallelism } from 'node:os'
import { withDefault } from '../../options/option.ts'
import { boolean, integer, number, oneOf, size } from '../../options/schemas.ts'
import { defaultMemoryBytes } from './defaultMemory.ts'

const MEBIBYTE = 2 ** 20
const THREADS_MAX = 256

/** How to run; none of these changes the weights. */
export const RUN = {
  /** Default: every core. */
  threads: withDefault({
    schema: integer(1, THREADS_MAX),
    default: Math.min(availableParallelism(), THREADS_MAX),
    flag: '--threads <n>',
    term: '--threads <n>, --max-memory <size>',
    help: 'default all cores; memory to keep to: 1GiB (default)',
  }),
  /** A ceiling for the whole process; default 1 GiB, in a small container three quarters of its limit. */
  maxMemoryBytes: withDefault({
    schema: size(64 * MEBIBYTE, 2 ** 50),
    default: defaultMemoryBytes(),
    flag: '--max-memory <size>',
  }),
  /**
   * V8's experimental 256-bit operations, after a self-check: the same weights, sooner. auto: on versions of
   * V8 that have been tried. They are for the whole process, so the default is off, and only the command's is
   * auto.
   */
  turbo: withDefault({
    schema: oneOf('off', 'auto', 'on'),
    default: 'off',
    flag: '--turbo <when>',
    term: '--turbo <when>, --kernels <which>',
    help: 'faster, same result: auto, on, off; auto, native, wasm',
  }),
  /** Native kernels where they were built and the processor has them, once checked: the same weights. */
  kernels: withDefault({
    schema: oneOf('auto', 'wasm', 'native'),
    default: 'auto',
    flag: '--kernels <which>',
  }),
  /** Time between checkpoints; 0: no checkpoints; default 60. */
  checkpointSeconds: withDefault({
    schema: number(0, 86_400),
    default: 60,
    flag: '--checkpoint-seconds <s>',
    term: '--checkpoint-seconds <s>, --resume',
    help: 'time between (60; 0: none); continue from the last one',
  }),
  /** Go on from the checkpoint beside `out`; with none there, start anew. */
  resume: withDefault({ schema: boolean(), default: false, flag: '--resume' }),
}
