import { availableParallelism, cpus, totalmem } from 'node:os'
import { formatBytes } from './format.ts'

/** `Intel Xeon …, 2 cores, 8 GiB` */
export function machineName(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${formatBytes(totalmem())}`
}
