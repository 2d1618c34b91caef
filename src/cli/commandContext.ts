import type { Interrupt } from './interrupt.ts'
import type { Progress } from './progress/progress.ts'

/** What every command is given. */
export interface CommandContext {
  interrupt: Interrupt
  progress: Progress
}
