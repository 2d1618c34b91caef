/** What is to be said of a server that others can reach, if it has no API keys. */
export const EXPOSED =
  'There are no API keys: anyone who can reach this address may read, write and administer. Use --api-keys, or listen on 127.0.0.1'

/** Whether an address or name is this machine's own, so that nobody else reaches it. */
export function isLoopback(host: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
}
