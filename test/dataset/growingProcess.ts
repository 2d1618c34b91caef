import { serveApart } from '../../src/dataset/apart/serveApart.ts'

/** Takes memory; the process's id. */
export async function grow({ megabytes }: { megabytes: number }): Promise<number> {
  new Uint8Array(megabytes * 2 ** 20).fill(1)
  return process.pid
}

serveApart(grow)
