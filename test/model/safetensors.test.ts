import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NearrankError } from '../../src/errors.ts'
import type { StateDict } from '../../src/model/network.ts'
import { decodeSafetensors, encodeSafetensors } from '../../src/model/safetensors.ts'

const where = 'x.safetensors'

/** A file as another program would write it, without our checksum: `header` as given, then `data`. */
function fileOf(header: unknown, data: number[] = []): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeUInt32LE(text.length, 0)
  const numbers = Buffer.alloc(data.length * 4)
  for (const [i, value] of data.entries()) numbers.writeFloatLE(value, i * 4)
  return Buffer.concat([length, text, numbers])
}

function tensor(shape: number[], ...values: number[]) {
  return { shape, data: Float32Array.from(values) }
}

// V8 14.6 compares a key with the one that came at the same place before by its text, escapes and all: after
// JSON.parse of {"m":0,"\\":1}, that of {"m":0,"\u0041":1} has the key \ too. Without a backslash, none is taken for another.
const isKeyForV8 = (key: string) => !key.includes('\\')

const nameArbitrary = fc
  .oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'toString', '7', '0'))
  .filter((name) => name !== '__metadata__' && isKeyForV8(name))
const tensorArbitrary = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) => {
  const size = shape.reduce((a, b) => a * b, 1)
  return fc.float32Array({ minLength: size, maxLength: size }).map((data) => ({ shape, data }))
})
const tensorsArbitrary = fc
  .uniqueArray(fc.tuple(nameArbitrary, tensorArbitrary), { selector: ([name]) => name, maxLength: 6 })
  .map((entries): StateDict => new Map(entries))
const metadataArbitrary = fc.dictionary(fc.string().filter(isKeyForV8), fc.string(), {
  noNullPrototype: true,
})

function bits(tensors: StateDict) {
  return [...tensors]
    .map(([name, { shape, data }]) => ({ name, shape, bits: [...new Uint32Array(data.slice().buffer)] }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

test('any tensors and metadata come back bit by bit', () => {
  fc.assert(
    fc.property(tensorsArbitrary, metadataArbitrary, (tensors, metadata) => {
      const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata), {
        where,
        requireChecksum: true,
      })
      assert.deepEqual(bits(decoded.tensors), bits(tensors))
      assert.deepEqual(Object.entries(decoded.metadata), Object.entries(metadata))
    }),
  )
})

test('any change of any byte, and any truncation or extension, is refused', () => {
  fc.assert(
    fc.property(
      tensorsArbitrary,
      metadataArbitrary,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom('flip', 'truncate', 'extend', 'overwrite'),
      (tensors, metadata, at, byte, kind) => {
        const bytes = encodeSafetensors(tensors, metadata)
        const position = at % bytes.length
        const changed =
          kind === 'truncate'
            ? bytes.slice(0, position)
            : new Uint8Array([...bytes, ...(kind === 'extend' ? [byte] : [])])
        if (kind === 'flip') changed[position] ^= byte
        if (kind === 'overwrite') changed.fill(byte, position, position + 40)
        if (Buffer.from(changed).equals(Buffer.from(bytes))) return
        assert.throws(() => decodeSafetensors(changed, { where, requireChecksum: true }), isDamaged)
      },
    ),
    { numRuns: 500 },
  )
})

test('without a checksum, changed bytes give a NearrankError or tensors that fill the file exactly', () => {
  const good = fileOf(
    {
      __metadata__: { format: 'pt' },
      a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
      b: { dtype: 'F32', shape: [3], data_offsets: [16, 28] },
    },
    [1, 2, 3, 4, 5, 6, 7],
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.nat({ max: good.length }),
      fc.boolean(),
      (changes, length, isCut) => {
        const bytes = Uint8Array.from(isCut ? good.subarray(0, length) : good)
        for (const [at, byte] of changes) bytes[at] = byte
        let decoded: StateDict
        try {
          decoded = decodeSafetensors(bytes, { where }).tensors
        } catch (error) {
          isDamaged(error)
          return
        }
        for (const { shape, data } of decoded.values())
          assert.equal(
            shape.reduce((a, b) => a * b, 1),
            data.length,
          )
        const numbers = [...decoded.values()].reduce((sum, { data }) => sum + data.length, 0)
        const headerLength = new DataView(bytes.buffer).getUint32(0, true)
        assert.equal(8 + headerLength + numbers * 4, bytes.length)
      },
    ),
    { numRuns: 2000 },
  )
})

test('the file is what the format says: length, padded JSON header, little-endian data in order', () => {
  const bytes = encodeSafetensors(
    new Map([
      ['w', tensor([2, 1], 1.5, -2)],
      ['b', tensor([], 0.25)],
    ]),
    { format: 'pt' },
  )
  const file = Buffer.from(bytes)
  const headerLength = Number(file.readBigUInt64LE(0))
  assert.equal(headerLength % 8, 0)
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength))
  const metadata = header['__metadata__']
  assert.equal(metadata.format, 'pt')
  assert.match(metadata['nearrank.sha256'], /^[0-9a-f]{64}$/)
  assert.deepEqual(header.w, { dtype: 'F32', shape: [2, 1], data_offsets: [0, 8] })
  assert.deepEqual(header.b, { dtype: 'F32', shape: [], data_offsets: [8, 12] })
  const data = file.subarray(8 + headerLength)
  assert.deepEqual(
    [data.readFloatLE(0), data.readFloatLE(4), data.readFloatLE(8), data.length],
    [1.5, -2, 0.25, 12],
  )
})

test('the same tensors give the same bytes, other ones other bytes', () => {
  const [first, again, other] = [1, 1, 2].map((value) =>
    encodeSafetensors(new Map([['w', tensor([1], value)]])),
  )
  assert.deepEqual(first, again)
  assert.notDeepEqual(first, other)
})

test('a file of another program is read: tensors in any order, from a buffer that is not aligned', () => {
  const bytes = fileOf(
    {
      b: { shape: [1], data_offsets: [8, 12], dtype: 'F32' },
      a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    },
    [1, 2, 3],
  )
  const shifted = new Uint8Array([9, ...bytes]).subarray(1)
  const { tensors, metadata } = decodeSafetensors(shifted, { where })
  assert.deepEqual(
    [...tensors],
    [
      ['a', tensor([2], 1, 2)],
      ['b', tensor([1], 3)],
    ],
  )
  assert.deepEqual(metadata, {})
  shifted.fill(0)
  assert.deepEqual(tensors.get('a')?.data, Float32Array.of(1, 2), 'the tensors are copies')
  assert.throws(() => decodeSafetensors(bytes, { where, requireChecksum: true }), isDamaged)
})

test('each way for a header to be wrong is told apart', () => {
  const a = { dtype: 'F32', shape: [1], data_offsets: [0, 4] }
  const cases: [name: string, bytes: Uint8Array, message: RegExp][] = [
    ['nothing', new Uint8Array(), /at least 8 bytes/],
    [
      'header longer than the file',
      new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 1]),
      /at most 1 bytes long, it says 9/,
    ],
    ['huge header length', new Uint8Array(16).fill(255), /at most 8 bytes long/],
    ['not JSON', fileOf('{"a":'), /not valid JSON/],
    [
      'not UTF-8',
      Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0x7b, 0xff, 0xff, 0x7d])]),
      /not valid JSON/,
    ],
    ['an array', fileOf('[]'), /JSON object/],
    ['leading space', fileOf(' {}'), /JSON object/],
    [
      'a name twice',
      fileOf(
        '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      ),
      /"a" twice/,
    ],
    ['metadata no strings', fileOf({ __metadata__: { n: 1 } }), /must hold strings, n is not one/],
    ['metadata no object', fileOf({ __metadata__: null }), /object of strings/],
    ['entry null', fileOf({ a: null }), /exactly dtype, shape and data_offsets/],
    ['key too many', fileOf({ a: { ...a, x: 1 } }, [1]), /exactly dtype, shape and data_offsets/],
    ['other dtype', fileOf({ a: { ...a, dtype: 'F16' } }, [1]), /dtype must be F32, found "F16"/],
    ['negative shape', fileOf({ a: { ...a, shape: [-1] } }, [1]), /whole numbers, found \[-1\]/],
    ['shape of fractions', fileOf({ a: { ...a, shape: [0.5] } }, [1]), /found \[0.5\]/],
    ['shape overflow', fileOf({ a: { ...a, shape: [2 ** 52, 2 ** 52] } }, [1]), /takes .* bytes, found 4/],
    ['size against shape', fileOf({ a: { ...a, shape: [2] } }, [1]), /takes 8 bytes, found 4/],
    ['three offsets', fileOf({ a: { ...a, data_offsets: [0, 4, 4] } }, [1]), /two whole numbers/],
    ['gap at the start', fileOf({ a: { ...a, data_offsets: [4, 8] } }, [1, 2]), /must begin at byte 0/],
    ['overlap', fileOf({ a, b: { ...a } }, [1]), /tensor b must begin at byte 4/],
    ['past the end', fileOf({ a: { ...a, shape: [2], data_offsets: [0, 8] } }, [1]), /ends at byte 8/],
    ['bytes left over', fileOf({ a }, [1, 2]), /take 4 bytes, the file holds 8/],
  ]
  for (const [name, bytes, message] of cases)
    assert.throws(
      () => decodeSafetensors(bytes, { where }),
      (error) => {
        isDamaged(error)
        assert.match((error as Error).message, message, name)
        assert.match((error as Error).message, /^Cannot read x\.safetensors: /)
        return true
      },
    )
})

test('what cannot be written is refused: wrong shape, reserved names', () => {
  for (const encode of [
    () => encodeSafetensors(new Map([['w', tensor([3], 1, 2)]])),
    () => encodeSafetensors(new Map([['__metadata__', tensor([0])]])),
    () => encodeSafetensors(new Map(), { 'nearrank.sha256': '' }),
  ])
    assert.throws(encode, { name: 'NearrankError', code: 'INTERNAL' })
})

test('a tensor named __proto__ pollutes nothing', () => {
  const header =
    '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"__proto__":"x"}}'
  const { tensors, metadata } = decodeSafetensors(fileOf(header, [1]), { where })
  assert.deepEqual([...tensors.keys()], ['__proto__'])
  assert.deepEqual(Object.keys(metadata), ['__proto__'])
  assert.equal(Object.getPrototypeOf(metadata), Object.prototype)
})

function isDamaged(error: unknown): true {
  assert.ok(error instanceof NearrankError, `not a NearrankError: ${String(error)}`)
  assert.equal(error.code, 'DAMAGED')
  return true
}
