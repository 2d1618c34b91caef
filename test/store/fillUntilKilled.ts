// Child process of load.test.ts: fills a store and is killed, as by kill -9, after the first rows of the side that is asked for.
import { fillStore, storeForData } from '../../src/live/fillStore.ts'
import { openStore } from '../../src/store/openStore.ts'

const [, , data, address, lastSide] = process.argv
const store = await openStore(address, await storeForData({ data }))
await fillStore({
  data,
  store,
  onProgress: ({ stage, side }) => {
    if (stage === 'write' && side === lastSide) process.kill(process.pid, 'SIGKILL')
  },
})
