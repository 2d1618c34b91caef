import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writeFileAtomic } from '../../src/files.ts'
import type { StateDict } from '../../src/model/network.ts'
import { encodeSafetensors, safetensorsParts } from '../../src/model/safetensors.ts'
import { openSafetensors, readTensorInto } from '../../src/model/safetensorsFile.ts'

const folder = await mkdtemp(join(tmpdir(), 'nearrank-safetensors-'))
after(() => rm(folder, { recursive: true }))

// Longer than one chunk of reading and of writing, and none of a whole number of them.
const LENGTHS = { first: 1, long: 700_001, empty: 0, last: 12_345 }

function made(): StateDict {
  const memory = new Float32Array(new SharedArrayBuffer(4 * 800_000)).map((_, i) => Math.sin(i))
  let from = 0
  return new Map(
    Object.entries(LENGTHS).map(([name, length]) => {
      const data = memory.subarray(from, (from += length))
      return [name, { shape: [length], data }]
    }),
  )
}

test('a file written in parts, from shared memory too, is the encoded file, and comes back bit by bit', async () => {
  const path = join(folder, 'whole')
  const tensors = made()
  await writeFileAtomic(path, safetensorsParts(tensors, { note: 'ä' }))
  assert.deepEqual(await readFile(path), Buffer.from(encodeSafetensors(tensors, { note: 'ä' })))
  const file = await openSafetensors(path)
  assert.deepEqual(file.metadata, { note: 'ä' })
  for (const [name, { data }] of tensors) {
    const target = new Float32Array(new SharedArrayBuffer(4 * data.length))
    await readTensorInto(path, file.tensors.get(name)!, target)
    assert.deepEqual(target, new Float32Array(data), name)
  }
  const damaged = { name: 'NearrankError', code: 'DAMAGED' }
  await assert.rejects(readTensorInto(path, file.tensors.get('long')!, new Float32Array(700_000)), damaged)
})

test('a bit that is turned anywhere, a byte too few or too many, and a missing checksum are found', async () => {
  const path = join(folder, 'damaged')
  const bytes = encodeSafetensors(made())
  const turned = (at: number) => {
    const changed = Uint8Array.from(bytes)
    changed[at] ^= 1
    return changed
  }
  const unsealed = Buffer.from('  {"__metadata__":{},"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}')
  const length = Buffer.alloc(8)
  length.writeUInt32LE(unsealed.length)
  const wrong = [
    ...[0, 3, 7, 50, 300, 2000, bytes.length - 1].map(turned),
    bytes.subarray(0, bytes.length - 1),
    bytes.subarray(0, 5),
    Buffer.concat([bytes, Buffer.from([0])]),
    Buffer.concat([length, unsealed]),
  ]
  for (const [i, content] of wrong.entries()) {
    await writeFile(path, content)
    await assert.rejects(openSafetensors(path), { name: 'NearrankError', code: 'DAMAGED' }, `case ${i}`)
  }
})
