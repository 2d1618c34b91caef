import assert from 'node:assert/strict'
import { RawConnection } from '../test/server/rawConnection.ts'
import { makeWorld, rankedList, USERS } from '../test/server/serverFixture.ts'
import { ServeProcess } from '../test/server/serveProcess.ts'
import { EVERYWHERE, stopHouse } from './house.ts'
import { ReadyProxy } from './readyProxy.ts'
import { counted, trust } from './trust.ts'

const CLIENTS = 6

trust(
  'A replica may be stopped at any time: behind a proxy that asks for readiness no request is lost',
  { small: 4, night: 200 },
  async ({ random, amount }) => {
    const world = await makeWorld()
    const stores = [await world.newStore(), await world.newStore()]
    const start = (i: number) =>
      ServeProcess.start([
        '--model',
        world.model,
        '--store',
        stores[i],
        '--workers',
        '1',
        '--drain-seconds',
        '10',
      ])
    const proxy = await ReadyProxy.start()
    const replicas = [await start(0), await start(1)]
    await Promise.all(replicas.map(({ port }, i) => proxy.use(String(i), port)))

    const over = new AbortController()
    let answered = 0
    const client = async () => {
      const connection = await RawConnection.open(proxy.port)
      for (; !over.signal.aborted; answered++)
        assert.equal((await rankedList(connection, random.below(USERS), EVERYWHERE)).length, 20)
      connection.close()
    }
    const load = Promise.all(Array.from({ length: CLIENTS }, client))
    const stops = async () => {
      for (let stop = 0; stop < amount; stop++) {
        const i = stop % 2
        await stopHouse(replicas[i])
        replicas[i] = await start(i)
        await proxy.use(String(i), replicas[i].port)
      }
      over.abort()
    }
    await Promise.race([Promise.all([stops(), load]), load])
    proxy.close()
    await Promise.all(replicas.map(stopHouse))
    return `${counted(amount)} SIGTERMs to one of two replicas in turn under the load of ${CLIENTS} clients: ${counted(answered)} requests, none lost; every replica ended with exit code 0`
  },
)
