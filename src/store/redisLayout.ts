import { NearrankError } from '../errors.ts'
import type { OpenStoreOptions, Side, StoreLayout } from './featureStore.ts'
import { newLayout } from './newLayout.ts'
import type { RedisAddress } from './redisAddress.ts'
import type { RedisCommand, RedisConnection } from './redisConnection.ts'
import { redisError } from './redisErrors.ts'

const FORMAT = '1'
const SIDES = ['users', 'restaurants'] as const

/**
 * The layout of the data behind `connection`: as the hash `<prefix>meta` says, or as `wanted`, which is then written there.
 * @throws NearrankError INPUT where the two differ, UNAVAILABLE and others where the server cannot answer.
 */
export async function agreeOnLayout(
  connection: RedisConnection,
  { address, wanted: { layout: wanted, idsOfNew } }: { address: RedisAddress; wanted: OpenStoreOptions },
): Promise<StoreLayout> {
  const key = `${address.prefix}meta`
  try {
    let meta = await readMeta(connection, key)
    if (Object.keys(meta).length > 0) return compared(meta, { key, wanted })
    const layout = await newLayout({ layout: wanted, ...(idsOfNew && { idsOfNew }) })
    await writeMeta(connection, { key, layout })
    meta = await readMeta(connection, key) // somebody else's, who was faster
    return Object.keys(meta).length === 0 ? layout : compared(meta, { key, wanted })
  } catch (error) {
    throw redisError('agree on the layout of the data with', error, address)
  }
}

type Meta = Record<string, string>

async function readMeta(connection: RedisConnection, key: string): Promise<Meta> {
  return { ...((await connection.send(['HGETALL', key])) as Meta) }
}

/** Only where nothing is there yet, and all fields at once. A server that takes no writes now may still be read from. */
async function writeMeta(
  connection: RedisConnection,
  { key, layout }: { key: string; layout: StoreLayout },
): Promise<void> {
  const fields: RedisCommand[] = [['HSETNX', key, 'format', FORMAT]]
  for (const side of SIDES)
    fields.push(
      ['HSETNX', key, `${side}.features`, String(layout[side].features)],
      ['HSETNX', key, `${side}.ids`, layout[side].ids],
    )
  const replies = await Promise.allSettled(
    [['MULTI'], ...fields, ['EXEC']].map((command) => connection.send(command)),
  )
  for (const reply of replies)
    if (reply.status === 'rejected' && !connection.isErrorReply(reply.reason)) throw reply.reason
}

function compared(
  meta: Meta,
  { key, wanted }: { key: string; wanted: OpenStoreOptions['layout'] },
): StoreLayout {
  if (meta.format !== FORMAT)
    throw new NearrankError(
      'INPUT',
      `Cannot use the data in Redis: the field format of ${key} must be ${FORMAT}, found ${shown(meta.format)}; use another prefix, or the version of Nearrank that wrote it`,
    )
  return { users: side('users'), restaurants: side('restaurants') }

  function side(name: Side): StoreLayout[Side] {
    const features = meta[`${name}.features`]
    const ids = meta[`${name}.ids`]
    if (features !== String(wanted[name].features))
      throw differs(name, `have ${wanted[name].features} features`, `${shown(features)} in ${key}`)
    if ((ids !== 'integer' && ids !== 'string') || ids !== (wanted[name].ids ?? ids))
      throw differs(
        name,
        `have ids of the kind ${wanted[name].ids ?? 'integer or string'}`,
        `${shown(ids)} in ${key}`,
      )
    return { features: wanted[name].features, ids }
  }
}

function differs(name: Side, wanted: string, found: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot use the data in Redis: its ${name} must ${wanted}, found ${found}; use the model and data that it was filled for, or another prefix`,
  )
}

function shown(value: string | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value.slice(0, 50))
}
