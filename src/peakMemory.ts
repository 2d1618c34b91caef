import { readFileSync } from 'node:fs'

/**
 * The most that this process, all its threads, has had in memory, in bytes. On Linux the kernel's own mark of
 * this program; elsewhere, and there too in `resourceUsage()`, the figure may include the program that
 * started this one.
 */
export function peakRssBytes(): number {
  const mark = /^VmHWM:\s+(\d+) kB$/m.exec(procStatus())
  return (mark ? Number(mark[1]) : process.resourceUsage().maxRSS) * 1024
}

function procStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8')
  } catch {
    return ''
  }
}
