import { NearrankError } from '../../errors.ts'
import { namesProblem, parseNames } from '../featureNames.ts'
import type { OpenStoreOptions, Side, SideLayout, StoreLayout } from '../featureStore.ts'
import { newLayout } from '../newLayout.ts'
import type { RedisAddress } from './address.ts'
import type { RedisCommand, RedisConnection } from './connection.ts'
import { redisError } from './errors.ts'

const FORMAT = '1'
const SIDES = ['users', 'restaurants'] as const
const ADVICE = 'use the model and data that it was filled for, or another prefix'

/**
 * The layout of the data behind `connection`: as the hash `<prefix>meta` says, or as `wanted`, which is then written there.
 * @throws NearrankError INPUT where the two differ, UNAVAILABLE and others where the server cannot answer.
 */
export async function agreeOnLayout(
  connection: RedisConnection,
  { address, wanted: { layout: wanted, idsOfNew } }: { address: RedisAddress; wanted: OpenStoreOptions },
): Promise<StoreLayout> {
  const key = metaKey(address)
  try {
    let meta = await readMeta(connection, key)
    const isNew = Object.keys(meta).length === 0
    const found = isNew ? undefined : compared(meta, { key, wanted })
    if (found && SIDES.every((side) => found[side].names ?? wanted[side].names === undefined)) return found
    const layout = found
      ? withNames(found, wanted)
      : await newLayout({ layout: wanted, ...(idsOfNew && { idsOfNew }) })
    await writeMeta(connection, { key, layout })
    meta = await readMeta(connection, key) // somebody else's, who was faster
    return Object.keys(meta).length === 0 ? layout : withNames(compared(meta, { key, wanted }), wanted)
  } catch (error) {
    throw redisError('agree on the layout of the data with', error, address)
  }
}

/** The key of the hash with the layout. */
export function metaKey({ prefix }: RedisAddress): string {
  return `${prefix}meta`
}

function withNames(layout: StoreLayout, wanted: OpenStoreOptions['layout']): StoreLayout {
  const side = (name: Side): SideLayout => {
    const names = layout[name].names ?? wanted[name].names
    return { ...layout[name], ...(names && { names }) }
  }
  return { users: side('users'), restaurants: side('restaurants') }
}

type Meta = Record<string, string>

async function readMeta(connection: RedisConnection, key: string): Promise<Meta> {
  return { ...((await connection.send(['HGETALL', key])) as Meta) }
}

/** Only the fields that are not there yet, and all at once. A server that takes no writes now may still be read from. */
async function writeMeta(
  connection: RedisConnection,
  { key, layout }: { key: string; layout: StoreLayout },
): Promise<void> {
  const fields: RedisCommand[] = [['HSETNX', key, 'format', FORMAT]]
  for (const side of SIDES) {
    const { features, ids, names } = layout[side]
    fields.push(
      ['HSETNX', key, `${side}.features`, String(features)],
      ['HSETNX', key, `${side}.ids`, ids],
      ...(names ? [['HSETNX', key, `${side}.names`, JSON.stringify(names)]] : []),
    )
  }
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
    const json = meta[`${name}.names`]
    const names = json === undefined ? undefined : parseNames(json, wanted[name].features)
    if (json !== undefined && names === undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot use the data in Redis: the field ${name}.names of ${key} must be a JSON list of ${features} names, found ${shown(json)}; correct it or take it out`,
      )
    const problem = namesProblem(name, { wanted: wanted[name].names, found: names })
    if (problem !== undefined)
      throw new NearrankError('INPUT', `Cannot use the data in Redis: ${problem} in ${key}; ${ADVICE}`)
    return { features: wanted[name].features, ids, ...(names && { names }) }
  }
}

function differs(name: Side, wanted: string, found: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot use the data in Redis: its ${name} must ${wanted}, found ${found}; ${ADVICE}`,
  )
}

function shown(value: string | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value.slice(0, 50))
}
