import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ProtobufWriter } from '../../src/model/protobuf.ts'

// Bytes worked out by hand from the Protocol Buffers encoding guide.
test('fields are encoded as the wire format says', () => {
  const cases: [name: string, parts: Uint8Array[], hex: string][] = [
    ['varint 150 in field 1', new ProtobufWriter().varint(1, 150).parts(), '089601'],
    ['varint 0', new ProtobufWriter().varint(2, 0).parts(), '1000'],
    ['varint 127 and 128', new ProtobufWriter().varint(1, 127).varint(1, 128).parts(), '087f088001'],
    ['varint 2^53 - 1', new ProtobufWriter().varint(1, 2 ** 53 - 1).parts(), '08ffffffffffffff0f'],
    ['field 16 takes two tag bytes', new ProtobufWriter().varint(16, 1).parts(), '800101'],
    ['string', new ProtobufWriter().string(2, 'testing').parts(), '120774657374696e67'],
    ['string in UTF-8', new ProtobufWriter().string(1, 'é').parts(), '0a02c3a9'],
    ['empty bytes', new ProtobufWriter().bytes(3, new Uint8Array()).parts(), '1a00'],
    [
      'nested message',
      new ProtobufWriter().message(3, (inner) => inner.varint(1, 150)).parts(),
      '1a03089601',
    ],
    ['nothing', new ProtobufWriter().parts(), ''],
  ]
  for (const [name, parts, hex] of cases) assert.equal(Buffer.concat(parts).toString('hex'), hex, name)
})

test('every whole number up to 2^53 - 1 reads back from its groups of seven bits', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const [tag, ...groups] = Buffer.concat(new ProtobufWriter().varint(1, value).parts())
      assert.equal(tag, 8)
      let read = 0n
      for (const [i, group] of groups.entries()) {
        assert.equal(group >= 128, i < groups.length - 1)
        read |= BigInt(group & 127) << BigInt(7 * i)
      }
      assert.equal(read, BigInt(value))
    }),
  )
})

test('the length of a nested message counts its bytes, not its fields', () => {
  const big = new Uint8Array(300).fill(7)
  const writer = new ProtobufWriter()
  writer.message(1, (outer) => outer.message(2, (inner) => inner.bytes(3, big)))
  const bytes = new Uint8Array(Buffer.concat(writer.parts()))
  assert.deepEqual([...bytes.subarray(0, 9)], [0x0a, 0xb2, 0x02, 0x12, 0xaf, 0x02, 0x1a, 0xac, 0x02])
  assert.deepEqual(bytes.subarray(9), big)
})
