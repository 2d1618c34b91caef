import assert from 'node:assert/strict'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NearrankError } from '../src/errors.ts'
import type { Random } from '../src/random.ts'
import { openTrain } from '../test/dataset/fixture.ts'
import { packsOf } from '../test/recorded/recordRuns.ts'
import { temporaryFolder } from '../test/training/dataFixture.ts'
import { counted, trust } from './trust.ts'

const ORIGINAL = join(import.meta.dirname, '../test/dataset/fixtures/checksums')
const FILES = [
  'train/a.parquet',
  'train/b.parquet',
  'train/c.parquet',
  'user_features.parquet',
  'restaurant_features.parquet',
]

trust(
  'Damage to the pages of a Parquet file that has checksums is found: no wrong value is trained on in silence',
  { small: 60, night: 1000 },
  async ({ random, amount }) => {
    const data = join(await temporaryFolder(), 'data')
    await cp(ORIGINAL, data, { recursive: true })
    const read = async () => {
      await rm(join(data, '.nearrank'), { recursive: true, force: true })
      await (await openTrain({ data })).close()
      return packsOf(data)
    }
    const whole = await read()
    let refused = 0
    for (let i = 0; i < amount; i++) {
      const name = FILES[random.below(FILES.length)]
      const path = join(data, name)
      const bytes = await readFile(path)
      const { damaged, how } = damage(bytes, random)
      await writeFile(path, damaged)
      try {
        assert.deepEqual(await read(), whole, `${name}, ${how}: other values were read`)
      } catch (error) {
        if (!(error instanceof NearrankError)) throw error
        assert.ok(error.message.includes(name), `${name}, ${how}: ${error.message}`)
        refused++
      }
      await writeFile(path, bytes)
    }
    assert.deepEqual(await read(), whole)
    assert.ok(refused > amount / 2, `${refused} of ${amount} refused`)
    return `${counted(amount)} damaged files (flipped bits and bytes, sectors of zeros, sectors written elsewhere, cut ends): ${counted(refused)} refused by name, ${counted(amount - refused)} with damage in what is not read, to the same packed bytes`
  },
)

/** Damage among the pages: the footer behind them has no checksum in any Parquet file. */
function damage(bytes: Buffer, random: Random): { damaged: Buffer; how: string } {
  const end = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
  const damaged = Buffer.from(bytes)
  const at = 4 + random.below(end - 4)
  const kind = random.below(5)
  if (kind === 0) damaged[at] ^= 1 << random.below(8)
  else if (kind === 1) for (let k = 0; k < 8; k++) damaged[4 + random.below(end - 4)] = random.below(256)
  else if (kind === 2) damaged.fill(0, at, Math.min(end, at + 512))
  else if (kind === 3) {
    const from = 4 + random.below(end - 4)
    bytes.copy(damaged, at, from, Math.min(end, from + 512, from + end - at))
  }
  if (kind === 4) return { damaged: damaged.subarray(0, random.below(bytes.length)), how: 'cut off' }
  return { damaged, how: `damage of kind ${kind} at byte ${at}` }
}
