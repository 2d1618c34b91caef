const VARIABLE = 'NEARRANK_REDIS_PASSWORD'

/** A sentence for the help of commands that have a store. */
export const PASSWORD_HELP = `The password of Redis may be in ${VARIABLE}, hidden from the process list.`

/**
 * The address of a store with the password from the environment, if it is of Redis and has none. Whatever is
 * wrong with the address is for the store to tell.
 */
export function storeWithPassword(address: string, environment: NodeJS.ProcessEnv = process.env): string {
  const password = environment[VARIABLE] ?? ''
  if (password === '' || !/^rediss?:/i.test(address) || !URL.canParse(address)) return address
  const url = new URL(address)
  if (url.password !== '') return address
  url.password = encodeURIComponent(password)
  return url.href
}
