import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { BlockBuilder } from '../../src/dataset/clicks/blockBuilder.ts'
import { GROUP_ROWS_MAX, GroupRuns } from '../../src/dataset/clicks/groupRuns.ts'
import { KeyNumbers } from '../../src/dataset/clicks/keyNumbers.ts'
import { allocateRows, blockRows, clickPlan, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import { sortGroups, type UnsortedRows } from '../../src/dataset/clicks/sortGroups.ts'
import { DurableFile } from '../../src/dataset/pack/durableFile.ts'
import { Random } from '../../src/random.ts'
import { isError, withFolder } from './fixture.ts'

const KEYS = clickPlan(0, 'keys')
const NUMBERS = clickPlan(0, 'numbers')

/** Rows 0, 1, 2, … of the groups with these keys [rows, 2]: the user is the row, clicked if it is odd. */
async function unsortedRows(folder: string, keys: Uint32Array): Promise<UnsortedRows> {
  const path = join(folder, 'clicks.rows')
  const output = await DurableFile.create(path)
  const builder = new BlockBuilder(output, KEYS)
  builder.startFile('a')
  const scratch = allocateRows(KEYS, 2048)
  const rows = keys.length / 2
  for (let start = 0; start < rows; start += scratch.clicks.length) {
    const count = Math.min(scratch.clicks.length, rows - start)
    for (let i = 0; i < count; i++) {
      scratch.users[i] = start + i
      scratch.clicks[i] = (start + i) % 2
    }
    ;(scratch.groups as Uint32Array).set(keys.subarray(2 * start, 2 * (start + count)))
    await builder.append(count, scratch)
  }
  await builder.endFile()
  await output.close()
  const body = builder.body()
  const own = { context: [], pairs: [], contextWords: 0 }
  const run = { column: 'request_id', signal: undefined, onRows: () => {}, partBytes: 20_000 }
  return { path, body, plan: KEYS, ...own, ...run }
}

/** Keys as of a hash: uniform in all bits, the same for the same group. */
function keysOf(groups: readonly number[]): Uint32Array {
  const keys = new Map<number, [number, number]>()
  const random = new Random(7)
  for (const group of groups) if (!keys.has(group)) keys.set(group, [random.uint32(), random.uint32()])
  return Uint32Array.from(groups.flatMap((group) => keys.get(group)!))
}

test('rows are sorted in parts: each once, group by group, in their order; nothing is left but the output', () =>
  withFolder(async (folder) => {
    const random = new Random(3)
    const groups = Array.from({ length: 70_000 }, () => random.below(5000))
    for (let i = 0; i < 1500; i++) groups[40 * i] = 5000 // longer than a part is on average
    const unsorted = await unsortedRows(folder, keysOf(groups))
    const output = await DurableFile.create(join(folder, 'sorted'))
    const seen: number[] = []
    const body = await sortGroups({ ...unsorted, onRows: (rowsDone) => seen.push(rowsDone) }, output)
    await output.close()
    assert.ok(seen.length > 20 && seen.every((rows, k) => rows >= (seen[k - 1] ?? 0)), seen.join())
    assert.deepEqual([seen.includes(35_000), seen.at(-1)], [true, 70_000])
    assert.deepEqual((await readdir(folder)).toSorted(), ['clicks.rows', 'sorted'])
    const bytes = await readFile(output.path)
    const rows: { user: number; number: number }[] = []
    for (const block of body.blocks) {
      const end = block.byteOffset + block.rows * rowBytes(NUMBERS)
      const own = Uint8Array.from(bytes.subarray(block.byteOffset, end))
      const { users, groups: numbers, clicks } = blockRows(NUMBERS, own.buffer, 0, block.rows)
      if (rows.length > 0) assert.equal(numbers[0], rows[rows.length - 1].number + 1, 'no group is cut')
      for (const [i, user] of users.entries()) {
        assert.equal(clicks[i], user % 2)
        rows.push({ user, number: numbers[i] })
      }
    }
    assert.equal(new Set(rows.map(({ user }) => user)).size, groups.length)
    assert.equal(rows.length, groups.length)
    const sizes = new Map<number, number>()
    for (const [k, { user, number }] of rows.entries()) {
      sizes.set(number, (sizes.get(number) ?? 0) + 1)
      const before = rows[k - 1] ?? { user: 0, number: -1 }
      assert.ok(number === before.number || number === before.number + 1)
      if (number === before.number) {
        assert.equal(groups[user], groups[before.user])
        assert.ok(user > before.user)
      }
    }
    const wanted = new Map(
      [...Map.groupBy(groups, (group) => group)].map(([group, own]) => [group, own.length]),
    )
    const longest = wanted.get(5000)!
    assert.deepEqual(
      [...sizes.values()].toSorted((a, b) => b - a),
      [...wanted.values(), GROUP_ROWS_MAX, longest - GROUP_ROWS_MAX]
        .filter((size) => size !== longest)
        .toSorted((a, b) => b - a),
    )
    const { count, longest: most, split } = body.groups!
    assert.deepEqual([count, most, split], [sizes.size, GROUP_ROWS_MAX, 1])
    assert.equal(body.digest, unsorted.body.digest)
    assert.equal(body.clicks, unsorted.body.clicks)
    assert.equal(bytes.length, 70_000 * rowBytes(NUMBERS))
  }))

test('groups that no memory would hold are refused; so is going on once stopped; either leaves no parts', () =>
  withFolder(async (folder) => {
    const unsorted = await unsortedRows(folder, keysOf(Array.from({ length: 40_000 }, (_, i) => i % 2)))
    const output = await DurableFile.create(join(folder, 'sorted'))
    await assert.rejects(
      sortGroups({ ...unsorted, partBytes: 5000 }, output),
      isError('INPUT', /by request_id: [24]0,000 of 40,000 rows/, /--group-column/),
    )
    const signal = AbortSignal.abort()
    await assert.rejects(sortGroups({ ...unsorted, signal }, output), { name: 'AbortError' })
    await output.close()
    assert.deepEqual((await readdir(folder)).toSorted(), ['clicks.rows', 'sorted'])
  }))

test('keys are numbered as they come, also those that share a word', () => {
  const word = fc.oneof(fc.nat(3), fc.constantFrom(0xffffffff, 0x80000000), fc.nat(0xffffffff))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(word, word), { maxLength: 300 }),
      fc.constantFrom(1, 3, 64),
      (keys, size) => {
        const numbers = new KeyNumbers(size)
        const known = new Map<string, number>()
        for (const [low, high] of keys) {
          const name = `${low} ${high}`
          if (!known.has(name)) known.set(name, known.size)
          assert.equal(numbers.numberOf(low, high), known.get(name))
        }
        assert.equal(numbers.size, known.size)
      },
    ),
  )
})

test('runs of rows are numbered until a group comes again, in whatever chunks they come', () => {
  const runs = fc.array(
    fc.record({ group: fc.nat(12), rows: fc.integer({ min: 1, max: 2500 }), ends: fc.boolean() }),
    {
      maxLength: 8,
    },
  )
  fc.assert(
    fc.property(runs, fc.constantFrom(1000, 2048), (all, chunk) => {
      const own = new GroupRuns()
      own.startFile()
      const seen = new Set<number>()
      let last = -1 // group, of the same file
      const numbers: number[] = []
      const wanted: number[] = []
      let [next, size, isGood, split] = [-1, 0, true, new Set<number>()]
      for (const { group, rows, ends } of all) {
        const goesOn = group === last
        if (!goesOn && seen.has(group)) isGood = false
        if (isGood)
          for (let i = 0; i < rows; i++) {
            if ((i === 0 && !goesOn) || size === GROUP_ROWS_MAX) [next, size] = [next + 1, 0]
            if (goesOn || i > 0) if (size === 0) split.add(group)
            size++
            wanted.push(next)
          }
        seen.add(group)
        const keys = keysOf(Array.from({ length: rows }, () => group))
        for (let i = 0; i < rows; i++) [keys[2 * i], keys[2 * i + 1]] = [group, 5]
        for (let start = 0; start < rows; start += chunk) {
          const count = Math.min(chunk, rows - start)
          const groups = new Uint32Array(count)
          const isNumbered = own.number(keys.subarray(2 * start), groups, count)
          assert.equal(isNumbered, isGood)
          if (!isNumbered) return
          numbers.push(...groups)
        }
        last = ends ? -1 : group
        if (ends) own.startFile()
      }
      assert.deepEqual(numbers, wanted)
      assert.equal(own.split, split.size)
    }),
    { numRuns: 40 },
  )
})
