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
  proxy: CuttingProxy
  foreign: RespClient
  random: Random
}

/** What goes wrong, for how long it does, and how it ends. */
const FAULTS: Record<string, (scene: Scene) => Promise<void>> = {
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
  paused: async ({ foreign, random }) => {
    await foreign.send('DEBUG', 'SLEEP', String(random.float()))
  },
  'killed and restarted': async (scene) => {
    await scene.redis.kill()
    await sleep(scene.random.below(500))
    await scene.redis.restart()
    scene.foreign = await scene.redis.client()
  },
}

trust(
  'Whatever happens to Redis, rankings go on, nothing acknowledged is lost, and the server catches up by itself',
  { small: 7, night: 300 },
  async ({ random, amount, t }) => {
    if (NO_REDIS !== false) {
      t.skip(NO_REDIS)
      return ''
    }
    const world = await makeWorld()
    const redis = await redisServer(KEEPS_ALL)
    const proxy = await CuttingProxy.start(redis.port)
    t.after(async () => {
      await proxy.close()
      await redis.remove()
    })
    const scene: Scene = { redis, proxy, random, foreign: await redis.client() }
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
    const names = Object.keys(FAULTS)
    const tests = async () => {
      for (let i = 0; i < amount; i++) {
        const name = i < names.length ? names[i] : names[random.below(names.length)]
        const ended = FAULTS[name](scene)
        let isOver = false
        void ended.finally(() => (isOver = true))
        do {
          await rows.write(random.below(ROWS))
          await sleep(random.below(30))
        } while (!isOver)
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
