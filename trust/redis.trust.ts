import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../src/random.ts'
import { RawConnection } from '../test/server/rawConnection.ts'
import { makeWorld, serveWorld } from '../test/server/serverFixture.ts'
import { CuttingProxy } from '../test/store/cuttingProxy.ts'
import { eventually, featureBytes } from '../test/store/redisRowsOfServer.ts'
import { NO_REDIS, redisServer, type RedisServer } from '../test/store/redisServer.ts'
import type { RespClient } from '../test/store/respClient.ts'
import { counted, trust } from './trust.ts'
import { rankedVersion, versionedRow, versionOf } from './versions.ts'

const ROWS = 4
const KEEPS_ALL = ['--appendonly', 'yes', '--appendfsync', 'always', '--enable-debug-command', 'yes']

interface Scene {
  redis: RedisServer
  spare: RedisServer // follows `redis`
  proxy: CuttingProxy
  foreign: RespClient
  random: Random
}

/** What goes wrong, for how long it does, and how it ends. */
const FAULTS: Record<string, (scene: Scene) => Promise<unknown>> = {
  cut: async ({ proxy }) => proxy.cutAll(),
  'cut within a reply': async ({ proxy, random }) => {
    proxy.cutAfterBytes = 1 + random.below(200)
    await sleep(300)
    proxy.cutAfterBytes = Infinity
  },
  refused: async ({ proxy, random }) => {
    proxy.isRefusing = true
    proxy.cutAll()
    await sleep(random.below(1500))
    proxy.isRefusing = false
  },
  'black hole': async ({ proxy, random }) => {
    proxy.isBlackHole = true
    await sleep(random.below(2000))
    proxy.isBlackHole = false
    proxy.cutAll() // what was swallowed never comes
  },
  'byte by byte': async ({ proxy, random }) => {
    proxy.pieceBytes = 1 + random.below(3)
    await sleep(500)
    proxy.pieceBytes = Infinity
  },
  paused: ({ foreign, random }) => foreign.send('DEBUG', 'SLEEP', String(random.float())),
  'killed and restarted': async (scene) => {
    await scene.redis.kill()
    await sleep(scene.random.below(500))
    await scene.redis.restart()
    scene.foreign = await scene.redis.client()
  },
}

/** The same while nothing is written through the server: what it has acknowledged meanwhile would be lost with reason. */
const QUIET_FAULTS: typeof FAULTS = {
  'emptied for a while': async ({ foreign, random }) => {
    await foreign.send('SWAPDB', '0', '1')
    await sleep(1000 + random.below(1500))
    await foreign.send('SWAPDB', '0', '1')
  },
  'failed over, the old server left as a replica': async (scene) => {
    const { redis, spare, proxy } = scene
    const next = await spare.client()
    const offsetOf = async (client: RespClient) =>
      /_repl_offset:(\d+)/.exec((await client.send('INFO', 'replication')) as string)?.[1]
    await eventually(async () => assert.equal(await offsetOf(next), await offsetOf(scene.foreign)))
    await next.send('REPLICAOF', 'NO', 'ONE')
    await scene.foreign.send('REPLICAOF', '127.0.0.1', String(spare.port))
    proxy.targetPort = spare.port // of new connections, as a name that moves; those that there are stay
    Object.assign(scene, { redis: spare, spare: redis, foreign: next })
  },
}

trust(
  'Whatever happens to Redis, rankings go on and the server catches up; what it acknowledged is there if Redis kept it',
  { small: 9, night: 300 },
  async ({ random, amount, t }) => {
    if (NO_REDIS !== false) {
      t.skip(NO_REDIS)
      return ''
    }
    const world = await makeWorld()
    const [redis, spare] = [await redisServer(KEEPS_ALL), await redisServer(KEEPS_ALL)]
    const proxy = await CuttingProxy.start(redis.port)
    t.after(async () => {
      await proxy.close()
      await Promise.all([redis.remove(), spare.remove()])
    })
    const scene: Scene = { redis, spare, proxy, random, foreign: await redis.client() }
    await (await spare.client()).send('REPLICAOF', '127.0.0.1', String(redis.port))
    await scene.foreign.send('HSET', 'nearrank:user:1', 'features', featureBytes(...world.users.get('1')!))
    const server = await serveWorld(world, { store: `redis://127.0.0.1:${proxy.port}` })
    const [writer, reader] = [await RawConnection.open(server.port), await RawConnection.open(server.port)]
    const rows = new Rows(writer)
    for (let row = 0; row < ROWS; row++) await rows.write(row)

    const over = new AbortController()
    let rankings = 0
    const ranking = (async () => {
      for (; !over.signal.aborted; rankings++) await rankedVersion(reader, 9000 + (rankings % ROWS))
    })()
    const all = { ...FAULTS, ...QUIET_FAULTS }
    const names = Object.keys(all)
    const tests = async () => {
      for (let i = 0; i < amount; i++) {
        const name = i < names.length ? names[i] : names[random.below(names.length)]
        const ended = all[name](scene)
        const fault = { isOver: name in QUIET_FAULTS }
        void ended.finally(() => (fault.isOver = true))
        while (!fault.isOver) {
          await rows.write(random.below(ROWS))
          await sleep(random.below(30))
        }
        await ended
        await rows.settle(scene.foreign, reader, name)
      }
    }
    await Promise.race([tests(), ranking])
    over.abort()
    await ranking
    return `${counted(amount)} faults (${names.join(', ')}) with ${counted(rows.acknowledged)} writes acknowledged and ${counted(rows.refused)} refused meanwhile, beside ${counted(rankings)} rankings: none failed, none acknowledged was lost, memory and Redis agreed after each`
  },
)

/** Restaurants that are written through the server, and what is known of each. */
class Rows {
  acknowledged = 0
  refused = 0
  readonly #writer: RawConnection
  readonly #begun = Array.from({ length: ROWS }, () => 0)
  readonly #kept = Array.from({ length: ROWS }, () => 0)

  constructor(writer: RawConnection) {
    this.#writer = writer
  }

  async write(row: number): Promise<void> {
    const version = ++this.#begun[row]
    const body = JSON.stringify(versionedRow(version))
    const answer = await this.#writer.send(`PUT /restaurants/${9000 + row}`, body)
    if (answer.status === 204) {
      this.#kept[row] = version
      this.acknowledged++
    } else {
      assert.equal(answer.status, 503, answer.body)
      this.refused++
    }
  }

  /** Waits until the server ranks by what Redis holds, which is nothing older than what was acknowledged. */
  async settle(foreign: RespClient, reader: RawConnection, after: string): Promise<void> {
    for (let row = 0; row < ROWS; row++) {
      await eventually(async () => {
        const latitude = Number(await foreign.send('HGET', `nearrank:restaurant:${9000 + row}`, 'latitude'))
        const version = versionOf(latitude)
        assert.ok(
          version >= this.#kept[row],
          `${after}: ${version} is there, ${this.#kept[row]} was acknowledged`,
        )
        assert.ok(version <= this.#begun[row])
        assert.equal(await rankedVersion(reader, 9000 + row), version, after)
      })
    }
    await eventually(async () => {
      await this.write(0)
      assert.equal(this.#kept[0], this.#begun[0], `${after}: writes go on`)
    })
  }
}
