import { totalmem } from 'node:os'

const MEBIBYTE = 2 ** 20
const USUAL_BYTES = 1024 * MEBIBYTE
const LEAST_BYTES = 64 * MEBIBYTE
const SHARE = 3 / 4 // the rest is for what else runs there, and for files that the system keeps in memory

/**
 * The memory that a run keeps to if nothing is said: 1 GiB, or three quarters of what this process may have,
 * if that is less. A container's limit counts, of cgroup v1 and v2.
 */
export function defaultMemoryBytes(
  constrainedBytes = process.constrainedMemory(), // without a limit 0, or far more than any machine has
  machineBytes = totalmem(),
): number {
  const most = constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes
  const share = Math.floor((SHARE * most) / MEBIBYTE) * MEBIBYTE
  return Math.max(LEAST_BYTES, Math.min(USUAL_BYTES, share))
}
