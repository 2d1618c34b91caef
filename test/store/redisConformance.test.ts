import { after, before } from 'node:test'
import { openRedisStore } from '../../src/store/redis/store.ts'
import { describeStore } from './conformance.ts'
import { NO_REDIS, type RedisServer, redisServer } from './redisServer.ts'

let server: RedisServer
before(async () => {
  if (NO_REDIS === false) server = await redisServer()
})
after(async () => {
  if (NO_REDIS === false) await server.remove()
})

let places = 0

describeStore('Redis', {
  skip: NO_REDIS,
  // A place is a prefix of its own; the names hold what has a meaning in patterns.
  newHome: async () => {
    const prefix = `*[a-z]?\\{${places++}}:`
    return {
      open: (options) => openRedisStore(`${server.url}/0?prefix=${encodeURIComponent(prefix)}`, options),
      remove: async () => undefined,
    }
  },
})
