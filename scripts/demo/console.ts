import { spawn } from 'node:child_process'
import type { DemoRequest } from './updates.ts'

const [NOON, NIGHT] = ['12:30', '22:30']

/** Addresses of the console that tell something about a request: the map, and the same person at noon and at night. */
export function consoleLines(url: string, { user, body }: DemoRequest): string {
  const { latitude, longitude, context = {} } = body
  const place = { lat: String(latitude), lon: String(longitude) }
  const at = (time: string, prefix: string) => {
    const told = Object.entries({
      ...context,
      ...('time' in context && { time: atTime(context.time, time) }),
    })
    const params = told.map(([name, value]) => [`${prefix}c.${name}`, textOf(name, value)])
    return Object.fromEntries([[`${prefix}user`, user], ...params]) as Record<string, string>
  }
  const page = (name: string, params: Record<string, string>) =>
    `${url}/#/${name}?${new URLSearchParams(params).toString()}`
  const lines = [
    ['On a map, with reasons:', page('explore', { ...at(NOON, ''), ...place })],
    ...('time' in context
      ? [
          [
            'The same person at noon and at night:',
            page('explore', { ...at(NOON, ''), ...place, ...at(NIGHT, 'b.') }),
          ],
        ]
      : []),
    ['Change their taste, and see the list change:', page('rows', { user })],
  ]
  return lines.map(([what, address]) => `${what}\n  ${address}`).join('\n')
}

/** Opens an address in the browser of whoever sits there, if there is one. */
export function openBrowser(address: string): void {
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '']
        : ['xdg-open']
  const child = spawn(program, [...args, address], { stdio: 'ignore', detached: true })
  child.on('error', () => {}) // the address stands in the terminal
  child.unref()
}

function atTime(date: unknown, time: string): string {
  return `${new Date(date as string | number).toISOString().slice(0, 10)}T${time}`
}

function textOf(name: string, value: unknown): string {
  return name === 'time' ? String(value).slice(0, 16) : String(value)
}
