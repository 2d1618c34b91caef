import type { Network } from '../../model/network.ts'

/** What decides the size of everything in the shared memory. */
export interface ArenaShape {
  network: Network
  users: number
  restaurants: number
  batchSize: number
  threads: number
  purpose: 'train' | 'score'
  groups?: boolean // rows come with the number of their group, @default false
  weights?: boolean // and with what they count, @default false
  logits?: number // that scoring answers for a row, @default 1
}
