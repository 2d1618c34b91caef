/** JSON in which integers beyond ±2^53, bigints, have all their digits. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, bigintAsNumber)
}

/** TypeScript does not know `JSON.rawJSON` yet, Node 22 does. */
function bigintAsNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value))
}
