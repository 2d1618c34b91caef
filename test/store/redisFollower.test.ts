import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { StoreLayout } from '../../src/store/featureStore.ts'
import type { RedisCommand, RedisConnection } from '../../src/store/redis/connection.ts'
import { RedisFollower } from '../../src/store/redis/follower.ts'
import { lookAt } from '../../src/store/redis/look.ts'
import { RedisListener } from '../../src/store/redis/listener.ts'
import { RedisPipeline } from '../../src/store/redis/pipeline.ts'
import { put } from './changes.ts'
import { featureBytes } from './redisRowsOfServer.ts'
import { applyChanges, noRows, StoreCopy } from './storeCopy.ts'

const LAYOUT: StoreLayout = {
  users: { features: 1, ids: 'integer' },
  restaurants: { features: 1, ids: 'integer' },
}
const PAGE_KEYS = 3
const META = 'p:meta'

/**
 * A server and its one connection, step by step: commands wait to be executed, and replies and messages wait, in
 * their one order, to arrive. Several that arrive in one step do so within one tick, as from one packet.
 */
class SteppedServer {
  values = new Map<number, number>() // user id → feature
  #token: string | null = null // of the database
  #isWatched = false
  #isTouched = false
  #swaps = 0
  readonly commands: [RedisCommand, (reply: unknown) => void][] = []
  readonly arriving: (() => void)[] = []
  readonly connection: RedisConnection = {
    send: (command) => new Promise((resolve) => this.commands.push([command, resolve])),
    isErrorReply: (error): error is never => error instanceof TypeError,
    lost: new Promise(() => undefined),
    heardAtMs: 0,
    onInvalidate: () => undefined,
    onPing: () => undefined,
    cut: (reason) => assert.fail(reason),
  }

  change(id: number, value: number | null): void {
    if (value === null) this.values.delete(id)
    else this.values.set(id, value)
    this.arriving.push(() => this.connection.onInvalidate(Buffer.from(`p:user:${id}`)))
  }

  /**
   * Another database takes the place of this one, without a message; `isCopy`: with the same token. That is not
   * noticed for the microseconds between EXEC and WATCH, the one gap there is.
   */
  swap(values: [id: number, value: number][], isCopy: boolean): void {
    this.values = new Map(values)
    this.#isTouched = this.#isWatched
    if (!isCopy || !this.#isWatched) this.#token = `another ${this.#swaps++}`
  }

  flush(): void {
    this.values.clear()
    this.#token = null
    this.#isTouched = this.#isWatched
    this.arriving.push(() => this.connection.onInvalidate(null))
  }

  execute(count: number): void {
    for (const [command, resolve] of this.commands.splice(0, count)) {
      const reply = this.#replyTo(command.map(String))
      this.arriving.push(() => resolve(reply))
    }
  }

  arrive(count: number): void {
    for (const happen of this.arriving.splice(0, count)) happen()
  }

  #replyTo([name, argument, , token]: string[]): unknown {
    if (name === 'HSETNX') {
      if (this.#token === null) this.#isTouched = this.#isWatched
      this.#token ??= token
      return 0
    }
    if (name === 'EXEC') {
      const isTouched = this.#isTouched
      this.#isTouched = this.#isWatched = false
      return isTouched ? null : []
    }
    if (name === 'WATCH') this.#isWatched = true
    if (name === 'HMGET' && argument === META) return [this.#token, null]
    if (name === 'HMGET') {
      const value = this.values.get(Number(argument.replace('p:user:', '')))
      return [value === undefined ? null : featureBytes(value)]
    }
    if (name !== 'SCAN') return 'OK'
    const ids = [...this.values.keys()].filter((id) => id >= Number(argument)).toSorted((a, b) => a - b)
    const page = ids.slice(0, PAGE_KEYS)
    const cursor = ids.length > PAGE_KEYS ? ids[PAGE_KEYS] : 0
    return [String(cursor), page.map((id) => `p:user:${id}`)]
  }
}

/** A copy for which no full read finds too little. */
class UnheldCopy extends StoreCopy {
  override get counts() {
    return { users: 0, restaurants: 0 }
  }
}

function follow(server: SteppedServer): { copy: StoreCopy; follower: RedisFollower } {
  const copy = new UnheldCopy(LAYOUT)
  const follower = new RedisFollower(server.connection, {
    pipeline: new RedisPipeline(server.connection),
    listener: new RedisListener('p:', LAYOUT, copy),
    prefix: 'p:',
    look: () => lookAt(server.connection, META),
    onSynced: () => undefined,
    onFailure: (error) => copy.problems.push(String(error)),
  })
  follower.start().catch((error: unknown) => copy.problems.push(String(error)))
  return { copy, follower }
}

async function ping(server: SteppedServer, follower: RedisFollower): Promise<void> {
  follower.onLook(await lookAt(server.connection, META))
}

async function settle(server: SteppedServer): Promise<void> {
  for (let isQuiet = false; !isQuiet; ) {
    server.execute(Infinity)
    server.arrive(Infinity)
    await turn()
    isQuiet = server.commands.length + server.arriving.length === 0
  }
}

function expectSame(copy: StoreCopy, server: SteppedServer): void {
  const expected = noRows()
  for (const [id, value] of server.values) applyChanges(expected, [put('users', id, [value])])
  const problems = copy.problems.filter((message) => !message.includes('unless it has just been deleted'))
  assert.deepEqual(problems, [])
  assert.deepEqual(copy.rows, expected)
}

test('however changes, commands and replies interleave, the copy ends as the server does', async () => {
  const id = fc.integer({ min: 1, max: 8 })
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ change: id, value: fc.option(fc.nat({ max: 99 })) }) },
    { weight: 1, arbitrary: fc.constant({ flush: true }) },
    {
      weight: 1,
      arbitrary: fc.record({ swap: fc.array(fc.tuple(id, fc.nat({ max: 99 }))), isCopy: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.constant({ ping: true }) },
    { weight: 4, arbitrary: fc.record({ execute: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 4, arbitrary: fc.record({ arrive: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 6, arbitrary: fc.constant({ turn: true }) },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(id, { maxLength: 8 }),
      fc.boolean(),
      fc.array(step, { minLength: 5, maxLength: 120, size: 'max' }),
      async (ids, isFollowing, steps) => {
        const server = new SteppedServer()
        for (const one of ids) server.values.set(one, 100)
        const { copy, follower } = follow(server)
        if (isFollowing) await settle(server)
        for (const one of steps) {
          if ('change' in one) server.change(one.change, one.value)
          else if ('flush' in one) server.flush()
          else if ('swap' in one) server.swap(one.swap, one.isCopy)
          else if ('ping' in one) void ping(server, follower)
          else if ('execute' in one) server.execute(one.execute)
          else if ('arrive' in one) server.arrive(one.arrive)
          else await turn()
        }
        await settle(server)
        void ping(server, follower)
        await settle(server)
        expectSame(copy, server)
        assert.equal(follower.isSynced, true)
        assert.equal(follower.behindSinceMs, undefined)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a million changes: each key is read once, and never more than 1,000 commands are on their way', async () => {
  const server = new SteppedServer()
  const { copy, follower } = follow(server)
  await settle(server)
  for (let i = 0; i < 1_000_000; i++) server.connection.onInvalidate(Buffer.from(`p:user:${i % 20_000}`))
  assert.ok(follower.behindSinceMs !== undefined)
  let commands = 0
  while (follower.behindSinceMs !== undefined) {
    await turn()
    assert.ok(server.commands.length <= 1_000, `${server.commands.length}`)
    commands += server.commands.length
    server.execute(Infinity)
    server.arrive(Infinity)
  }
  assert.equal(commands, 20_000)
  expectSame(copy, server)
})

test('a key that is named while it is being read is read again', async () => {
  const server = new SteppedServer()
  const { copy } = follow(server)
  await settle(server)
  server.change(1, 10)
  server.arrive(1)
  await turn()
  server.execute(1) // reads 10
  server.change(1, 20)
  server.arrive(Infinity)
  await settle(server)
  expectSame(copy, server)
  assert.equal(copy.calls.filter((call) => call === 'changes').length, 2)
})
